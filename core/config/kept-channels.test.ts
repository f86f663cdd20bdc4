import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { shippedRegistry } from '../../hub/registry.ts';
import { CodeTable } from '../tables/code-table.ts';
import type { ChannelsContext } from './channel-files.ts';
import { loadChannels } from './channels-folder.ts';
import { KeptChannels } from './kept-channels.ts';

let directory: string;
let kept: KeptChannels;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-kept-'));
  kept = new KeptChannels();
  await write('one', 'x');
  await write('two', 'x');
  await writeFile(join(directory, 'a.map.yaml'), map('upper'));
});
afterEach(() => rm(directory, { recursive: true }));

const map = (what: string) =>
  `map: a\nfrom: hl7v2\nto: hl7v2\nrules: [{ set: { PID-5.1: { from: PID-5.1, do: [${what}], table: codes, unknown: pass } } }]\n`;

const write = (name: string, label: string) =>
  writeFile(
    join(directory, `${name}.channel.yaml`),
    `channel: ${name}
labels: { at: ${label} }
source: { mllp: { endpoint: in } }
steps: [mapping: { file: a.map.yaml }]
destinations: { gone: { to: { discard: {} } } }
`,
  );

const table = (hash: string) =>
  new CodeTable({ table: 'codes', owner: 'x', version: '1', from: 'a', to: 'b' }, ['a', 'b'], [], 'codes.csv', hash);

async function load(more: Partial<ChannelsContext> = {}) {
  const { channels, problems } = await loadChannels({
    directory,
    registry: shippedRegistry(),
    code: { load: () => Promise.reject(new Error('it has no script')) },
    weirVersion: '0',
    endpoints: new Set(['in']),
    tables: new Map([['codes', table('1')]]),
    kept,
    ...more,
  });
  expect(problems).toEqual([]);
  return new Map(channels.map((channel) => [channel.definition.name, channel]));
}

/** Which of two readings gave the same definition, not only one that is alike. */
async function same(first: Awaited<ReturnType<typeof load>>, second: Awaited<ReturnType<typeof load>>) {
  return [...second]
    .filter(([name, { definition }]) => first.get(name)?.definition === definition)
    .map(([name]) => name);
}

it('a channel whose file has changed is read again, and no other', async () => {
  const first = await load();
  await write('one', 'y');
  const second = await load();
  expect(await same(first, second)).toEqual(['two']);
  expect(second.get('one')!.definition.options.labels).toEqual({ at: 'y' });
  expect(second.get('one')!.version).not.toBe(first.get('one')!.version);
  expect(second.get('two')!.version).toBe(first.get('two')!.version);
});

it('so is one whose map, code table, profile or environment has', async () => {
  const first = await load();
  expect(await same(first, await load())).toEqual(['one', 'two']);
  await writeFile(join(directory, 'a.map.yaml'), map('lower'));
  const second = await load();
  expect(await same(first, second)).toEqual([]);
  const third = await load({ tables: new Map([['codes', table('2')]]) });
  expect(await same(second, third)).toEqual([]);
  expect(await same(third, await load({ endpoints: new Set(['in', 'more']) }))).toEqual([]);
});

it('a channel that became wrong is wrong, and one that is right again is taken', async () => {
  await load();
  await write('two', '[');
  const { problems } = await loadChannels({
    directory,
    registry: shippedRegistry(),
    code: { load: () => Promise.reject(new Error('it has no script')) },
    weirVersion: '0',
    kept,
  });
  expect(problems.length).toBeGreaterThan(0);
  await write('two', 'x');
  expect((await load()).size).toBe(2);
});
