import { describe, expect, it, onTestFinished } from 'vitest';
import { partitionOfKey } from '../../clients/kafka/partitioner.ts';
import { TestTopics } from '../../clients/kafka/testing/topic.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf, patient } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { kafka } from './kafka.ts';

const server = await service('kafka', import.meta.filename);
const message = (number: number, fields: Partial<Parameters<typeof outgoing>[0]> = {}) =>
  outgoing({ number, payload: undefined, bytes: Buffer.from(`message ${number}`), ...fields });

describe.skipIf(server.missing)('the kafka destination', () => {
  async function far(): Promise<TestTopics> {
    const topics = await TestTopics.at(server.address);
    onTestFinished(() => topics[Symbol.asyncDispose]());
    return topics;
  }

  function destinationTo(topics: TestTopics, config: Omit<Parameters<typeof kafka>[0], 'endpoint'>) {
    const endpoints = { far: { kind: 'kafka', brokers: topics.brokers } as const };
    const context = fakeDestinationContext({ endpoints });
    const destination = kafka({ endpoint: 'far', ...config }).create(context);
    onTestFinished(() => destination[Symbol.asyncDispose]());
    return { destination, context };
  }

  it('writes key, headers and bytes, on the partition where the Java client puts the key', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename), 5);
    const { destination } = destinationTo(topics, {
      topic,
      key: '${meta.mrn}',
      headers: { control: '${meta.hl7.controlId}', none: '${meta.nothing}', from: 'main ${channel}' },
      contentType: 'application/hl7-v2',
    });
    const meta = { mrn: 'Zoë-7', 'hl7.controlId': 'C7', traceparent: '00-aa-bb-01' };
    const sent = message(7, { meta });
    expect(await outcomesOf(destination, [sent])).toEqual([{ status: 'sent' }]);
    expect(await topics.records(topic)).toEqual([
      {
        key: 'Zoë-7',
        value: Buffer.from('message 7'),
        partition: partitionOfKey(Buffer.from('Zoë-7'), 5),
        headers: {
          control: 'C7',
          from: 'main lab-in',
          messageId: sent.id,
          effectId: sent.effectId,
          channel: 'lab-in',
          contentType: 'application/hl7-v2',
          traceparent: '00-aa-bb-01',
        },
      },
    ]);
  });

  it('spreads records without a key, and names topics by what a message brings', async () => {
    const topics = await far();
    const prefix = uniqueName(import.meta.filename);
    const topic = await topics.make(`${prefix}.ADT_A01`, 2);
    const { destination } = destinationTo(topics, { topic: `${prefix}.\${meta.hl7.type}`, key: false });
    for (let number = 0; number < 4; number++)
      await outcomesOf(destination, [message(number, { meta: { 'hl7.type': 'ADT^A01' } })]);
    const records = await topics.records(topic);
    expect(records).toHaveLength(4);
    expect(records.every(({ key }) => key === undefined)).toBe(true);
    expect(new Set(records.map(({ partition }) => partition)).size).toBe(2);
  });

  it('makes a message that is too large a dead letter, and goes on behind it', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename), 1, { 'max.message.bytes': '2000' });
    const { destination } = destinationTo(topics, { topic });
    const large = message(1, { bytes: Buffer.alloc(3000) });
    const outcomes = await outcomesOf(destination, [message(0), large, message(2)]);
    expect(outcomes).toMatchObject([
      { status: 'sent' },
      { status: 'error', error: { code: 'write-failed', kind: 'permanent', scope: 'message' } },
      { status: 'untried' },
    ]);
    expect(await outcomesOf(destination, [message(2)])).toEqual([{ status: 'sent' }]);
    expect((await topics.records(topic)).map(({ value }) => value.toString())).toEqual(['message 0', 'message 2']);
  });

  it('waits where there is no such topic, with an error that names the setting', async () => {
    const { destination, context } = destinationTo(await far(), { topic: 'nobody.made.this' });
    const [outcome] = await outcomesOf(destination, [message(0)]);
    expect(outcome).toMatchObject({
      status: 'error',
      error: { code: 'not-found', kind: 'transient', scope: 'destination' },
    });
    expect(outcome).toHaveProperty('error.message', 'sending to Kafka: the cluster has no such topic: topic');
    expect(context.reported.at(-1)?.state).toBe('retrying');
  });

  it('rule 29: begins nothing on a connection that took until after notAfter', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename));
    const { destination } = destinationTo(topics, { topic });
    const late = { ...patient, notAfter: performance.now() + 0.5 };
    expect(await destination.write([message(0)], late)).toEqual([{ status: 'untried' }]);
    expect(await outcomesOf(destination, [message(1)])).toEqual([{ status: 'sent' }]);
    expect((await topics.records(topic)).map(({ value }) => value.toString())).toEqual(['message 1']);
  });

  it('rule 29: what its signal ends before a broker was reached does not go out later', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename));
    const { destination } = destinationTo(topics, { topic });
    const ending = new AbortController();
    const writing = destination.write([message(0)], { ...patient, signal: ending.signal });
    ending.abort();
    expect(await writing).toEqual([{ status: 'untried' }]);
    expect(await outcomesOf(destination, [message(1)])).toEqual([{ status: 'sent' }]);
    expect((await topics.records(topic)).map(({ value }) => value.toString())).toEqual(['message 1']);
  });

  it('sends more than a request takes in several, in order', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename));
    const { destination } = destinationTo(topics, { topic });
    const batch = Array.from({ length: 30 }, (_, number) =>
      message(number, { bytes: Buffer.alloc(100_000, `${number} `) }),
    );
    expect((await outcomesOf(destination, batch, patient)).every(({ status }) => status === 'sent')).toBe(true);
    const numbers = (await topics.records(topic)).map(({ value }) =>
      Number.parseInt(value.toString('latin1', 0, 9), 10),
    );
    expect(numbers).toEqual(Array.from({ length: 30 }, (_, number) => number));
  });

  it('rule 30: refuses a hub that lost its lease at the brokers: its messages stay, and nothing is there twice', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename));
    const endpoints = { far: { kind: 'kafka', brokers: topics.brokers } as const };
    // Hubs of one store have a channel of the same name.
    const channel = uniqueName(import.meta.filename);
    const [before, after] = [0, 1].map(() => {
      const context = fakeDestinationContext({ channel, lease: `${channel}/0`, endpoints });
      const destination = kafka({ endpoint: 'far', topic }).create(context);
      onTestFinished(() => destination[Symbol.asyncDispose]());
      return destination;
    });
    const sent = [{ status: 'sent' }];
    expect(await outcomesOf(before!, [message(0)])).toEqual(sent);
    expect(await outcomesOf(after!, [message(1)])).toEqual(sent);
    // Stopped between the look at its lease and the request: its clock had said that it may.
    const refused = { code: 'not-allowed', scope: 'destination' };
    expect(await outcomesOf(before!, [message(2), message(3)])).toMatchObject([
      { status: 'error', error: refused },
      { status: 'untried' },
    ]);
    const over = { ...patient, notAfter: performance.now() - 1 };
    expect(await outcomesOf(before!, [message(2)], over)).toEqual([{ status: 'untried' }]);
    expect(await outcomesOf(after!, [message(2), message(3)])).toEqual([...sent, ...sent]);
    const texts = async () => (await topics.records(topic)).map(({ value }) => value.toString());
    expect(await texts()).toEqual(['message 0', 'message 1', 'message 2', 'message 3']);
    // With the lease again it is the one that may.
    expect(await outcomesOf(before!, [message(4)])).toEqual(sent);
    expect(await outcomesOf(after!, [message(5)])).toMatchObject([{ status: 'error', error: refused }]);
  });

  it('fences nobody at a hub of its own, nor where transactionalId is false', async () => {
    const topics = await far();
    const topic = await topics.make(uniqueName(import.meta.filename));
    const endpoints = { far: { kind: 'kafka', brokers: topics.brokers } as const };
    const channel = uniqueName(import.meta.filename);
    const under = { ...{ channel, endpoints }, lease: `${channel}/0` };
    const all = [
      kafka({ endpoint: 'far', topic }).create(fakeDestinationContext({ channel, endpoints })),
      kafka({ endpoint: 'far', topic }).create(fakeDestinationContext(under)),
      kafka({ endpoint: 'far', topic, transactionalId: false }).create(fakeDestinationContext(under)),
    ];
    onTestFinished(async () => {
      for (const each of all) await each[Symbol.asyncDispose]();
    });
    for (const turn of [0, 1])
      for (const [at, each] of all.entries())
        expect(await outcomesOf(each, [message(3 * turn + at)])).toEqual([{ status: 'sent' }]);
    expect(await topics.records(topic)).toHaveLength(6);
  });
});

it.for(['${nothing}', '${meta.}', 'open ${key'])('does not take the template %s', (topic) => {
  expect(kafka.config.safeParse({ endpoint: 'far', topic }).success).toBe(false);
});
