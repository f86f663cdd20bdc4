/** Channels that give messages to each other, on the real engine. */
import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { channel as fromChannel } from '../adapters/channel/channel.ts';
import { mllp } from '../adapters/mllp/mllp.ts';
import { channel as toChannel } from '../connectors/channel/channel.ts';
import { file } from '../connectors/file/file.ts';
import { hl7v2 } from '../contracts/hl7v2.ts';
import { defineChannel } from '../core/builder.ts';
import { channelHarness } from './testing/channel-harness.ts';
import { loadFiles } from './testing/channels-folder.ts';

const router = `channel: router
source: { mllp: { endpoint: in } }
destinations: { lab: { to: { channel: { name: lab } } } }
`;
const lab = `channel: lab
source: { channel: { name: router } }
format: hl7v2
filter: { MSH-9.1: ADT }
destinations: { out: { to: { file: { endpoint: archive, name: '\${meta.channel.name}-\${meta.channel.message}' } } } }
`;
const admission = Buffer.from(
  'MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302081500||ADT^A01^ADT_A01|C1|P|2.5.1\rPID|1||7^^^H^MR\r',
);

const problems = async (files: Readonly<Record<string, string>>) => (await loadFiles(files)).problems;

describe('a link between channels', () => {
  it('in YAML and in TypeScript gives the same definition', async () => {
    const { channels } = await loadFiles({ 'lab.channel.yaml': lab, 'router.channel.yaml': router });
    const typescript = [
      defineChannel('lab')
        .from(fromChannel({ name: 'router' }), hl7v2)
        .filter(() => true)
        .to('out', file({ endpoint: 'archive', name: '${meta.channel.name}-${meta.channel.message}' })),
      defineChannel('router')
        .from(mllp({ endpoint: 'in' }))
        .to('lab', toChannel({ name: 'lab' })),
    ];
    const shape = (value: unknown) =>
      JSON.parse(JSON.stringify(value, (key, each) => (typeof each === 'function' ? '' : key === 'name' ? '' : each)));
    expect(channels.map(({ definition }) => shape(definition))).toEqual(
      typescript.map((each) => shape(each.definition)),
    );
  });

  it('gives every message on once, and holds it while the other channel is not there', async () => {
    const { channels } = await loadFiles({ 'lab.channel.yaml': lab, 'router.channel.yaml': router });
    const [to, from] = channels.map(({ definition }) => definition);
    await using harness = await channelHarness(from!);
    const { id } = await harness.sendUntil(admission, 'queued');
    await harness.engine.deploy(to!, 'v1');
    const names = async () => (await readdir(harness.directory)).filter((each) => !each.endsWith('.tmp'));
    await expect.poll(names).toEqual([`router-${id}`]);
    await harness.sendUntil(admission, 'sent');
    await expect.poll(names).toHaveLength(2);
    const counts = (await harness.engine.store.counts()).find(({ channel }) => channel === 'lab');
    expect(counts?.received).toBe(2);
  });

  it('that leads nowhere, or to a channel that takes nothing, is a mistake', async () => {
    expect(
      await problems({ 'router.channel.yaml': router.replace('name: lab', 'name: lap'), 'lab.channel.yaml': lab }),
    ).toEqual(
      [
        'lab.channel.yaml:2:28 channel-unknown source.channel.name: router gives it no messages',
        'router.channel.yaml:3:47 channel-unknown destinations.lab.to.channel.name: there is no channel lap – did you mean lab?',
      ].toReversed(),
    );
    const other = lab.replace('channel: { name: router }', 'mllp: { endpoint: lab }').replace('format: hl7v2\n', '');
    expect(await problems({ 'router.channel.yaml': router, 'lab.channel.yaml': other })).toEqual([
      'router.channel.yaml:3:47 channel-unknown destinations.lab.to.channel.name: lab takes no messages of other channels: its source is mllp',
    ]);
    const json = lab.replace('hl7v2', 'json').replace('filter: { MSH-9.1: ADT }\n', '');
    expect(await problems({ 'router.channel.yaml': router, 'lab.channel.yaml': json })).toEqual([
      'router.channel.yaml:3:47 channel-unknown destinations.lab.to.channel.name: lab takes json, but gets hl7v2',
    ]);
    expect(
      await problems({ 'router.channel.yaml': router, 'lab.channel.yaml': lab.replace('filter:', 'filtre:') }),
    ).toEqual(['lab.channel.yaml:4:1 key-unknown filtre: no such key – did you mean filter?']);
  });

  it('in a circle is a mistake, told once', async () => {
    const link = (name: string, to: string) =>
      `channel: ${name}\nsource: { channel: {} }\nformat: hl7v2\ndestinations: { next: { to: { channel: { name: ${to} } } } }\n`;
    expect(
      await problems({
        'a.channel.yaml': link('a', 'b'),
        'b.channel.yaml': link('b', 'c'),
        'c.channel.yaml': link('c', 'a'),
      }),
    ).toEqual([
      'c.channel.yaml:4:48 links-circular destinations.next.to.channel.name: messages would go in a circle: a → b → c → a',
    ]);
  });
});
