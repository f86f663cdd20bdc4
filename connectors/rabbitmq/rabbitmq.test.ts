import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { TestBroker } from '../../clients/rabbitmq/testing/broker.ts';
import { type EndpointInput, fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf, patient } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { rabbitmq } from './rabbitmq.ts';

const server = await service('rabbitmq', import.meta.filename);
const message = (number: number, fields: Partial<Parameters<typeof outgoing>[0]> = {}) =>
  outgoing({
    number,
    payload: undefined,
    bytes: Buffer.from(`message ${number}`),
    keys: [`patient-${number}`],
    ...fields,
  });

describe.skipIf(server.missing)('the rabbitmq destination', () => {
  async function far(): Promise<TestBroker> {
    const broker = await TestBroker.at(server, uniqueName(import.meta.filename));
    onTestFinished(() => broker[Symbol.asyncDispose]());
    return broker;
  }

  function destinationTo(
    broker: TestBroker,
    config: Omit<Parameters<typeof rabbitmq>[0], 'endpoint'>,
    endpoint: EndpointInput = broker.endpoint(),
  ) {
    const context = fakeDestinationContext({ channel: 'results', endpoints: { far: endpoint } });
    const destination = rabbitmq({ endpoint: 'far', ...config }).create(context);
    onTestFinished(() => destination[Symbol.asyncDispose]());
    return { destination, context };
  }

  it('writes bytes, identity, headers and properties', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    const { destination } = destinationTo(broker, {
      routingKey: queue,
      headers: { control: '${meta.hl7.controlId}', none: '${meta.nothing}', from: 'main ${channel}' },
      contentType: 'application/hl7-v2',
      type: '${meta.hl7.type}',
      priority: '${meta.priority}',
      expirationMs: 60_000,
    });
    const meta = { 'hl7.controlId': 'C7', 'hl7.type': 'ORU^R01', priority: '4', traceparent: '00-aa-bb-01' };
    const sent = message(7, { meta });
    expect(await outcomesOf(destination, [sent])).toEqual([{ status: 'sent' }]);
    const [taken] = await broker.take(queue);
    expect(taken?.content.toString()).toBe('message 7');
    expect(taken?.properties).toMatchObject({
      messageId: sent.effectId,
      contentType: 'application/hl7-v2',
      deliveryMode: 2,
      priority: 4,
      expiration: '60000',
      timestamp: Math.floor(sent.receivedAt / 1000),
      type: 'ORU^R01',
    });
    expect(taken?.properties.headers).toEqual({
      control: 'C7',
      from: 'main lab-in',
      messageId: sent.id,
      effectId: sent.effectId,
      channel: 'lab-in',
      traceparent: '00-aa-bb-01',
    });
  });

  it('makes exchanges, queues and bindings where they are missing, and leaves alone what is there', async () => {
    const broker = await far();
    const declare = {
      exchanges: { results: { type: 'topic' }, dead: { type: 'fanout' } },
      queues: { phoning: { deadLetterExchange: 'dead', deliveryLimit: 5 }, 'phoning-dead': {} },
      bindings: [
        { exchange: 'results', queue: 'phoning', routingKey: 'lab.#' },
        { exchange: 'dead', queue: 'phoning-dead' },
      ],
    };
    for (const number of [0, 1]) {
      const config = { exchange: 'results', routingKey: 'lab.${meta.type}', declare };
      const { destination } = destinationTo(broker, config);
      expect(await outcomesOf(destination, [message(number, { meta: { type: 'oru' } })])).toEqual([{ status: 'sent' }]);
    }
    const channel = await broker.channel();
    const first = await channel.get('phoning');
    if (first) channel.reject(first, false);
    expect(await broker.texts('phoning')).toEqual(['message 1']);
    await vi.waitFor(async () => expect(await broker.texts('phoning-dead')).toEqual(['message 0']));
  });

  it('makes a dead letter of a message that no queue gets, and sends those beside it', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    const { destination } = destinationTo(broker, { routingKey: '${meta.queue}' });
    const to = (number: number, name: string) => message(number, { meta: { queue: name } });
    const outcomes = await outcomesOf(destination, [to(0, queue), to(1, 'nobody'), to(2, queue)]);
    expect(outcomes).toMatchObject([
      { status: 'sent' },
      { status: 'error', error: { code: 'unmatched', kind: 'permanent', scope: 'message' } },
      { status: 'sent' },
    ]);
    const text = 'no queue gets what goes to the default exchange with the routing key ${meta.queue}';
    expect(outcomes[1]).toHaveProperty('error.message', `sending to RabbitMQ: ${text}`);
    expect(await broker.texts(queue)).toEqual(['message 0', 'message 2']);
  });

  it('waits where every message would be without a queue, until there is one', async () => {
    const broker = await far();
    const { destination } = destinationTo(broker, { routingKey: 'later' });
    expect(await outcomesOf(destination, [message(0)])).toMatchObject([
      { status: 'error', error: { code: 'not-found', kind: 'transient', scope: 'destination' } },
    ]);
    await broker.queue('later');
    expect(await outcomesOf(destination, [message(0)])).toEqual([{ status: 'sent' }]);
  });

  it('lets the broker throw away what no queue gets where it is told so', async () => {
    const { destination } = destinationTo(await far(), { routingKey: 'nobody', mandatory: false });
    expect(await outcomesOf(destination, [message(0)])).toEqual([{ status: 'sent' }]);
  });

  it('waits where a queue is full', async () => {
    const broker = await far();
    const queue = await broker.queue('small', { 'x-max-length': 1, 'x-overflow': 'reject-publish' });
    await broker.send(queue, ['before']);
    const { destination } = destinationTo(broker, { routingKey: queue });
    expect(await outcomesOf(destination, [message(0)])).toMatchObject([
      { status: 'error', error: { code: 'reply-negative', kind: 'transient', scope: 'destination' } },
    ]);
    await broker.take(queue);
    expect(await outcomesOf(destination, [message(0)])).toEqual([{ status: 'sent' }]);
  });

  it('says of one message that AMQP cannot hold it, and sends those beside it', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    const { destination } = destinationTo(broker, {
      routingKey: queue,
      type: '${meta.type}',
      priority: '${meta.priority}',
      headers: { long: '${meta.long}' },
    });
    const outcomes = await outcomesOf(destination, [
      message(0, { meta: { type: 'x'.repeat(256) } }),
      message(1, { meta: { priority: 'high' } }),
      message(2, { meta: { long: 'x'.repeat(70_000) } }),
      message(3),
    ]);
    const failed = { status: 'error', error: { code: 'encode-failed', kind: 'permanent', scope: 'message' } };
    expect(outcomes).toMatchObject([failed, failed, failed, { status: 'sent' }]);
    expect(await broker.texts(queue)).toEqual(['message 3']);
  });

  const refusals = [
    ['a missing exchange', { exchange: 'nobody', routingKey: 'k' }, 'not-found', /no such exchange: exchange, or/],
    [
      'a queue that is there in another way',
      { routingKey: 'tasks', declare: { queues: { tasks: { maxLength: 7 } } } },
      'refused',
      /there in another way: declare\.queues\.tasks/,
    ],
    [
      'a binding to nothing',
      { routingKey: 'tasks', declare: { bindings: [{ exchange: 'nobody', queue: 'tasks' }] } },
      'not-found',
      /not there: declare\.bindings\.0/,
    ],
  ] as const;
  it.for(refusals)('names the setting: %s', async ([, config, code, names]) => {
    const broker = await far();
    await broker.queue('tasks', { 'x-queue-type': 'quorum' });
    const { destination, context } = destinationTo(broker, structuredClone(config) as never);
    const [outcome] = await outcomesOf(destination, [message(0)]);
    expect(outcome).toMatchObject({ status: 'error', error: { code, kind: 'transient', scope: 'destination' } });
    expect(outcome).toHaveProperty('error.message', expect.stringMatching(names));
    expect(context.reported.at(-1)?.state).toBe('retrying');
  });

  it('names the setting: no right to write', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    const user = uniqueName(import.meta.filename);
    await broker.user(user, 'secret', { configure: '', write: 'other', read: '' });
    const endpoint = { ...broker.endpoint(), user, password: 'secret' };
    const { destination } = destinationTo(broker, { routingKey: queue }, endpoint);
    const [outcome] = await outcomesOf(destination, [message(0)]);
    expect(outcome).toMatchObject({ status: 'error', error: { scope: 'destination', kind: 'transient' } });
    expect(outcome).toHaveProperty(
      'error.message',
      expect.stringMatching(/may not write to the exchange: .*exchange$/),
    );
  });

  it('goes on with a new connection where an operator has closed the one it had', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    const { destination, context } = destinationTo(broker, { routingKey: queue });
    await outcomesOf(destination, [message(0)]);
    expect(await broker.closeConnections('weir results to out')).toBe(1);
    await vi.waitFor(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    expect(await outcomesOf(destination, [message(1)])).toEqual([{ status: 'sent' }]);
    expect(await broker.texts(queue)).toEqual(['message 0', 'message 1']);
    expect(context.counts.rabbitmq_connections_total).toBe(2);
  });

  it('holds back a whole batch where its signal aborts while it connects', async () => {
    const broker = await far();
    const { destination } = destinationTo(broker, { routingKey: await broker.queue('tasks') });
    const abort = new AbortController();
    const writing = outcomesOf(destination, [message(0)], { ...patient, signal: abort.signal });
    abort.abort();
    expect(await writing).toEqual([{ status: 'untried' }]);
    expect(await broker.texts('tasks')).toEqual([]);
  });
});

it.for(['${nothing}', '${meta.}', 'open ${key'])('does not take the template %s', (routingKey) => {
  expect(rabbitmq.config.safeParse({ endpoint: 'far', routingKey }).success).toBe(false);
});

it.for([{}, { exchange: '' }])('does not take a destination that is nowhere: %o', (where) => {
  expect(rabbitmq.config.safeParse({ endpoint: 'far', ...where }).success).toBe(false);
});

it('does not take priorities of a quorum queue', () => {
  const declare = { queues: { tasks: { maxPriority: 3 } } };
  expect(rabbitmq.config.safeParse({ endpoint: 'far', routingKey: 'tasks', declare }).success).toBe(false);
});
