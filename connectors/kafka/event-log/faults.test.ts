// Over 350 lines: what a broker can do to the log, side by side on one cluster.
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TestTopics } from '../../../clients/kafka/testing/topic.ts';
import { HubError } from '../../../core/errors.ts';
import type { EventLog, NewEvent } from '../../../core/events/event-log.ts';
import { nightly } from '../../../core/testing/nightly.ts';
import { type OwnService, ownService, service, uniqueName } from '../../../core/testing/services.ts';
import { type KafkaLogOptions, openKafkaLog } from './kafka-log.ts';

const own = await ownService('kafka', import.meta.filename);
const shared = await service('kafka', import.meta.filename);

async function openLog(address: string, options: Partial<KafkaLogOptions> = {}) {
  const errors: HubError[] = [];
  const notices: string[] = [];
  const log = await openKafkaLog({
    endpoint: { brokers: address.split(',') },
    sessionTimeoutMs: 6000,
    retry: { firstMs: 20, maxMs: 200 },
    onError: (error) => void errors.push(error),
    onNotice: (text) => void notices.push(text),
    ...options,
  });
  onTestFinished(() => log[Symbol.asyncDispose]());
  return { log, errors, notices };
}

const event = (number: number, key = `patient-${number % 20}`): NewEvent => ({
  key,
  value: Buffer.from(String(number)),
  id: `effect-${number}`,
  headers: {},
});

/** Publishes and consumes at once until `stop`; what is rejected is published again before what comes behind it. */
function traffic(log: EventLog, topic: string, partitions: number) {
  const abort = new AbortController();
  const firsts = new Map<string, number[]>();
  const seen = new Set<number>();
  let [published, repeated, twice] = [0, 0, 0];
  const publishing = (async () => {
    await log.declare({ name: topic, partitions, retentionMs: 3_600_000 });
    for (; !abort.signal.aborted; published += 20) {
      const events = Array.from({ length: 20 }, (_, at) => event(published + at));
      for (let done = false; !done; ) {
        try {
          await log.publish(topic, events);
          done = true;
        } catch (thrown) {
          if (!(thrown instanceof HubError && thrown.kind === 'transient')) throw thrown;
          repeated++;
        }
      }
      await pause(5);
    }
  })();
  const reading = new AbortController();
  const consuming = (async () => {
    while ((await log.status().catch(() => [])).length === 0) await pause(50);
    const options = { topic, group: 'readers', maxBatch: 50, from: 'earliest', signal: reading.signal } as const;
    await log.consume(options, async ({ events }) => {
      for (const { key, value } of events) {
        const number = Number(Buffer.from(value).toString());
        if (seen.has(number)) twice++;
        else firsts.set(key, [...(firsts.get(key) ?? []), number]);
        seen.add(number);
      }
    });
  })();
  return {
    count: () => ({ published, seen: seen.size }),
    async stop() {
      abort.abort();
      await publishing;
      for (const end = performance.now() + 40_000; seen.size < published && performance.now() < end; ) await pause(50);
      reading.abort();
      await consuming;
      const inversions = [...firsts.values()].flatMap((numbers) =>
        numbers.filter((each, at) => each < (numbers[at - 1] ?? -1)),
      );
      return { published, lost: published - seen.size, inversions: inversions.length, twice, repeated };
    },
  };
}

