import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TestBroker } from '../../clients/mqtt/testing/broker.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf, patient } from '../../core/testing/destination-suite.ts';
import { dispatched, expectAllInOrder } from '../../core/testing/dispatched.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { type OwnService, ownService, uniqueName } from '../../core/testing/services.ts';
import { mqtt } from './mqtt.ts';

const own = await ownService('mosquitto', import.meta.filename);
const keys = 8;
const message = (number: number, bytes = Buffer.from(String(number))) =>
  outgoing({ number, payload: undefined, bytes, keys: [`m-${number % keys}`] });

describe.skipIf(own.missing)('the mqtt destination in front of a broker that fails', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await own.start({ settings: { max_queued_messages: '0', max_packet_size: '20000' } });
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  async function far(config: Partial<Parameters<typeof mqtt>[0]> = {}) {
    const at = uniqueName(import.meta.filename);
    const broker = new TestBroker(server);
    onTestFinished(() => broker[Symbol.asyncDispose]());
    const reader = await broker.client({
      clientId: `${at}-reader`,
      clean: false,
      properties: { sessionExpiryInterval: 600 },
    });
    const read: string[] = [];
    reader.on('message', (_topic, payload) => void read.push(payload.toString()));
    await reader.subscribeAsync(`${at}/#`, { qos: 1 });
    const context = fakeDestinationContext({ endpoints: { far: broker.endpoint() } });
    const destination = mqtt({ endpoint: 'far', topic: `${at}/\${key}`, clientId: at, ...config }).create(context);
    onTestFinished(() => destination[Symbol.asyncDispose]());
    return { destination, context, read };
  }

  it('makes a dead letter of the message that is too large, and of no other', async () => {
    const { destination, context, read } = await far();
    const outcomes = await outcomesOf(destination, [message(0), message(1, Buffer.alloc(20_001)), message(2)]);
    const tooLarge = { status: 'error', error: { code: 'write-failed', kind: 'permanent', scope: 'message' } };
    expect(outcomes).toMatchObject([{ status: 'sent' }, tooLarge, { status: 'sent' }]);
    expect(context.counts.mqtt_connections_total).toBe(1);
    await vi.waitFor(() => expect(new Set(read)).toEqual(new Set(['0', '2'])));
  });

  it('does not publish a second time what the broker has and whose write was given up', async () => {
    const { destination, read } = await far();
    await outcomesOf(destination, [message(0)]);
    await server.pause('mosquitto');
    for (let round = 0; round < 3; round++) {
      const signal = AbortSignal.timeout(100);
      expect(await outcomesOf(destination, [message(1)], { ...patient, signal })).toMatchObject([
        { status: 'uncertain' },
      ]);
    }
    await server.resume('mosquitto');
    expect(await outcomesOf(destination, [message(1)])).toEqual([{ status: 'sent' }]);
    await vi.waitFor(() => expect(read).toEqual(['0', '1']));
  });

  it('goes over another connection where one does not acknowledge in time', async () => {
    const { destination, context, read } = await far({ confirmTimeoutMs: 1500 });
    await outcomesOf(destination, [message(0)]);
    await server.pause('mosquitto');
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([
      { status: 'uncertain', error: { code: 'reply-timeout', message: expect.stringContaining('confirmTimeoutMs') } },
    ]);
    await server.resume('mosquitto');
    await vi.waitFor(async () => expect(await outcomesOf(destination, [message(1)])).toEqual([{ status: 'sent' }]));
    expect(context.counts.mqtt_connections_total).toBeGreaterThan(1);
    await vi.waitFor(() => expect(new Set(read)).toEqual(new Set(['0', '1'])));
  });

  it('begins nothing after notAfter, while it waits for room in the broker’s window', async () => {
    const { destination } = await far({ inFlight: 1 });
    await outcomesOf(destination, [message(0)]);
    await server.pause('mosquitto');
    const writing = outcomesOf(destination, [message(1), message(2)], {
      ...patient,
      notAfter: performance.now() + 700,
    });
    await pause(1_000);
    await server.resume('mosquitto');
    expect(await writing).toEqual([{ status: 'sent' }, { status: 'untried' }]);
  });

  it('sends again what was on its way when the broker was killed', async () => {
    const { destination, read } = await far();
    await outcomesOf(destination, [message(0)]);
    await vi.waitFor(() => expect(read).toEqual(['0']));
    await server.pause('mosquitto');
    const batch = [message(1), message(2)];
    const writing = outcomesOf(destination, batch);
    await pause(500);
    await server.kill('mosquitto');
    expect(await writing).toMatchObject([{ status: 'uncertain' }, { status: 'uncertain' }]);
    await server.start('mosquitto');
    expect(await outcomesOf(destination, batch)).toEqual([{ status: 'sent' }, { status: 'sent' }]);
    await vi.waitFor(() => expect(new Set(read)).toEqual(new Set(['0', '1', '2'])));
  });

  // What Mosquitto has acknowledged and not saved yet it loses with a kill; an orderly end saves all of it.
  it('loses nothing, and keeps the order of each key, when the broker is stopped under load and back', {
    timeout: 60_000,
  }, async () => {
    const { destination, context, read } = await far({ confirmTimeoutMs: 3000 });
    const total = 1000;
    let ended: Promise<void> | undefined;
    const goneAndBack = async () => {
      await server.stop('mosquitto');
      await pause(500);
      await server.start('mosquitto');
    };
    const progress = (sent: number) => {
      if (sent > total / 4) ended ??= goneAndBack();
    };
    const seen = await dispatched(destination, { keys, total, message, progress });
    await ended;
    expect(seen.size).toBeGreaterThan(1);
    await vi.waitFor(() => expect(new Set(read).size).toBe(total));
    expectAllInOrder(read.map(Number), { keys, total });
    expect(context.reported.at(-1)?.state).toBe('connected');
  });
});
