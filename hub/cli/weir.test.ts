import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const script = join(import.meta.dirname, 'weir.js');
/** As on a machine whose own Node is an older one. */
const older =
  "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:process.env.OLD?'20.1.0':process.versions.node}});delete process.env.OLD";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-command-'));
});
afterAll(() => rm(folder, { recursive: true }));

function weir(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const options = { cwd: folder, env: { ...process.env, OLD: 'yes' } };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', older, script, ...args], options, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

it('runs on the Node that was installed with it where that of the machine is too old, from any folder', async () => {
  expect(await weir('init', 'hospital')).toMatchObject({ code: 0, err: '', out: expect.stringContaining('is ready') });
  expect(await weir('check', 'hospital')).toEqual({ code: 0, err: '', out: '1 channel is right\n' });
  expect(await weir('nonsense')).toMatchObject({ code: 2, out: '' });
});

it('outside of any folder of channels it says so, and writes nothing into its own', async () => {
  const { code, out, err } = await weir('new', 'channel', 'mine');
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toBe(
    'weir: there is no weir.yaml here or above: weir init <folder> makes a folder of your own, --channels names one\n',
  );
  expect((await weir('explain', 'adt-router')).err).toBe(
    'weir: there is no weir.yaml here or above, so these are the channels that Weir comes with\n',
  );
});