// A broker that was killed is let in again when its session is over: after 9 s otherwise.
const settings = { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' };

describe.skipIf(own.missing)('the event log on brokers that fail', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await own.start({ settings });
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  it('delays, loses nothing and keeps the order of each key when the broker is killed and comes back', {
    timeout: 90_000,
  }, async () => {
    const { log, errors } = await openLog(server.address, { deliveryTimeoutMs: 60_000 });
    const running = traffic(log, 'killed.v1', 4);
    await vi.waitFor(() => expect(running.count().seen).toBeGreaterThan(200));
    const before = running.count();
    await server.kill();
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0));
    await server.start();
    await vi.waitFor(() => expect(running.count().seen).toBeGreaterThan(before.published + 100));
    const { published, lost, inversions, repeated } = await running.stop();
    expect(published).toBeGreaterThan(150);
    expect({ lost, inversions, repeated }).toEqual({ lost: 0, inversions: 0, repeated: 0 });
    expect(errors.length).toBeGreaterThan(0);
    // What the producer repeated is in the topic once.
    await using topics = await TestTopics.at(server.address);
    expect(await topics.records('killed.v1')).toHaveLength(published);
  });

  it('goes on with the brokers that are left when the leaders of partitions are killed', {
    timeout: 120_000,
  }, async () => {
    await using cluster = await own.start({ brokers: 3, settings });
    const { log, errors } = await openLog(cluster.address);
    const running = traffic(log, 'led.v1', 6);
    for (const broker of nightly ? ['broker-1', 'broker-2'] : ['broker-1']) {
      const from = running.count().seen;
      await vi.waitFor(() => expect(running.count().seen).toBeGreaterThan(from + 200));
      const before = running.count();
      await cluster.kill(broker);
      await vi.waitFor(() => expect(running.count().seen).toBeGreaterThan(before.published + 100));
      if (nightly) await cluster.start(broker);
    }
    const { published, lost, inversions } = await running.stop();
    expect(published).toBeGreaterThan(150);
    expect({ lost, inversions }).toEqual({ lost: 0, inversions: 0 });
    // A broker that is away is told of now and then, not at each look.
    expect(errors.filter(({ message }) => message.startsWith('reading as group')).length).toBeLessThan(12);
  });

  it('gives up in time with a broker that takes connections and says nothing, and goes on when it answers', {
    timeout: 60_000,
  }, async () => {
    const { log } = await openLog(server.address, { deliveryTimeoutMs: 2000 });
    await log.declare({ name: 'hung.v1', partitions: 2, retentionMs: 3_600_000 });
    await log.publish('hung.v1', [event(0)]);
    await server.pause();
    onTestFinished(() => server.resume());
    const at = performance.now();
    await expect(log.publish('hung.v1', [event(1)])).rejects.toMatchObject({
      code: 'event-log-failed',
      kind: 'transient',
    });
    expect(performance.now() - at).toBeLessThan(20_000);
    await server.resume();
    await log.publish('hung.v1', [event(1)]);
    await using topics = await TestTopics.at(server.address);
    const numbers = (await topics.records('hung.v1')).map(({ value }) => value.toString());
    // The request that was given up can be written all the same: whoever reads sees its id twice.
    expect(new Set(numbers)).toEqual(new Set(['0', '1']));
  });

  it('while brokers are away, gives up what they do not confirm in time, says so once, and waits to begin to consume', {
    timeout: 60_000,
  }, async () => {
    const { log: publishing, errors: publishingErrors } = await openLog(server.address, { deliveryTimeoutMs: 2000 });
    for (const name of ['waiting.v1', 'away.v1'])
      await publishing.declare({ name, partitions: 1, retentionMs: 3_600_000 });
    await publishing.publish('waiting.v1', [event(7)]);
    await publishing.publish('away.v1', [event(0)]);
    publishingErrors.length = 0;
    await server.kill();
    const at = performance.now();
    await expect(publishing.publish('away.v1', [event(1)])).rejects.toMatchObject({
      code: 'event-log-failed',
      kind: 'transient',
      scope: 'destination',
    });
    expect(performance.now() - at).toBeLessThan(20_000);
    expect(publishingErrors).toHaveLength(1);
    const { log, errors } = await openLog(server.address);
    const abort = new AbortController();
    const ids: string[] = [];
    const options = { topic: 'waiting.v1', group: 'g', maxBatch: 5, from: 'earliest', signal: abort.signal } as const;
    const consuming = log.consume(options, async ({ events }) => {
      ids.push(...events.map(({ id }) => id));
      abort.abort();
    });
    await vi.waitFor(() => expect(errors).toHaveLength(1));
    await server.start();
    await consuming;
    expect(new Set(ids)).toEqual(new Set(['effect-7']));
    await publishing.publish('away.v1', [event(1)]);
    await using topics = await TestTopics.at(server.address);
    const numbers = (await topics.records('away.v1')).map(({ value }) => value.toString());
    expect(new Set(numbers)).toEqual(new Set(['0', '1']));
  });
});

