import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineAdapter, defineConnector } from '../define.ts';
import { bytes } from '../format.ts';
import { loadChannels } from './channels-folder.ts';
import { createCodeLoader } from './code-loader.ts';
import type { DeviceProfileReader } from './device-profile-reader.ts';
import { KeptChannels } from './kept-channels.ts';
import { describeProblem } from './problem.ts';
import { createRegistry } from './registry.ts';

const config = z.strictObject({ profile: z.string() });
const poller = defineAdapter({
  ...{ type: 'poller', summary: 'Polls.', produces: bytes, acknowledges: 'never', config },
  examples: [{ title: 'Rooms', config: { profile: 'room' } }],
  deviceProfiles: ({ profile }) => [profile],
  create: () => ({ run: async () => undefined }),
});
const setter = defineConnector({
  ...{ type: 'setter', summary: 'Sets.', accepts: 'any', batching: 'independent', effect: 'atLeastOnce', maxBatch: 1 },
  config,
  examples: [{ title: 'Rooms', config: { profile: 'room' } }],
  deviceProfiles: ({ profile }) => [profile],
  create: () => ({ write: async () => undefined, [Symbol.asyncDispose]: async () => undefined }),
});
const schema = z.strictObject({ profile: z.string(), devices: z.array(z.strictObject({ id: z.string() })) });
const deviceProfile: DeviceProfileReader = (file) => {
  const read = file.read(schema, [], file.value);
  return read && { name: read.profile, devices: read.devices };
};
const registry = createRegistry({
  ...{ adapters: [poller], connectors: [setter], formats: [bytes], languages: [] },
  deviceProfile,
});

let directory: string;
let kept: KeptChannels;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-named-devices-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  kept = new KeptChannels();
});

const write = async (name: string, text: string) => {
  await mkdir(dirname(join(directory, name)), { recursive: true });
  await writeFile(join(directory, name), text);
};
const channel = (source: string, destination: string) =>
  `channel: a
source: { poller: { profile: ${source} } }
destinations:
  back: { to: { setter: { profile: ${destination} } } }
`;

async function load() {
  using code = await createCodeLoader({ directory, entry: join(import.meta.dirname, '../../index.ts') });
  const context = { directory, registry, code: await code.snapshot(), weirVersion: '0', kept };
  const { channels, problems } = await loadChannels(context);
  return { channel: channels[0]!, problems: problems.map((each) => describeProblem(each).replace(/^.*\//, '')) };
}

it('a channel has the device profiles that its source and destinations name', async () => {
  await write('devices/room.profile.yaml', 'profile: room\ndevices: [{ id: r1 }]\n');
  await write('devices/pump.profile.yaml', 'profile: pump\ndevices: [{ id: p1 }]\n');
  await write('devices/other.profile.yaml', 'profile: other\ndevices: [{ id: o1 }]\n');
  await write('a.channel.yaml', channel('room', 'pump'));
  const { channel: read, problems } = await load();
  expect(problems).toEqual([]);
  expect(Object.fromEntries(read.definition.deviceProfiles!)).toEqual({
    room: { name: 'room', devices: [{ id: 'r1' }] },
    pump: { name: 'pump', devices: [{ id: 'p1' }] },
  });
});

it('a change of a profile is a new version of the channels that name it, and of no other', async () => {
  await write('devices/room.profile.yaml', 'profile: room\ndevices: [{ id: r1 }]\n');
  await write('devices/pump.profile.yaml', 'profile: pump\ndevices: [{ id: p1 }]\n');
  await write('a.channel.yaml', channel('room', 'room'));
  const first = await load();
  await write('devices/pump.profile.yaml', 'profile: pump\ndevices: [{ id: p2 }]\n');
  const same = await load();
  expect(same.channel.definition).toBe(first.channel.definition);
  await write('devices/room.profile.yaml', 'profile: room\ndevices: [{ id: r1 }, { id: r2 }]\n');
  const changed = await load();
  expect(changed.channel.version).not.toBe(first.channel.version);
  expect(changed.channel.definition.deviceProfiles!.get('room')!.devices).toHaveLength(2);
});

it('a profile that is not there is told at its line; one with mistakes only where they are', async () => {
  await write('devices/room.profile.yaml', 'profile: room\ndevices: [{ id: r1 }]\n');
  await write('devices/pump.profile.yaml', 'profile: pump\ndevises: []\n');
  await write('a.channel.yaml', channel('rooms', 'pump'));
  expect((await load()).problems).toEqual([
    'pump.profile.yaml:1:1 key-missing devices is missing',
    'pump.profile.yaml:2:1 key-unknown devises: no such key – did you mean devices?',
    'a.channel.yaml:2:30 profile-unknown source.poller.profile: there is no device profile rooms – did you mean room?',
  ]);
});

it('in TypeScript the same holds', async () => {
  await write('devices/room.profile.yaml', 'profile: room\ndevices: [{ id: r1 }]\n');
  const source = (profile: string) => `
const bytes = { id: 'bytes', contentType: '', decode: (raw) => raw, encode: (raw) => raw };
export default { definition: Object.freeze({
  name: 'a', format: bytes, filters: [], steps: [], options: {},
  source: { kind: 'source', type: 'poller', config: { profile: '${profile}' }, deviceProfiles: ['${profile}'] },
  destinations: [{ name: 'back', steps: [], to: { kind: 'destination', type: 'setter', config: {} } }],
}) };
`;
  await write('a.channel.ts', source('room'));
  const { channel: read, problems } = await load();
  expect(problems).toEqual([]);
  expect([...read.definition.deviceProfiles!.keys()]).toEqual(['room']);
  await write('a.channel.ts', source('rom'));
  expect((await load()).problems).toEqual([
    'a.channel.ts:1:1 profile-unknown source.poller.profile: there is no device profile rom – did you mean room?',
  ]);
});
