import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { DeviceProfileReader } from './device-profile-reader.ts';
import { loadDeviceProfiles } from './device-profiles.ts';

const schema = z.strictObject({ profile: z.string(), devices: z.array(z.strictObject({ id: z.string() })) });
const deviceProfile: DeviceProfileReader = (file) => {
  const read = file.read(schema, [], file.value);
  return read && { name: read.profile, devices: read.devices };
};

async function loaded(files: Readonly<Record<string, string>>) {
  const directory = await mkdtemp(join(tmpdir(), 'weir-devices-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await mkdir(join(directory, 'devices'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, 'devices', name), text);
  const { profiles, problems } = await loadDeviceProfiles(directory, { deviceProfile });
  return {
    profiles,
    problems: problems.map(({ file, line, column, code, message }) => {
      const name = file.slice(file.lastIndexOf('/') + 1);
      return `${name}:${line}:${column} ${code} ${message}`;
    }),
  };
}

it('loads every profile of the folder by its name, with a hash of what it says', async () => {
  const first = await loaded({ 'a.profile.yaml': 'profile: a\ndevices: [{ id: x }]\n', 'README.md': 'x' });
  expect(first.problems).toEqual([]);
  expect([...first.profiles.keys()]).toEqual(['a']);
  const same = await loaded({ 'a.profile.yaml': '# a comment\nprofile: a\ndevices:\n  - { id: x }\n' });
  const other = await loaded({ 'a.profile.yaml': 'profile: a\ndevices: [{ id: y }]\n' });
  expect(same.profiles.get('a')!.hash).toBe(first.profiles.get('a')!.hash);
  expect(other.profiles.get('a')!.hash).not.toBe(first.profiles.get('a')!.hash);
});

it('tells a device of two profiles and a name that is not the file’s, and goes on with the others', async () => {
  const { profiles, problems } = await loaded({
    'a.profile.yaml': 'profile: a\ndevices: [{ id: x }]\n',
    'b.profile.yaml': 'profile: b\ndevices: [{ id: y }, { id: x }]\n',
    'c.profile.yaml': 'profile: d\ndevices: []\n',
    'e.profile.yaml': 'profile: e\ndevises: []\n',
  });
  expect([...profiles.keys()]).toEqual(['a']);
  expect(problems).toEqual([
    'b.profile.yaml:2:28 name-taken devices.1.id: x is in profile a, too',
    'c.profile.yaml:1:10 value-invalid profile: the file is called c.profile.yaml, the profile d',
    'e.profile.yaml:1:1 key-missing devices is missing',
    'e.profile.yaml:2:1 key-unknown devises: no such key – did you mean devices?',
  ]);
});

it('has none where there is no folder, or nobody to read them', async () => {
  expect((await loadDeviceProfiles('/no/such/folder', { deviceProfile })).profiles.size).toBe(0);
  expect((await loadDeviceProfiles('/no/such/folder', {})).problems).toEqual([]);
});
