import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { SimulatedDevices } from '../clients/modbus/testing/simulated-devices.ts';
import type { VitalReadings } from '../contracts/vitals.ts';
import { hubProcess, type Workplace, weir, workplace } from './testing/hub-process.ts';

const patience = { timeout: 30_000, interval: 50 };

const profile = (port: number, address: number) => `profile: rooms
transport: modbus-tcp
modbus: { host: 127.0.0.1, port: ${port}, unit: '\${UNIT}', addressing: zero-based, groups: { all: { everyMs: 200 } } }
devices: [{ id: room-1, variables: { UNIT: 1 } }, { id: room-2, variables: { UNIT: 2 } }]
points: [{ id: pressure, read: { table: input-registers, address: ${address} }, type: u16, unit: Pa }]
`;
const channel = `channel: rooms
source: { modbus: { profile: rooms } }
steps: [device-to-reading: { profiles: [devices/rooms.profile.yaml] }]
destinations:
  out: { to: { file: { endpoint: out, name: '\${messageId}-\${n}.json' } } }
`;

async function readings(place: Workplace): Promise<readonly VitalReadings[]> {
  const directory = join(place.directory, 'out');
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json'));
  return Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as VitalReadings),
  );
}

const values = (all: readonly VitalReadings[]) => [
  ...new Set(all.flatMap((each) => each.readings.map(({ value }) => value))),
];

it('polls by its profile through a kill −9, each sample once, and by another one from its next deployment on', async () => {
  await using devices = await SimulatedDevices.start();
  await using place = await workplace({
    'channels/env/test.yaml': 'endpoints:\n  out: { kind: directory, path: ../../out }\n',
    'channels/rooms.channel.yaml': channel,
    'channels/devices/rooms.profile.yaml': profile(devices.port, 7),
    'out/.keep': '',
  });
  const until = (more: number) =>
    vi.waitFor(async () => expect((await readings(place)).length).toBeGreaterThanOrEqual(more), patience);
  {
    await using hub = await hubProcess(place);
    await until(6);
    process.kill(hub.processId, 'SIGKILL');
    await hub.exited;
  }
  const before = (await readings(place)).length;
  await using hub = await hubProcess(place);
  await until(before + 6);
  const all = await readings(place);
  expect(values(all)).toEqual([21]);
  expect(new Set(all.map(({ device }) => device))).toEqual(new Set(['room-1', 'room-2']));
  expect(new Set(all.map(({ device, receivedAt }) => `${device} ${receivedAt}`)).size).toBe(all.length);

  const same = await weir(['deploy', '--reason', 'nothing changed'], hub.admin);
  expect(same.out).toMatch(/unchanged/);
  await place.write({ 'channels/devices/rooms.profile.yaml': profile(devices.port, 100) });
  const changed = await weir(['deploy', '--reason', 'another register'], hub.admin);
  expect(`${changed.out}${changed.err}`).toMatch(/rooms/);
  await vi.waitFor(async () => expect(values(await readings(place)).toSorted()).toEqual([21, 300]), patience);
  expect(devices.connections).toBe(3);

  await place.write({ 'channels/rooms.channel.yaml': channel.replace('profile: rooms }', 'profile: room }') });
  const checked = await weir(['check', join(place.directory, 'channels')]);
  expect(checked.out + checked.err).toMatch(
    /rooms\.channel\.yaml:2:30 profile-unknown source\.modbus\.profile: there is no device profile room – did you mean rooms\?/,
  );
}, 60_000);
