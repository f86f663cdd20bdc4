import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFailed, onTestFinished, vi } from 'vitest';
import { TestBroker, writtenDown } from '../../clients/rabbitmq/testing/broker.ts';
import type { Clock } from '../../core/component.ts';
import { HubError } from '../../core/errors.ts';
import type { AckPoint, Receipt } from '../../core/outcome.ts';
import { type EndpointInput, fakeSourceContext } from '../../core/testing/contexts.ts';
import { hurryingClock, wallClock } from '../../core/testing/fake-clock.ts';
import { draining, type FakeIntake, fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { type OwnService, ownService, type Service, service, uniqueName } from '../../core/testing/services.ts';
import { lastLines } from '../../deploy/services/processes.ts';
import { rabbitmq } from './rabbitmq.ts';

const shared = await service('rabbitmq', import.meta.filename);
const own = await ownService('rabbitmq', import.meta.filename);
type Config = Omit<Parameters<typeof rabbitmq>[0], 'endpoint'>;

async function farAt(at: Service | OwnService): Promise<TestBroker> {
  const broker = await TestBroker.at(at, uniqueName(import.meta.filename));
  onTestFinished(() => broker[Symbol.asyncDispose]());
  return broker;
}

/** Reads until the test ends. */
function reading(
  broker: TestBroker,
  intake: FakeIntake,
  config: Config,
  endpoint: EndpointInput = broker.endpoint(),
  ackAfter: AckPoint = 'stored',
  clock: Clock = wallClock,
) {
  const drain = new AbortController();
  const context = fakeSourceContext({ ackAfter, endpoints: { far: endpoint }, clock });
  const source = rabbitmq({ endpoint: 'far', ...config }).create(context);
  const running = source.run(intake, { drain: drain.signal, halt: new AbortController().signal });
  running.catch(() => undefined);
  const stop = async () => {
    drain.abort();
    await running;
  };
  onTestFinished(async () => void (await stop().catch(() => undefined)));
  return { context, running, stop };
}

const texts = (intake: FakeIntake): readonly string[] => intake.arrivals.map(({ raw }) => Buffer.from(raw).toString());
const arrived = (intake: FakeIntake, count: number): Promise<void> =>
  vi.waitFor(() => expect(intake.arrivals.length).toBeGreaterThanOrEqual(count));

describe.skipIf(shared.missing)('the rabbitmq source', () => {
  const far = () => farAt(shared);

  it('hands over properties, headers and where a message came from, with its key and its identity', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    await broker.send(queue, ['seven'], {
      messageId: 'E7',
      correlationId: 'C7',
      type: 'ORU^R01',
      contentType: 'application/hl7-v2',
      timestamp: 1_767_225_600,
      priority: 4,
      headers: { patient: 'Zoë', count: 3, nested: { a: 1 }, traceparent: '00-aa-bb-01' },
    });
    const intake = fakeIntake(() => positive);
    reading(broker, intake, { queue, key: { header: 'patient' } });
    await arrived(intake, 1);
    expect(intake.arrivals[0]).toEqual({
      raw: Buffer.from('seven'),
      key: 'Zoë',
      dedupeKey: 'E7',
      meta: {
        'rabbitmq.exchange': '',
        'rabbitmq.routingKey': queue,
        'rabbitmq.messageId': 'E7',
        'rabbitmq.correlationId': 'C7',
        'rabbitmq.type': 'ORU^R01',
        'rabbitmq.contentType': 'application/hl7-v2',
        'rabbitmq.priority': '4',
        'rabbitmq.timestamp': '2026-01-01T00:00:00.000Z',
        'rabbitmq.header.patient': 'Zoë',
        'rabbitmq.header.count': '3',
        'rabbitmq.header.nested': '{"a":1}',
        traceparent: '00-aa-bb-01',
      },
    });
  });

  it('takes the routing key as the key, and a header as the identity, where it is told so', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    await broker.send(queue, ['one'], { headers: { 'event-id': 'H1' }, messageId: 'E1' });
    await broker.send(queue, ['two']);
    const intake = fakeIntake(() => positive);
    reading(broker, intake, { queue, key: 'routingKey', dedupeHeader: 'event-id' });
    await arrived(intake, 2);
    expect(intake.arrivals.map(({ key, dedupeKey }) => [key, dedupeKey])).toEqual([
      [queue, 'H1'],
      [queue, undefined],
    ]);
  });

  it('has no more than prefetch messages without an answer, and reads on with each answer', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    await broker.send(queue, ['0', '1', '2', '3', '4']);
    const intake = fakeIntake();
    reading(broker, intake, { queue, prefetch: 2 }, broker.endpoint(), 'settled');
    const stored: Receipt = { id: 'a-message', outcome: { status: 'stored' } };
    const open = new Set<number>();
    const storeAll = () => {
      for (let at = 0; at < intake.arrivals.length; at++) {
        if (!open.has(at)) intake.answer(at, stored, 'stored');
        open.add(at);
      }
      return intake.arrivals.length;
    };
    await vi.waitFor(() => expect(storeAll()).toBe(2));
    await pause(200);
    expect(storeAll()).toBe(2);
    await vi.waitFor(async () => expect(await broker.holding(queue)).toEqual({ ready: 3, unacknowledged: 2 }));
    intake.answer(1, positive);
    await vi.waitFor(() => expect(storeAll()).toBe(3));
    await vi.waitFor(async () => expect(await broker.holding(queue)).toEqual({ ready: 2, unacknowledged: 2 }));
    for (const at of [0, 2]) intake.answer(at, positive);
    await vi.waitFor(() => expect(storeAll()).toBe(5));
    for (const at of [3, 4]) intake.answer(at, positive);
    expect(texts(intake)).toEqual(['0', '1', '2', '3', '4']);
  });

  it('gets urgent messages of a priority queue first', async () => {
    const broker = await far();
    const queue = await broker.queue('tubes', { 'x-max-priority': 3 });
    await broker.send(queue, ['routine 1', 'routine 2'], { priority: 1 });
    await broker.send(queue, ['urgent'], { priority: 3 });
    const intake = fakeIntake(() => positive);
    reading(broker, intake, { queue, prefetch: 1 });
    await arrived(intake, 3);
    expect(texts(intake)).toEqual(['urgent', 'routine 1', 'routine 2']);
  });

  it('leaves a refused message to the channel alone where it is told so', async () => {
    const broker = await far();
    const dead = await broker.queue('dead');
    const queue = await broker.queue('tasks', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead });
    await broker.send(queue, ['refused']);
    const intake = fakeIntake(() => negative);
    const { stop } = reading(broker, intake, { queue, refused: 'ack' });
    await arrived(intake, 1);
    await stop();
    await vi.waitFor(async () => expect(await broker.holding(queue)).toEqual({ ready: 0, unacknowledged: 0 }));
    expect(await broker.texts(dead)).toEqual([]);
  });

  it('puts back, later, what its channel has withdrawn', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    await broker.send(queue, ['withdrawn']);
    const error = { code: 'cancelled', kind: 'permanent', scope: 'message', message: 'settling' } as const;
    const withdrawn: Receipt = { id: 'a-message', outcome: { status: 'error', error } };
    const intake = fakeIntake((_, index) => (index === 0 ? withdrawn : positive));
    const clock = hurryingClock(5_000);
    reading(broker, intake, { queue }, broker.endpoint(), 'stored', clock);
    await arrived(intake, 1);
    await vi.waitFor(() => expect(clock.asked()).toBeGreaterThan(0));
    await arrived(intake, 2);
    expect(intake.arrivals[1]?.meta).toMatchObject({ 'rabbitmq.redelivered': 'true' });
  });

  it('keeps what the store does not take, and no failed delivery is counted for it', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks', { 'x-queue-type': 'quorum', 'x-delivery-limit': 1 });
    const unstored: Receipt = {
      outcome: {
        status: 'error',
        error: { code: 'store-failed', kind: 'transient', scope: 'message', message: 'storing' },
      },
    };
    let storing = false;
    const intake = fakeIntake(() => (storing ? positive : unstored));
    intake.refuseNext(new HubError('store-full', 'transient', 'storing: full'));
    const { context, stop } = reading(broker, intake, { queue });
    await broker.send(queue, ['0', '1', '2']);
    await vi.waitFor(() => expect(intake.arrivals.length).toBeGreaterThan(6));
    expect(context.reported.at(-1)?.state).toBe('retrying');
    storing = true;
    const before = intake.arrivals.length;
    const kept = () => new Set(texts(intake).slice(before));
    await vi.waitFor(() => expect([...kept()]).toEqual(['0', '1', '2']));
    expect(context.counts.rabbitmq_connections_total).toBe(1);
    await vi.waitFor(() => expect(context.reported.at(-1)?.state).toBe('reading'));
    await stop();
    expect(await broker.texts(queue)).toEqual([]);
  });

  it('leaves unanswered what a stopping channel does not take', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    await broker.send(queue, ['0', '1']);
    const intake = fakeIntake(() => draining);
    const { stop } = reading(broker, intake, { queue });
    await vi.waitFor(() => expect(intake.arrivals.length).toBeGreaterThan(0));
    await stop();
    await vi.waitFor(async () => expect(await broker.holding(queue)).toEqual({ ready: 2, unacknowledged: 0 }));
  });

  it('reads on over a new connection where an operator has closed the one it had', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    const intake = fakeIntake(() => positive);
    const { context } = reading(broker, intake, { queue });
    await broker.send(queue, ['0']);
    await arrived(intake, 1);
    expect(await broker.closeConnections('weir lab-in')).toBe(1);
    await vi.waitFor(() => expect(context.counts.rabbitmq_connections_total).toBe(2));
    await broker.send(queue, ['1']);
    await arrived(intake, 2);
    expect(context.reported.map(({ state }) => state)).toEqual(['connecting', 'reading', 'retrying', 'reading']);
  });

  it('ends with a transient error that names the setting where its queue is deleted', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    const { context, running } = reading(broker, fakeIntake(), { queue });
    await vi.waitFor(() => expect(context.reported.at(-1)?.state).toBe('reading'));
    await (await broker.channel()).deleteQueue(queue);
    await expect(running).rejects.toMatchObject({
      code: 'not-found',
      kind: 'transient',
      message: 'reading the queue tasks: there is no such queue: queue, or declare',
    });
    expect(context.logged[0]?.text).toContain('the broker has ended it');
  });

  it('makes its queue where it is missing', async () => {
    const broker = await far();
    const intake = fakeIntake(() => positive);
    const { context } = reading(broker, intake, { queue: 'tasks', declare: { queues: { tasks: {} } } });
    await vi.waitFor(() => expect(context.reported.at(-1)?.state).toBe('reading'));
    await broker.send('tasks', ['0']);
    await arrived(intake, 1);
  });

  it('names the setting: a wrong password, no right to read', async () => {
    const broker = await far();
    const queue = await broker.queue('tasks');
    const wrong = reading(broker, fakeIntake(), { queue }, { ...broker.endpoint(), password: 'wrong' });
    await expect(wrong.running).rejects.toMatchObject({
      kind: 'transient',
      message: expect.stringMatching(/does not accept user, or its password$/),
    });
    const user = uniqueName(import.meta.filename);
    await broker.user(user, 'secret', { configure: '', write: '', read: '' });
    const mute = reading(broker, fakeIntake(), { queue }, { ...broker.endpoint(), user, password: 'secret' });
    await expect(mute.running).rejects.toMatchObject({ message: expect.stringMatching(/may not read it.*queue$/) });
  });
});

