import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { prepared } from '../../clients/kafka/record.ts';
import { SendQueue } from '../../clients/kafka/send-queue.ts';
import { TestTopics } from '../../clients/kafka/testing/topic.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { type FakeIntake, fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { kafka } from './kafka.ts';

const server = await service('kafka', import.meta.filename);

describe.skipIf(server.missing)('the kafka source', () => {
  async function far(): Promise<TestTopics> {
    const topics = await TestTopics.at(server.address);
    onTestFinished(() => topics[Symbol.asyncDispose]());
    return topics;
  }

  function sending(topics: TestTopics): SendQueue {
    const endpoint = { brokers: topics.brokers };
    const queue = new SendQueue({ endpoint, clientId: 'far', deliveryTimeoutMs: 10_000, onTrouble: () => undefined });
    onTestFinished(() => queue.close(1000));
    return queue;
  }

  /** Reads until the test ends. */
  function reading(
    topics: TestTopics,
    intake: FakeIntake,
    config: Omit<Parameters<typeof kafka>[0], 'endpoint'>,
    under: { readonly channel?: string; readonly lease?: string } = {},
  ) {
    const drain = new AbortController();
    const endpoints = { far: { kind: 'kafka', brokers: topics.brokers } as const };
    const context = fakeSourceContext({ channel: uniqueName(import.meta.filename), ...under, endpoints });
    const source = kafka({ endpoint: 'far', sessionTimeoutMs: 6000, ...config }).create(context);
    const running = source.run(intake, { drain: drain.signal, halt: new AbortController().signal });
    running.catch(() => undefined);
    const stop = async () => {
      drain.abort();
      await running;
    };
    onTestFinished(async () => void (await stop().catch(() => undefined)));
    return { context, running, stop };
  }

  it('hands over key, headers, place and time of a record', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename));
    const headers = { 'event-id': 'E7', traceparent: '00-aa-bb-01' };
    await sending(topics).send([prepared({ topic, key: Buffer.from('Zoë'), value: Buffer.from('seven'), headers })]);
    const intake = fakeIntake(() => positive);
    reading(topics, intake, { topics: [topic], dedupeHeader: 'event-id' });
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(1));
    expect(intake.arrivals[0]).toEqual({
      raw: Buffer.from('seven'),
      key: 'Zoë',
      dedupeKey: 'E7',
      meta: {
        'kafka.topic': topic,
        'kafka.partition': '0',
        'kafka.offset': '0',
        'kafka.timestamp': expect.stringMatching(/^20\d\d-.*Z$/),
        'kafka.header.event-id': 'E7',
        traceparent: '00-aa-bb-01',
      },
    });
  });

  it('reads two topics as one group, each key in order over its partitions', async () => {
    const topics = await far();
    const names = [await topics.make(uniqueName('a'), 3), await topics.make(uniqueName('b'), 3)];
    const queue = sending(topics);
    for (let number = 0; number < 120; number++)
      void queue.send([
        prepared({
          topic: names[number % 2]!,
          key: Buffer.from(`patient-${number % 8}`),
          value: Buffer.from(String(number)),
          headers: {},
        }),
      ]);
    const intake = fakeIntake(() => positive);
    reading(topics, intake, { topics: names, maxBatch: 7 });
    const distinct = (of: FakeIntake['arrivals']) => [
      ...new Set(of.map(({ raw }) => Number(Buffer.from(raw).toString()))),
    ];
    await vi.waitFor(() => expect(distinct(intake.arrivals)).toHaveLength(120));
    for (let patient = 0; patient < 8; patient++) {
      const numbers = distinct(intake.arrivals.filter(({ key }) => key === `patient-${patient}`));
      expect(numbers).toHaveLength(15);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });

  it('passes over records without a value, and counts them, or hands them over as it is told', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename));
    const { Producer } = await import('@platformatic/kafka');
    const producer = new Producer({ clientId: 'far', bootstrapBrokers: topics.brokers });
    const key = Buffer.from('k');
    await producer.send({
      acks: -1,
      messages: [
        { topic, key },
        { topic, key, value: Buffer.from('one') },
      ],
    });
    await producer.close();
    const [passing, taking] = [fakeIntake(() => positive), fakeIntake(() => positive)];
    const { context } = reading(topics, passing, { topics: [topic] });
    reading(topics, taking, { topics: [topic], tombstones: 'deliver' });
    await vi.waitFor(() => expect([passing.arrivals.length, taking.arrivals.length]).toEqual([1, 2]));
    expect(context.counts.kafka_tombstones_skipped_total).toBe(1);
    expect(taking.arrivals[0]).toMatchObject({ raw: new Uint8Array(0), meta: { 'kafka.tombstone': 'true' } });
  });

  it('does not read what a transaction has aborted, even where there are several in one answer', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename));
    const { Producer } = await import('@platformatic/kafka');
    const producer = new Producer({
      clientId: 'far',
      bootstrapBrokers: topics.brokers,
      idempotent: true,
      transactionalId: topic,
      retries: 20,
      retryDelay: 100,
    });
    for (const [text, ends] of [
      ['aborted 1', 'abort'],
      ['kept 1', 'commit'],
      ['aborted 2', 'abort'],
      ['kept 2', 'commit'],
    ] as const) {
      const transaction = await producer.beginTransaction();
      await transaction.send({ messages: [{ topic, key: Buffer.from('k'), value: Buffer.from(text) }] });
      await transaction[ends]();
    }
    await producer.close();
    const intake = fakeIntake(() => positive);
    const { context } = reading(topics, intake, { topics: [topic] });
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(2));
    expect(intake.arrivals.map(({ raw }) => Buffer.from(raw).toString())).toEqual(['kept 1', 'kept 2']);
    // Four records and four marks of their ends: those behind the last record count as read, too.
    await vi.waitFor(async () => expect(await topics.committed(context.channel, topic)).toEqual([8]));
  });

  it('ends with a transient error that names the setting while there is no such topic', async () => {
    const topics = await far();
    const { running } = reading(topics, fakeIntake(), { topics: ['nobody.made.this'] });
    await expect(running).rejects.toMatchObject({
      code: 'not-found',
      kind: 'transient',
      message: expect.stringContaining('topic'),
    });
  });

  it('takes the partitions over at once from a hub that had the lease before, which does not come back', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename), 2);
    const queue = sending(topics);
    const send = (number: number) =>
      queue.send([prepared({ topic, partition: number % 2, value: Buffer.from(String(number)), headers: {} })]);
    await send(0);
    await send(1);
    const channel = uniqueName(import.meta.filename);
    const under = { channel, lease: `${channel}/0` };
    const [first, second] = [fakeIntake(() => positive), fakeIntake(() => positive)];
    // Its session would be over long after the test.
    const before = reading(topics, first, { topics: [topic], sessionTimeoutMs: 30_000 }, under);
    await vi.waitFor(async () => expect(await topics.committed(channel, topic)).toEqual([1, 1]));
    const at = performance.now();
    reading(topics, second, { topics: [topic], sessionTimeoutMs: 30_000 }, under);
    await send(2);
    await send(3);
    // At least once: what the first one had taken and not yet committed comes to the second one again.
    const taken = () =>
      new Set([...first.arrivals, ...second.arrivals].map(({ raw }) => Number(Buffer.from(raw).toString())));
    await vi.waitFor(() => expect(taken()).toEqual(new Set([0, 1, 2, 3])));
    await expect(before.running).rejects.toMatchObject({ kind: 'transient', scope: 'destination' });
    expect(performance.now() - at).toBeLessThan(25_000);
    await send(4);
    await send(5);
    await vi.waitFor(() => expect(taken()).toEqual(new Set([0, 1, 2, 3, 4, 5])));
    await vi.waitFor(async () => expect(await topics.committed(channel, topic)).toEqual([3, 3]));
  });

  it('leaves the partitions of a slow batch where they are until it is acknowledged, when another member joins', {
    timeout: 40_000,
  }, async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename), 2);
    const queue = sending(topics);
    const send = (number: number) =>
      queue.send([prepared({ topic, partition: number % 2, value: Buffer.from(String(number)), headers: {} })]);
    for (let number = 0; number < 8; number++) await send(number);
    const slow = fakeIntake();
    const other = fakeIntake(() => positive);
    const group = uniqueName(import.meta.filename);
    reading(topics, slow, { topics: [topic], group, maxBatch: 2 });
    await vi.waitFor(() => expect(slow.arrivals.length).toBeGreaterThanOrEqual(4));
    reading(topics, other, { topics: [topic], group, maxBatch: 2 });
    // Longer than the session: the brokers hear all the while that the slow one is alive.
    await pause(7500);
    expect(other.arrivals).toHaveLength(0);
    for (let index = 0; index < 4; index++) slow.answer(index, positive);
    const numbers = (intake: FakeIntake) => intake.arrivals.map(({ raw }) => Number(Buffer.from(raw).toString()));
    const all = new Set([0, 1, 2, 3, 4, 5, 6, 7]);
    await vi.waitFor(() => expect(new Set([...numbers(slow), ...numbers(other)])).toEqual(all));
    expect(other.arrivals.length).toBeGreaterThan(0);
    for (let index = 4; index < slow.arrivals.length; index++) slow.answer(index, positive);
  });
});
