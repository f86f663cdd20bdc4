import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Wire } from '../../clients/mqtt/testing/broker.ts';
import { type FakeIntake, fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { type OwnService, ownService, uniqueName } from '../../core/testing/services.ts';
import { arrived, brokerAt, isReading, reading, texts } from './testing/reading.ts';

const own = await ownService('mosquitto', import.meta.filename);
const range = (from: number, count: number) => Array.from({ length: count }, (_, at) => String(from + at));

/** As a channel that takes a little time for each, and no more than `most`. */
function answering(intake: FakeIntake, atOnce = 20, limit = { most: Number.POSITIVE_INFINITY }): () => number {
  let answered = 0;
  const timer = setInterval(() => {
    for (const until = Math.min(intake.arrivals.length, answered + atOnce, limit.most); answered < until; answered++)
      intake.answer(answered, positive);
  }, 5);
  onTestFinished(() => clearInterval(timer));
  return () => answered;
}

function expectAllInOrder(intake: FakeIntake, total: number): void {
  const first = [...new Set(texts(intake))].map(Number);
  expect(first).toEqual(range(0, total).map(Number));
}

/** The broker writes all that it has at a change: once it has done so after one more, it has what was there before on its disk. */
async function saved(server: OwnService, broker: ReturnType<typeof brokerAt>, at: string): Promise<void> {
  const changed = Date.now();
  await broker.session(`${at}-another`, `${at}/nothing`);
  await vi.waitFor(() => {
    const { mtimeMs } = statSync(join(server.directory, 'data/mosquitto.db'));
    expect(mtimeMs).toBeGreaterThan(changed);
  });
}

describe.skipIf(own.missing)('the mqtt source at a broker that fails', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await own.start({ settings: { max_queued_messages: '0' } });
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  it.for([
    'kill',
    'stop',
  ] as const)('loses nothing that the broker or its publisher kept, and no order, when the broker is gone and back: %s', {
    timeout: 60_000,
  }, async (end) => {
    const [broker, at] = [brokerAt(server), uniqueName(import.meta.filename)];
    const intake = fakeIntake();
    const config = { clientId: at, subscriptions: [{ topic: `${at}/{id}/vitals` }], receiveMaximum: 50 };
    const source = reading(broker.endpoint(), intake, config);
    await isReading(source);
    const limit = { most: 150 };
    const answered = answering(intake, 5, limit);
    await broker.send(`${at}/m-1/vitals`, range(0, 500));
    await vi.waitFor(() => expect(answered()).toBe(150));
    if (end === 'kill') await saved(server, broker, at);
    await server[end]('mosquitto');
    limit.most = Number.POSITIVE_INFINITY;
    const later = broker.send(`${at}/m-1/vitals`, range(500, 100));
    await pause(300);
    await server.start('mosquitto');
    await later;
    await vi.waitFor(() => expect(new Set(texts(intake)).size).toBe(600), { timeout: 30_000 });
    expectAllInOrder(intake, 600);
    expect(source.context.reported.map(({ state }) => state)).toContain('retrying');
    expect(source.context.counts.mqtt_sessions_lost_total).toBeUndefined();
  });

  it('loses nothing, and no order, when the network breaks again and again', { timeout: 60_000 }, async () => {
    const [broker, at] = [brokerAt(server), uniqueName(import.meta.filename)];
    const wire = await Wire.to(broker.port);
    onTestFinished(() => wire[Symbol.asyncDispose]());
    const intake = fakeIntake();
    const config = { clientId: at, subscriptions: [{ topic: `${at}/#` }], receiveMaximum: 100 };
    await isReading(reading(broker.endpoint(wire.port), intake, config));
    answering(intake, 10);
    const sending = broker.send(`${at}/x`, range(0, 2000));
    for (let cut = 0; cut < 3; cut++) {
      await pause(150);
      wire.cut();
      await vi.waitFor(() => expect(wire.connections).toBe(cut + 2));
    }
    await sending;
    await vi.waitFor(() => expect(new Set(texts(intake)).size).toBe(2000), { timeout: 30_000 });
    expectAllInOrder(intake, 2000);
  });

  it('finds a half-open connection by the keep-alive, and reads on', async () => {
    const [broker, at] = [brokerAt(server), uniqueName(import.meta.filename)];
    const wire = await Wire.to(broker.port);
    onTestFinished(() => wire[Symbol.asyncDispose]());
    const intake = fakeIntake(() => positive);
    const config = { clientId: at, subscriptions: [{ topic: `${at}/#` }], keepAliveMs: 3_000 };
    const source = reading(broker.endpoint(wire.port), intake, config);
    await isReading(source);
    // One that says nothing for half as long again is let go by the broker.
    await pause(5_000);
    expect(source.context.counts.mqtt_connections_total).toBe(1);
    wire.hold();
    await broker.send(`${at}/x`, ['0']);
    await vi.waitFor(() => expect(source.context.reported.at(-1)?.state).toBe('retrying'));
    expect(source.context.logged.at(-1)?.text).toMatch(/does not answer any more$/);
    wire.release();
    await arrived(intake, 1);
  });

  it('is given all that came while it was away, where the broker keeps more than 1,000', async () => {
    const [broker, at] = [brokerAt(server), uniqueName(import.meta.filename)];
    await broker.session(at, `${at}/#`);
    await broker.send(`${at}/x`, range(0, 1500));
    const intake = fakeIntake(() => positive);
    reading(broker.endpoint(), intake, { clientId: at, subscriptions: [{ topic: `${at}/#` }] });
    await arrived(intake, 1500);
    expectAllInOrder(intake, 1500);
  });

  // What `docs/mqtt.md` warns of; nobody but the broker’s log and its $SYS topics can tell.
  it('is not given what Mosquitto drops with its default of 1,000, although its publisher was told that it has it', async () => {
    await using small = await own.start();
    const [broker, at] = [brokerAt(small), uniqueName(import.meta.filename)];
    await broker.session(at, `${at}/#`);
    await broker.send(`${at}/x`, range(0, 1500));
    const intake = fakeIntake(() => positive);
    reading(broker.endpoint(), intake, { clientId: at, subscriptions: [{ topic: `${at}/#` }] });
    await vi.waitFor(() => expect(intake.arrivals.length).toBeGreaterThanOrEqual(1000));
    await pause(300);
    expect(intake.arrivals.length).toBeLessThan(1100);
    expect(texts(intake)).toEqual(range(0, intake.arrivals.length));
    await broker[Symbol.asyncDispose]();
  });
});
