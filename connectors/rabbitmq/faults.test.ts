import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFailed, onTestFinished, vi } from 'vitest';
import { TestBroker, writtenDown } from '../../clients/rabbitmq/testing/broker.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf, patient } from '../../core/testing/destination-suite.ts';
import { dispatched, expectAllInOrder } from '../../core/testing/dispatched.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { type OwnService, ownService, uniqueName } from '../../core/testing/services.ts';
import { lastLines } from '../../deploy/services/processes.ts';
import { rabbitmq } from './rabbitmq.ts';

const own = await ownService('rabbitmq', import.meta.filename);
const keys = 8;
const message = (number: number, bytes = Buffer.from(String(number))) =>
  outgoing({ number, payload: undefined, bytes, keys: [`patient-${number % keys}`] });

describe.skipIf(own.missing)('the rabbitmq destination in front of a broker that fails', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await own.start({ settings: { max_message_size: '2000' } });
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  async function farFrom(of: OwnService, config: Partial<Parameters<typeof rabbitmq>[0]> = {}, queueType = 'quorum') {
    const broker = await TestBroker.at(of, uniqueName(import.meta.filename));
    onTestFinished(() => broker[Symbol.asyncDispose]());
    const queue = await broker.queue('tasks', { 'x-queue-type': queueType });
    const context = fakeDestinationContext({ endpoints: { far: broker.endpoint() } });
    const destination = rabbitmq({ endpoint: 'far', routingKey: queue, ...config }).create(context);
    onTestFinished(() => destination[Symbol.asyncDispose]());
    return { broker, queue, destination, context };
  }

  it('makes a dead letter of the message that is too large, and of no other', async () => {
    const { broker, queue, destination } = await farFrom(server);
    const batch = [message(0), message(1, Buffer.alloc(2001)), message(2)];
    const outcomes = await outcomesOf(destination, batch);
    expect(outcomes[1]).toMatchObject({
      status: 'error',
      error: { code: 'write-failed', kind: 'permanent', scope: 'message' },
    });
    const left = batch.filter((_, at) => at !== 1 && outcomes[at]?.status !== 'sent');
    expect((await outcomesOf(destination, left)).every(({ status }) => status === 'sent')).toBe(true);
    expect(new Set(await broker.texts(queue))).toEqual(new Set(['0', '2']));
  });

  it('does not publish a second time what the broker has and whose write was given up', async () => {
    const { broker, queue, destination } = await farFrom(server);
    await outcomesOf(destination, [message(0)]);
    await server.pause('rabbitmq');
    for (let round = 0; round < 3; round++) {
      const signal = AbortSignal.timeout(100);
      expect(await outcomesOf(destination, [message(1)], { ...patient, signal })).toMatchObject([
        { status: 'uncertain' },
      ]);
    }
    await server.resume('rabbitmq');
    await pause(200);
    expect(await outcomesOf(destination, [message(1)])).toEqual([{ status: 'sent' }]);
    expect(await broker.texts(queue)).toEqual(['0', '1']);
  });

  it('goes over another connection where one does not confirm in time', async () => {
    const { broker, queue, destination, context } = await farFrom(server, { confirmTimeoutMs: 1500 });
    await outcomesOf(destination, [message(0)]);
    await server.pause('rabbitmq');
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([
      { status: 'uncertain', error: { code: 'reply-timeout', message: expect.stringContaining('confirmTimeoutMs') } },
    ]);
    await server.resume('rabbitmq');
    await vi.waitFor(async () => expect(await outcomesOf(destination, [message(1)])).toEqual([{ status: 'sent' }]));
    expect(context.counts.rabbitmq_connections_total).toBeGreaterThan(1);
    expect(new Set(await broker.texts(queue))).toEqual(new Set(['0', '1']));
  });

  // A quorum queue of one node does not come back from a kill (RabbitMQ 3.10): a cluster is what it is for.
  const restarts = [
    ['kill', ['classic']],
    ['stop', ['classic', 'quorum']],
  ] as const;
  it.for(
    restarts,
  )('loses nothing, and keeps the order of each key, when the broker is gone under load and back: %s of %s', {
    timeout: 180_000,
  }, async ([end, queueTypes]) => {
    onTestFailed(() => console.error(lastLines(server.directory, 'rabbitmq', 40)));
    const total = 1000;
    let ended: Promise<void> | undefined;
    const goneAndBack = async () => {
      await server[end]('rabbitmq');
      await pause(300);
      await server.start('rabbitmq');
    };
    const ends = await Promise.all(queueTypes.map((type) => farFrom(server, { confirmTimeoutMs: 3000 }, type)));
    if (end === 'kill') await writtenDown(server);
    const loads = ends.map(async ({ broker, queue, destination, context }) => {
      const progress = (sent: number) => {
        if (sent > total / 4) ended ??= goneAndBack();
      };
      const seen = await dispatched(destination, { keys, total, message, progress });
      await ended;
      expect(seen.size).toBeGreaterThan(1);
      expectAllInOrder((await broker.texts(queue)).map(Number), { keys, total });
      expect(context.reported.at(-1)?.state).toBe('connected');
    });
    await Promise.all(loads);
  });

  it('says that the broker takes nothing while an alarm of its disk is on, and goes on after it', async () => {
    await using alarmed = await own.start({ settings: { 'disk_free_limit.absolute': '900000GB' } });
    const { broker, queue, destination, context } = await farFrom(alarmed, {}, 'classic');
    const away = { code: 'refused', kind: 'transient', scope: 'destination' };
    const [first] = await outcomesOf(destination, [message(0)]);
    expect(first).toMatchObject({ status: 'uncertain', error: away });
    const [second] = await outcomesOf(destination, [message(1)]);
    expect(second).toMatchObject({ status: 'error', error: away });
    expect(second).toHaveProperty('error.message', expect.stringContaining('an alarm of its memory or disk'));
    expect(context.reported.at(-1)?.state).toBe('retrying');
    await alarmed.stop('rabbitmq');
    const file = join(alarmed.directory, 'rabbitmq.conf');
    writeFileSync(file, readFileSync(file, 'utf8').replace('900000GB', '1MB'));
    await alarmed.start('rabbitmq');
    expect(await outcomesOf(destination, [message(0)])).toEqual([{ status: 'sent' }]);
    expect(new Set(await broker.texts(queue))).toEqual(new Set(['0']));
  }, 180_000);
});
