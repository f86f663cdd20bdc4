import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { recordingLog } from '../core/testing/contexts.ts';
import { fakeClock } from '../core/testing/fake-clock.ts';
import { TablesWatch } from './tables-watch.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-tables-'));
  await writeFile(join(directory, 'ward.csv'), 'code,to\nA,B\n');
});
afterEach(() => rm(directory, { recursive: true }));

it('logs each channel that the engine would not take with changed tables, once', async () => {
  const clock = fakeClock();
  const { log, logged } = recordingLog();
  const error = { code: 'config-invalid', kind: 'permanent', scope: 'message', message: 'deploying lab: no' } as const;
  let reloads = 0;
  const reload = async () => {
    reloads++;
    return { changed: [{ table: 'ward', version: '2' }], problems: [], refused: [{ channel: 'lab', error }] };
  };
  await using watch = new TablesWatch({ directory, clock, log, reload });
  watch.start();
  await expect
    .poll(() => {
      clock.advance(1_000);
      return reloads;
    })
    .toBe(1);
  await expect.poll(() => logged.map(({ text }) => text)).toContain('a code table is in force');
  expect(logged.filter(({ level }) => level === 'error')).toEqual([
    expect.objectContaining({
      fields: { channel: 'lab', code: 'config-invalid' },
      text: 'a channel goes on with the code tables before: deploying lab: no',
    }),
  ]);
});