describe.skipIf(shared.missing)('the event log', () => {
  const topicOf = () => uniqueName(import.meta.filename);

  it('refuses whoever has been taken over from under the same transactional id', async () => {
    const transactionalId = topicOf();
    const topic = topicOf();
    const { log: before } = await openLog(shared.address, { transactionalId });
    const { log: after } = await openLog(shared.address, { transactionalId });
    await before.declare({ name: topic, partitions: 1, retentionMs: 3_600_000 });
    await before.publish(topic, [event(0)]);
    await after.publish(topic, [event(1)]);
    const refused = { code: 'not-allowed', kind: 'permanent', scope: 'destination' };
    await expect(before.publish(topic, [event(2)])).rejects.toMatchObject(refused);
    await expect(before.publish(topic, [event(3)])).rejects.toMatchObject(refused);
    await after.publish(topic, [event(4)]);
    await using topics = await TestTopics.at(shared.address);
    expect((await topics.records(topic)).map(({ value }) => value.toString())).toEqual(['0', '1', '4']);
  });

  it('rule 30: refuses the publisher of a hub that lost its lease, and not those of other leases', async () => {
    const topic = topicOf();
    const { log: before } = await openLog(shared.address);
    const { log: after } = await openLog(shared.address);
    await before.declare({ name: topic, partitions: 1, retentionMs: 3_600_000 });
    const may = () => true;
    const old = before.publisherOf!(`${topic}/out`);
    const other = before.publisherOf!(`${topic}/elsewhere`);
    await old.publish(topic, [event(0)], may);
    await other.publish(topic, [event(1)], may);
    const own = after.publisherOf!(`${topic}/out`);
    await own.publish(topic, [event(2)], may);
    await expect(old.publish(topic, [event(3)], may)).rejects.toMatchObject({
      code: 'not-allowed',
      scope: 'destination',
    });
    await expect(old.publish(topic, [event(3)], () => false)).rejects.toMatchObject({ kind: 'transient' });
    await other.publish(topic, [event(4)], may);
    await own.publish(topic, [event(3)], may);
    await before.publish(topic, [event(5)]);
    await using topics = await TestTopics.at(shared.address);
    expect((await topics.records(topic)).map(({ value }) => value.toString())).toEqual(['0', '1', '2', '4', '3', '5']);
  });

  it('puts the one event that its handler can never take into the dead-letter topic, and goes on', async () => {
    const topic = topicOf();
    const { log, errors } = await openLog(shared.address, { deadLetterSuffix: '.dead-letter' });
    await log.declare({ name: topic, partitions: 1, retentionMs: 3_600_000 });
    await log.publish(
      topic,
      Array.from({ length: 9 }, (_, number) => event(number)),
    );
    const abort = new AbortController();
    const taken = new Set<string>();
    const consuming = log.consume(
      { topic, group: 'g', maxBatch: 9, from: 'earliest', signal: abort.signal },
      async ({ events }) => {
        if (events.some(({ id }) => id === 'effect-5'))
          throw new HubError('step-failed', 'permanent', 'handling an event: refused by the test');
        for (const { id } of events) taken.add(id);
        if (taken.size === 8) abort.abort();
      },
    );
    await consuming;
    await using topics = await TestTopics.at(shared.address);
    const [letter, ...others] = await topics.records(`${topic}.dead-letter`);
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      key: 'patient-5',
      value: Buffer.from('5'),
      headers: {
        effectId: 'effect-5',
        'deadLetter.topic': topic,
        'deadLetter.offset': '5',
        'deadLetter.group': 'g',
        'deadLetter.code': 'step-failed',
      },
    });
    // A slow broker may be told of besides.
    const told = errors.map(({ message }) => message).filter((message) => message.includes('dead-letter'));
    expect(told).toEqual([`consuming ${topic}: an event was put into ${topic}.dead-letter`]);
    expect((await log.status()).find((each) => each.topic === topic)?.lag).toEqual({ g: 0 });
  });

  it('tells that it changes the retention of a topic, and changes nothing else of it', async () => {
    const topic = topicOf();
    await using topics = await TestTopics.at(shared.address);
    await topics.make(topic, 3, { 'retention.ms': '1000000' });
    const { log, notices } = await openLog(shared.address);
    await log.declare({ name: topic, partitions: 3, retentionMs: 2_000_000 });
    await log.declare({ name: topic, partitions: 3, retentionMs: 2_000_000 });
    expect(notices).toEqual([`topic ${topic} keeps its events for 2000000 ms now; it was 1000000 ms`]);
    await expect(log.declare({ name: topic, partitions: 4, retentionMs: 2_000_000 })).rejects.toMatchObject({
      code: 'config-invalid',
      message: `declaring topic ${topic}: it has 3 partitions, not 4`,
    });
  });

  it('goes on with the oldest event that is left, where what comes next is deleted', async () => {
    const topic = topicOf();
    const { log } = await openLog(shared.address);
    await log.declare({ name: topic, partitions: 1, retentionMs: 3_600_000 });
    const consume = async (count: number): Promise<readonly string[]> => {
      const abort = new AbortController();
      const ids: string[] = [];
      const options = { topic, group: 'g', maxBatch: 1, from: 'earliest', signal: abort.signal } as const;
      await log.consume(options, async ({ events }) => {
        ids.push(...events.map(({ id }) => id));
        if (ids.length === count) abort.abort();
      });
      return ids;
    };
    await log.publish(
      topic,
      [0, 1, 2, 3, 4].map((number) => event(number)),
    );
    expect(await consume(1)).toEqual(['effect-0']);
    await using topics = await TestTopics.at(shared.address);
    await topics.admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] });
    const [status] = (await log.status()).filter((each) => each.topic === topic);
    expect(status).toEqual({ topic, partitions: 1, events: 2, lag: { g: 2 } });
    expect(await consume(2)).toEqual(['effect-3', 'effect-4']);
  });

  it('gives an event of somebody else its place for an id', async () => {
    const topic = topicOf();
    await using topics = await TestTopics.at(shared.address);
    await topics.make(topic);
    const { Producer } = await import('@platformatic/kafka');
    const producer = new Producer({ clientId: 'other', bootstrapBrokers: topics.brokers });
    await producer.send({ acks: -1, messages: [{ topic, value: Buffer.from('x') }] });
    await producer.close();
    const { log } = await openLog(shared.address);
    const abort = new AbortController();
    const ids: string[] = [];
    await log.consume(
      { topic, group: 'g', maxBatch: 9, from: 'earliest', signal: abort.signal },
      async ({ events }) => {
        ids.push(...events.map(({ id }) => id));
        abort.abort();
      },
    );
    expect(ids).toEqual([`${topic}/0/0`]);
  });
});
