import { describe, expect, it, vi } from 'vitest';
import { loopbackListener } from '../../core/testing/loopback-listener.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { readGroup } from './group-reader.ts';
import { prepared } from './record.ts';
import { SendQueue } from './send-queue.ts';
import { TestTopics } from './testing/topic.ts';

const kafka = await service('kafka', import.meta.filename);

it('a send says after some seconds that there is no answer yet, long before it is given up', async () => {
  await using silent = await loopbackListener();
  using _accepting = silent.handle((socket) => void socket.resume());
  const troubles: string[] = [];
  const queue = new SendQueue({
    endpoint: { brokers: [`127.0.0.1:${silent.port}`] },
    ...{ clientId: 'test', deliveryTimeoutMs: 120_000, connectTimeoutMs: 100_000, requestTimeoutMs: 100_000 },
    onTrouble: ({ message }) => void troubles.push(message),
  });
  let over = false;
  const sent = queue
    .send([prepared({ topic: 'adt', value: Buffer.from('1'), headers: {} })])
    .catch(() => (over = true));
  await vi.waitFor(() => expect(troubles).toHaveLength(1), 30_000);
  expect(troubles).toEqual(['sending to Kafka: the broker was asked, and has not answered yet']);
  expect(over).toBe(false);
  await queue.close(0);
  await sent;
  expect(over).toBe(true);
}, 60_000);

describe.skipIf(kafka.missing)('where the first broker takes connections and says nothing', { timeout: 60_000 }, () => {
  it('writes to the others, and reads from them', async () => {
    await using silent = await loopbackListener();
    using _accepting = silent.handle((socket) => void socket.resume());
    await using topics = await TestTopics.at(kafka.address);
    const topic = await topics.make(uniqueName(import.meta.filename));
    const endpoint = { brokers: [`127.0.0.1:${silent.port}`, ...kafka.address.split(',')] };
    const troubles: string[] = [];
    const onTrouble = ({ message }: Error) => void troubles.push(message);
    const choices = { endpoint, clientId: 'test', requestTimeoutMs: 1_000, onTrouble };
    const queue = new SendQueue({ ...choices, deliveryTimeoutMs: 45_000 });
    expect((await queue.send([prepared({ topic, value: Buffer.from('1'), headers: {} })])).size).toBe(0);
    await queue.close(1_000);
    expect(troubles).toHaveLength(1);
    const read = new AbortController();
    const found: string[] = [];
    await readGroup(
      {
        ...{ ...choices, requestTimeoutMs: 3_000, topics: [topic], group: topic, from: 'earliest', maxBatch: 10 },
        ...{ sessionTimeoutMs: 6_000, heartbeatMs: 1_000, rebalanceTimeoutMs: 6_000, onAssigned: () => undefined },
        pauses: { firstMs: 100, maxMs: 100 },
      },
      async ({ records }) => {
        found.push(...records.map(({ value }) => String(value)));
        read.abort();
      },
      read.signal,
    );
    expect(found).toEqual(['1']);
  });
});
