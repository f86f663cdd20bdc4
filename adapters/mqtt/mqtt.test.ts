import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Wire } from '../../clients/mqtt/testing/broker.ts';
import type { Receipt } from '../../core/outcome.ts';
import { hurryingClock } from '../../core/testing/fake-clock.ts';
import { fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { mqtt } from './mqtt.ts';
import { arrived, brokerAt, isReading, reading, texts } from './testing/reading.ts';

const server = await service('mosquitto', import.meta.filename);

describe.skipIf(server.missing)('the mqtt source', () => {
  const name = () => uniqueName(import.meta.filename);

  it('hands over topic, properties and user properties, with its key and its identity', async () => {
    const [broker, at] = [brokerAt(server), name()];
    const intake = fakeIntake(() => positive);
    await isReading(
      reading(broker.endpoint(), intake, { clientId: at, subscriptions: [{ topic: `${at}/{id}/{kind}` }] }),
    );
    await broker.send(`${at}/monitor-7/vitals`, ['{"hr":71}'], {
      properties: {
        contentType: 'application/json',
        messageExpiryInterval: 60,
        userProperties: { effectId: 'E7', site: 'Süd', traceparent: '00-aa-bb-01' },
      },
    });
    await arrived(intake, 1);
    expect(intake.arrivals[0]).toEqual({
      raw: Buffer.from('{"hr":71}'),
      key: 'monitor-7',
      dedupeKey: 'E7',
      meta: {
        'mqtt.topic': `${at}/monitor-7/vitals`,
        'mqtt.topic.id': 'monitor-7',
        'mqtt.topic.kind': 'vitals',
        'mqtt.qos': '1',
        'mqtt.contentType': 'application/json',
        'mqtt.expirySeconds': '60',
        'mqtt.property.effectId': 'E7',
        'mqtt.property.site': 'Süd',
        traceparent: '00-aa-bb-01',
      },
    });
  });

  it('takes another place, or the whole topic, as the key', async () => {
    const [broker, at] = [brokerAt(server), name()];
    const [kinds, whole] = [fakeIntake(() => positive), fakeIntake(() => positive)];
    const subscriptions = [{ topic: `${at}/{id}/{kind}` }];
    await isReading(reading(broker.endpoint(), kinds, { clientId: `${at}-1`, subscriptions, key: 'kind' }));
    await isReading(reading(broker.endpoint(), whole, { clientId: `${at}-2`, subscriptions, key: 'topic' }));
    await broker.send(`${at}/m/alerts`, ['1']);
    await Promise.all([arrived(kinds, 1), arrived(whole, 1)]);
    expect([kinds.arrivals[0]?.key, whole.arrivals[0]?.key]).toEqual(['alerts', `${at}/m/alerts`]);
  });

  it('drops what is retained, and takes what is published with the flag while it reads', async () => {
    const [broker, at] = [brokerAt(server), name()];
    await broker.send(`${at}/m-1/status`, ['old'], { retain: true });
    const intake = fakeIntake(() => positive);
    await isReading(
      reading(broker.endpoint(), intake, { clientId: at, subscriptions: [{ topic: `${at}/{id}/status` }] }),
    );
    await broker.send(`${at}/m-1/status`, ['new'], { retain: true });
    await arrived(intake, 1);
    await pause(100);
    expect(texts(intake)).toEqual(['new']);
    expect(intake.arrivals[0]?.meta).not.toHaveProperty('mqtt.retained');
    await broker.send(`${at}/m-1/status`, [''], { retain: true });
  });

  it('marks what is retained where it is wanted, and does not get it again with each connection', async () => {
    const [broker, at] = [brokerAt(server), name()];
    const wire = await Wire.to(broker.port);
    onTestFinished(() => wire[Symbol.asyncDispose]());
    await broker.send(`${at}/m-1/status`, ['online'], { retain: true });
    const intake = fakeIntake(() => positive);
    const subscriptions = [{ topic: `${at}/{id}/status` }];
    const source = reading(broker.endpoint(wire.port), intake, { clientId: at, subscriptions, retained: 'take' });
    await arrived(intake, 1);
    expect(intake.arrivals[0]?.meta).toMatchObject({ 'mqtt.retained': 'true', 'mqtt.topic.id': 'm-1' });
    wire.cut();
    await vi.waitFor(() => expect(source.context.counts.mqtt_connections_total).toBe(2));
    await broker.send(`${at}/m-1/status`, ['offline'], { retain: true });
    await vi.waitFor(() => expect(texts(intake)).toContain('offline'));
    // What the broker had no acknowledgement of when the wire was cut it sends again, marked as such.
    const first = intake.arrivals.filter(({ meta }) => meta?.['mqtt.duplicate'] === undefined);
    expect(first.map(({ raw }) => Buffer.from(raw).toString())).toEqual(['online', 'offline']);
    await broker.send(`${at}/m-1/status`, [''], { retain: true });
  });

  it('acknowledges in the order in which it got them, whatever the order of the receipts', async () => {
    const [broker, at] = [brokerAt(server), name()];
    const wire = await Wire.to(broker.port);
    onTestFinished(() => wire[Symbol.asyncDispose]());
    const config = { clientId: at, subscriptions: [{ topic: `${at}/#` }] };
    const settling = fakeIntake();
    await isReading(reading(broker.endpoint(wire.port), settling, config, 'settled'));
    const stored: Receipt = { id: 'a-message', outcome: { status: 'stored' } };
    const numbers = Array.from({ length: 6 }, (_, number) => String(number));
    const open = new Set<number>();
    const storing = setInterval(() => {
      for (let index = 0; index < settling.arrivals.length; index++)
        if (!open.has(index) && open.add(index)) settling.answer(index, stored, 'stored');
    }, 5);
    onTestFinished(() => clearInterval(storing));
    await broker.send(`${at}/x`, numbers);
    await arrived(settling, 6);
    for (const index of [5, 3, 1, 2]) settling.answer(index, positive);
    await pause(80);
    expect(wire.acknowledged).toEqual([]);
    for (const index of [0, 4]) settling.answer(index, positive);
    await vi.waitFor(() => expect(wire.acknowledged).toEqual(numbers));
  });

  it('acknowledges what the channel refuses, and keeps what the store does not take', async () => {
    const [broker, at] = [brokerAt(server), name()];
    const wire = await Wire.to(broker.port);
    onTestFinished(() => wire[Symbol.asyncDispose]());
    const error = { code: 'store-failed', kind: 'transient', scope: 'message', message: 'storing' } as const;
    let storing = false;
    const intake = fakeIntake((_, index) =>
      index === 0 ? negative : storing ? positive : { outcome: { status: 'error', error } },
    );
    const config = { clientId: at, subscriptions: [{ topic: `${at}/#` }] };
    const source = reading(broker.endpoint(wire.port), intake, config);
    await isReading(source);
    await broker.send(`${at}/x`, ['0']);
    await arrived(intake, 1);
    await broker.send(`${at}/x`, ['1', '2']);
    await vi.waitFor(() => expect(source.context.reported.at(-1)?.state).toBe('retrying'));
    expect(wire.acknowledged).toEqual(['0']);
    storing = true;
    await vi.waitFor(() => expect(wire.acknowledged).toEqual(['0', '1', '2']));
    expect(source.context.counts.mqtt_connections_total).toBe(1);
  });

  it('asks again, later, for what its channel has withdrawn', async () => {
    const [broker, at] = [brokerAt(server), name()];
    const error = { code: 'cancelled', kind: 'permanent', scope: 'message', message: 'settling' } as const;
    const withdrawn: Receipt = { id: 'a-message', outcome: { status: 'error', error } };
    const intake = fakeIntake((_, index) => (index === 0 ? withdrawn : positive));
    const clock = hurryingClock(5_000);
    const config = { clientId: at, subscriptions: [{ topic: `${at}/#` }] };
    await isReading(reading(broker.endpoint(), intake, config, 'stored', clock));
    const before = clock.asked();
    await broker.send(`${at}/x`, ['withdrawn']);
    await arrived(intake, 2);
    expect(clock.asked()).toBeGreaterThan(before);
    expect(intake.arrivals[1]?.meta).toMatchObject({ 'mqtt.duplicate': 'true' });
  });

  it('acknowledges and drops what an earlier configuration has subscribed to', async () => {
    const [broker, at] = [brokerAt(server), name()];
    await broker.session(at, `${at}/old`, `${at}/new`);
    await broker.send(`${at}/old`, ['0']);
    await broker.send(`${at}/new`, ['1']);
    const intake = fakeIntake(() => positive);
    const source = reading(broker.endpoint(), intake, { clientId: at, subscriptions: [{ topic: `${at}/new` }] });
    await arrived(intake, 1);
    expect(texts(intake)).toEqual(['1']);
    expect(source.context.counts.mqtt_unasked_dropped_total).toBe(1);
  });

  it('reads QoS 0 as it comes, with nothing to acknowledge', async () => {
    const [broker, at] = [brokerAt(server), name()];
    const intake = fakeIntake(() => positive);
    const subscriptions = [{ topic: `${at}/waves`, qos: 0 }] as const;
    await isReading(reading(broker.endpoint(), intake, { clientId: at, subscriptions: [...subscriptions] }));
    await broker.send(`${at}/waves`, ['0', '1']);
    await arrived(intake, 2);
    expect(intake.arrivals[0]?.meta).toMatchObject({ 'mqtt.qos': '0' });
  });

  it('tells that another client has its id, and that the broker has thrown its session away', async () => {
    const [broker, at] = [brokerAt(server), name()];
    const source = reading(broker.endpoint(), fakeIntake(), { clientId: at, subscriptions: [{ topic: `${at}/#` }] });
    await isReading(source);
    const other = await broker.client({ clientId: at, clean: true, reconnectPeriod: 0 });
    await vi.waitFor(() => expect(source.context.logged[0]?.text).toMatch(/another client has the same clientId$/));
    await other.endAsync();
    await vi.waitFor(() => expect(source.context.counts.mqtt_sessions_lost_total).toBe(1));
    expect(source.context.logged.at(-1)?.text).toMatch(/may be lost$/);
  });

  it('names the setting: a wrong password', async () => {
    const [broker, at] = [brokerAt(server), name()];
    const endpoint = { ...broker.endpoint(), password: 'wrong' };
    const { running } = reading(endpoint, fakeIntake(), { clientId: at, subscriptions: [{ topic: at }] });
    await expect(running).rejects.toMatchObject({
      kind: 'transient',
      message: expect.stringMatching(/does not accept user, or its password$/),
    });
  });
});

const wrong = [
  ['a shared subscription', { subscriptions: [{ topic: '$share/hubs/devices/#' }] }, /out of order/],
  ['QoS 2', { subscriptions: [{ topic: 'a', qos: 2 }] }, /subscriptions/],
  ['a session of an hour', { subscriptions: [{ topic: 'a' }], sessionExpiryMs: 3_600_000 }, /sessionExpiryMs/],
  ['a key that is no place', { subscriptions: [{ topic: 'a/{id}' }, { topic: 'b/+' }], key: 'id' }, /key is no place/],
] as const;
it.for(wrong)('does not take %s', ([, config, why]) => {
  const read = mqtt.config.safeParse({ endpoint: 'far', ...config });
  expect(read.success).toBe(false);
  expect(JSON.stringify(read.error?.issues)).toMatch(why);
});
