import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HubError } from '../core/errors.ts';
import { nearestSettings, readSettings } from './settings.ts';

let directory: string;
let config: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-settings-'));
  config = join(directory, 'weir.yaml');
});
afterEach(() => rm(directory, { recursive: true }));

function failure(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof HubError) return thrown.message;
  }
  throw new Error('no HubError was thrown');
}

it('has every default without a file: the shipped channels, and an admin API on loopback', () => {
  const settings = readSettings({ stateDir: directory });
  expect(settings).toMatchObject({
    environment: 'demo',
    stateDir: directory,
    admin: { host: '127.0.0.1', port: 8640 },
  });
  expect(settings.channels).toMatch(/channels$/);
  expect(settings.admin.token).toBeUndefined();
});

it('reads weir.yaml with paths from its folder; the command line goes over it', async () => {
  await writeFile(config, 'channels: mine\nenvironment: test\nadmin: { port: 9000, maxBodyBytes: 1MB }\n');
  expect(readSettings({ config, adminPort: 0 })).toMatchObject({
    channels: join(directory, 'mine'),
    environment: 'test',
    stateDir: join(directory, 'state'),
    admin: { port: 0, maxBodyBytes: 1_048_576 },
  });
});

it('is found from a folder below its own', async () => {
  const before = process.cwd;
  const below = join(directory, 'channels/maps');
  await mkdir(below, { recursive: true });
  await writeFile(config, 'channels: channels\nenvironment: test\n');
  process.cwd = () => below;
  try {
    expect(nearestSettings()).toBe(config);
    expect(readSettings({})).toMatchObject({
      channels: join(directory, 'channels'),
      stateDir: join(directory, 'state'),
    });
    await writeFile(config, 'chanels: mine\n');
    expect(failure(() => readSettings({}))).toMatch(/weir\.yaml:1:1 key-unknown chanels/);
  } finally {
    process.cwd = before;
  }
});

it('takes a token by reference, and refuses one that is written down', async () => {
  await writeFile(config, "admin: { token: '${env:TOKEN}' }\n");
  expect(readSettings({ config }, { TOKEN: 'a-long-enough-token' }).admin.token).toBe('a-long-enough-token');
  expect(failure(() => readSettings({ config }, {}))).toMatch(/weir\.yaml:1:17 reference-unresolved admin\.token/);
  await writeFile(config, 'admin: { token: a-long-enough-token }\n');
  expect(failure(() => readSettings({ config }))).toMatch(
    /weir\.yaml:1:17 value-invalid admin\.token: a secret is a reference/,
  );
});

it('takes the password of Redis by reference, and refuses one that is written down', async () => {
  await writeFile(config, "redis: { url: '${env:REDIS}' }\n");
  expect(readSettings({ config }, { REDIS: 'redis://weir:secret@redis:6379' }).redis).toMatchObject({
    url: 'redis://weir:secret@redis:6379',
    prefix: 'weir:',
  });
  await writeFile(config, "redis: { url: 'redis://:${env:WORD}@redis:6379' }\n");
  expect(readSettings({ config }, { WORD: 'secret' }).redis?.url).toBe('redis://:secret@redis:6379');
  await writeFile(config, "redis: { url: 'redis://weir:secret@redis:6379' }\n");
  const said = failure(() => readSettings({ config }));
  expect(said).toMatch(/weir\.yaml:1:15 value-invalid redis\.url: a password is a reference/);
  expect(said).not.toContain('secret@');
});

it('names every mistake in one go, each on its line', async () => {
  await writeFile(config, 'chanels: mine\nlog: { level: loud }\n');
  const lines = failure(() => readSettings({ config })).split('\n');
  expect(lines).toHaveLength(2);
  expect(lines.some((line) => line.includes(':1:1 key-unknown chanels'))).toBe(true);
  expect(failure(() => readSettings({ config: join(directory, 'nosuch.yaml') }))).toMatch(/there is no such file/);
});
