import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestTopics } from '../../../clients/kafka/testing/topic.ts';
import { service, uniqueName } from '../../../core/testing/services.ts';
import { openFolder } from '../offline/folder.ts';
import { openEndpoints } from './connect.ts';
import { openTopics, topicDemands } from './topic-demands.ts';

const server = await service('kafka', import.meta.filename);
const dayMs = 86_400_000;

describe.skipIf(server.missing)('weir check --connect with Kafka', () => {
  async function place() {
    const topics = await TestTopics.at(server.address);
    onTestFinished(() => topics[Symbol.asyncDispose]());
    const directory = await mkdtemp(join(tmpdir(), 'weir-topics-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const prefix = `${uniqueName(import.meta.filename)}.`;
    await mkdir(join(directory, 'channels/env'), { recursive: true });
    await writeFile(join(directory, 'weir.yaml'), `events: { kafka: { endpoint: brokers, prefix: ${prefix} } }\n`);
    const brokers = JSON.stringify(topics.brokers);
    const env = `endpoints: { brokers: { kind: kafka, brokers: ${brokers} } }\n`;
    await writeFile(join(directory, 'channels/env/test.yaml'), env);
    const lines = async (destinations: string, source = 'schedule: { name: x, everyMs: 1000 }') => {
      const channel = `channel: one\nsource: { ${source} }\n${source.startsWith('events') ? 'format: json\n' : ''}destinations:\n${destinations}`;
      await writeFile(join(directory, 'channels/one.channel.yaml'), channel);
      const config = join(directory, 'weir.yaml');
      const folder = await openFolder({ config, channels: join(directory, 'channels'), env: 'test' });
      expect(folder.problems).toEqual([]);
      const { endpoints } = folder.environment;
      const opened = await openEndpoints(endpoints, directory, 10_000);
      return (await openTopics(topicDemands(folder), endpoints, opened, 10_000)).map(
        ({ result, detail }) => `${result} ${detail.replaceAll(prefix, '')}`,
      );
    };
    const make = (name: string, partitions: number, retentionMs: number) =>
      topics.make(prefix + name, partitions, { 'retention.ms': String(retentionMs) });
    return { prefix, lines, make };
  }
  const publish = (config: string) => `  events: { to: { publish: { ${config} } } }\n`;

  it('says of the hub’s own topics what differs from contracts and channels, and what the hub makes', async () => {
    const { lines, make } = await place();
    expect(await lines(publish('topic: clinical.patient.v1'))).toEqual([
      'ok topic clinical.patient.v1: the hub makes it with 8 partitions when it starts (one, destination events (publish))',
    ]);
    await make('clinical.patient.v1', 3, 14 * dayMs);
    expect(await lines(publish('topic: clinical.patient.v1'))).toEqual([
      'failed topic clinical.patient.v1: it has 3 partitions, and one, destination events (publish) wants 8',
    ]);
    await make('lab.own', 2, dayMs);
    expect(await lines(publish(`topic: lab.own, retentionMs: ${2 * dayMs}`))).toEqual([
      'ok topic lab.own: 2 partitions, kept 24 h; the hub makes it 2 d when it starts (one, destination events (publish))',
    ]);
    expect(await lines(publish(`topic: lab.own, partitions: 2, retentionMs: ${dayMs}`))).toEqual([
      'ok topic lab.own: 2 partitions, kept 24 h',
    ]);
  });

  it('names topics that are read or written and are not there', async () => {
    const { prefix, lines, make } = await place();
    const far = `  far: { to: { kafka: { endpoint: brokers, topic: ${prefix}lab.orders } } }\n`;
    const missing = 'failed topic lab.orders: the cluster has none, and one, destination far (kafka) wants it';
    expect(await lines(far)).toEqual([missing]);
    await make('lab.orders', 1, dayMs);
    expect(await lines(far)).toEqual(['ok topic lab.orders: 1 partition, kept 24 h']);
    expect(await lines(far, 'events: { topic: lab.nobody }')).toEqual([
      'ok topic lab.orders: 1 partition, kept 24 h',
      'failed topic lab.nobody: the cluster has none, and one, source (events) wants it',
    ]);
  });
});