describe.skipIf(own.missing)('the rabbitmq source at a broker that fails', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await own.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  it.for(['kill', 'stop'] as const)('reads everything, in order, when the broker is gone and back under load: %s', {
    timeout: 180_000,
  }, async (end) => {
    const broker = await farAt(server);
    const queue = await broker.queue('tasks');
    if (end === 'kill') await writtenDown(server);
    const total = 2000;
    for (let from = 0; from < total; from += 500)
      await broker.send(
        queue,
        Array.from({ length: 500 }, (_, at) => String(from + at)),
      );
    const intake = fakeIntake();
    const runs: ReturnType<typeof reading>[] = [];
    // As the engine does it: what ends over what passes is started again. A broker that is not quite up has no such queue.
    let over = false;
    onTestFinished(() => {
      over = true;
    });
    const keepReading = async (): Promise<void> => {
      for (let ended: unknown = true; ended && !over; ) {
        const run = reading(broker, intake, { queue, prefetch: 100 });
        runs.push(run);
        ended = await run.running.catch((thrown: unknown) => thrown);
        await pause(100);
      }
    };
    void keepReading();
    onTestFailed(async () => {
      const told = runs.map(({ context }) => [context.reported, context.logged]);
      const held = await broker.holding(queue).catch(String);
      console.error(JSON.stringify({ held, answered, told }), lastLines(server.directory, 'rabbitmq', 40));
    });
    // As a channel that takes a little time for each.
    let answered = 0;
    const answering = setInterval(() => {
      for (const until = Math.min(intake.arrivals.length, answered + 40); answered < until; answered++)
        intake.answer(answered, positive);
    }, 5);
    onTestFinished(() => clearInterval(answering));
    await vi.waitFor(() => expect(answered).toBeGreaterThan(500));
    await server[end]('rabbitmq');
    await pause(500);
    await server.start('rabbitmq');
    await vi.waitFor(() => expect(new Set(texts(intake)).size).toBe(total), { timeout: 90_000 });
    const first = [...new Set(texts(intake))].map(Number);
    expect(first).toEqual(first.toSorted((a, b) => a - b));
    await vi.waitFor(async () => expect(await broker.holding(queue)).toEqual({ ready: 0, unacknowledged: 0 }));
    const states = runs.flatMap(({ context }) => context.reported.map(({ state }) => state));
    expect(states).toContain('retrying');
  });
});
