import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { TestBroker, Wire } from '../../clients/mqtt/testing/broker.ts';
import { type EndpointInput, fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf, patient } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { outcomeOf } from './confirmed.ts';
import { mqtt } from './mqtt.ts';

const server = await service('mosquitto', import.meta.filename);
const message = (number: number, fields: Partial<Parameters<typeof outgoing>[0]> = {}) =>
  outgoing({
    number,
    payload: undefined,
    bytes: Buffer.from(`message ${number}`),
    keys: [`patient-${number}`],
    ...fields,
  });

describe.skipIf(server.missing)('the mqtt destination', () => {
  function far(): { readonly broker: TestBroker; readonly at: string } {
    const broker = new TestBroker(server);
    onTestFinished(() => broker[Symbol.asyncDispose]());
    return { broker, at: uniqueName(import.meta.filename) };
  }

  function destinationTo(endpoint: EndpointInput, config: Omit<Parameters<typeof mqtt>[0], 'endpoint'>) {
    const context = fakeDestinationContext({ channel: 'orders', endpoints: { far: endpoint } });
    const destination = mqtt({ endpoint: 'far', ...config }).create(context);
    onTestFinished(() => destination[Symbol.asyncDispose]());
    return { destination, context };
  }

  it('writes bytes, topic, identity and properties', async () => {
    const { broker, at } = far();
    const heard = await broker.listen(`${at}/#`);
    const { destination } = destinationTo(broker.endpoint(), {
      topic: `${at}/\${key}/orders`,
      clientId: at,
      properties: { control: '${meta.hl7.controlId}', none: '${meta.nothing}', from: 'main ${channel}' },
      contentType: 'application/hl7-v2',
      expiryMs: 60_000,
    });
    const sent = message(7, { meta: { 'hl7.controlId': 'C7', traceparent: '00-aa-bb-01' } });
    expect(await outcomesOf(destination, [sent])).toEqual([{ status: 'sent' }]);
    await vi.waitFor(() => expect(heard).toHaveLength(1));
    expect(heard[0]).toMatchObject({ topic: `${at}/patient-7/orders`, qos: 1, retain: false });
    expect(heard[0]?.payload.toString()).toBe('message 7');
    expect(heard[0]?.properties).toMatchObject({ contentType: 'application/hl7-v2' });
    expect(heard[0]?.properties?.messageExpiryInterval).toBeGreaterThan(50);
    expect({ ...heard[0]?.properties?.userProperties }).toEqual({
      control: 'C7',
      from: 'main lab-in',
      messageId: sent.id,
      effectId: sent.effectId,
      channel: 'lab-in',
      traceparent: '00-aa-bb-01',
    });
  });

  it('leaves the last one of a topic to whoever comes later, where it is told so', async () => {
    const { broker, at } = far();
    const { destination } = destinationTo(broker.endpoint(), { topic: `${at}/state`, retain: true, clientId: at });
    await outcomesOf(destination, [message(0), message(1)]);
    expect(await broker.retained(`${at}/state`)).toBe('message 1');
    await broker.send(`${at}/state`, [''], { retain: true });
  });

  it('makes a dead letter of what MQTT cannot hold, and sends those beside it over the same connection', async () => {
    const { broker, at } = far();
    const { destination, context } = destinationTo(broker.endpoint(), {
      topic: `${at}/\${meta.to}`,
      clientId: at,
      properties: { note: '${meta.note}' },
    });
    const outcomes = await outcomesOf(destination, [
      message(0, { meta: { to: 'a/#' } }),
      message(1, { meta: { to: 'a\u0000b' } }),
      message(2, { meta: { to: 'x'.repeat(70_000) } }),
      message(3, { meta: { to: 'a', note: 'line\nbreak' } }),
      message(4, { meta: { to: 'a' } }),
    ]);
    const failed = { status: 'error', error: { code: 'encode-failed', kind: 'permanent', scope: 'message' } };
    expect(outcomes).toMatchObject([failed, failed, failed, failed, { status: 'sent' }]);
    expect(JSON.stringify(outcomes)).not.toContain('line');
    expect(context.counts.mqtt_connections_total).toBe(1);
  });

  it('waits where nobody has subscribed to a fixed topic, and makes a dead letter of a message with its own', async () => {
    const { broker, at } = far();
    const fixed = destinationTo(broker.endpoint(), { topic: `${at}/a`, mandatory: true, clientId: `${at}-1` });
    expect(await outcomesOf(fixed.destination, [message(0)])).toMatchObject([
      { status: 'error', error: { code: 'not-found', kind: 'transient', scope: 'destination' } },
    ]);
    const own = destinationTo(broker.endpoint(), { topic: `${at}/\${key}`, mandatory: true, clientId: `${at}-2` });
    const [outcome] = await outcomesOf(own.destination, [message(0)]);
    expect(outcome).toMatchObject({ error: { code: 'unmatched', kind: 'permanent', scope: 'message' } });
    expect(JSON.stringify(outcome)).not.toContain('patient-0');
    const any = destinationTo(broker.endpoint(), { topic: `${at}/a`, clientId: `${at}-3` });
    expect(await outcomesOf(any.destination, [message(0)])).toEqual([{ status: 'sent' }]);
  });

  it('says that it is there, retained, and that it is not, at its orderly end', async () => {
    const { broker, at } = far();
    const status = { topic: `${at}/status` };
    const { destination } = destinationTo(broker.endpoint(), { topic: `${at}/x`, clientId: at, status });
    await vi.waitFor(async () => expect(await broker.retained(`${at}/status`)).toBe('online'));
    await destination[Symbol.asyncDispose]();
    expect(await broker.retained(`${at}/status`)).toBe('offline');
    await broker.send(`${at}/status`, [''], { retain: true });
  });

  it('is online in the end where its last will races with its next connection', async () => {
    const { broker, at } = far();
    const wire = await Wire.to(broker.port);
    onTestFinished(() => wire[Symbol.asyncDispose]());
    const heard = await broker.listen(`${at}/status`);
    const status = { topic: `${at}/status`, willDelayMs: 0 };
    const { context } = destinationTo(broker.endpoint(wire.port), { topic: `${at}/x`, clientId: at, status });
    const said = () => heard.map(({ payload }) => payload.toString());
    await vi.waitFor(() => expect(said()).toEqual(['online']));
    for (let cut = 1; cut <= 3; cut++) {
      // The broker ends the old connection, and publishes its will, only when the next one comes.
      wire.strand();
      await vi.waitFor(() => expect(context.counts.mqtt_connections_total).toBe(cut + 1));
      await vi.waitFor(() => expect(said().filter((text) => text === 'online')).toHaveLength(cut + 1));
    }
    expect(said().at(-1)).toBe('online');
    expect(said()).toContain('offline');
    expect(await broker.retained(`${at}/status`)).toBe('online');
  });

  it('was never away where it is back before its last will is due', async () => {
    const { broker, at } = far();
    const wire = await Wire.to(broker.port);
    onTestFinished(() => wire[Symbol.asyncDispose]());
    const heard = await broker.listen(`${at}/status`);
    const status = { topic: `${at}/status`, willDelayMs: 10_000 };
    const { context } = destinationTo(broker.endpoint(wire.port), { topic: `${at}/x`, clientId: at, status });
    await vi.waitFor(() => expect(heard).toHaveLength(1));
    wire.cut();
    await vi.waitFor(() => expect(heard).toHaveLength(2));
    expect(heard.map(({ payload }) => payload.toString())).toEqual(['online', 'online']);
    expect(context.reported.at(-1)?.state).toBe('connected');
  });

  it('holds back a whole batch where its signal aborts while it connects', async () => {
    const { broker, at } = far();
    const { destination } = destinationTo(broker.endpoint(), { topic: at, clientId: at });
    const abort = new AbortController();
    const writing = outcomesOf(destination, [message(0)], { ...patient, signal: abort.signal });
    abort.abort();
    expect(await writing).toEqual([{ status: 'untried' }]);
  });

  it('names the setting: a wrong password', async () => {
    const { broker, at } = far();
    const { destination, context } = destinationTo({ ...broker.endpoint(), password: 'wrong' }, { topic: at });
    const [outcome] = await outcomesOf(destination, [message(0)]);
    expect(outcome).toMatchObject({ status: 'error', error: { kind: 'transient', scope: 'destination' } });
    expect(outcome).toHaveProperty('error.message', expect.stringMatching(/does not accept user, or its password$/));
    expect(context.reported.at(-1)?.state).toBe('retrying');
  });
});

const answers = [
  [0x00, 'a', { status: 'sent' }],
  [0x10, 'a', { status: 'sent' }],
  [0x80, 'a', { status: 'error', error: { kind: 'transient', scope: 'destination' } }],
  [0x87, 'a', { status: 'error', error: { code: 'refused', kind: 'transient', scope: 'destination' } }],
  [0x87, '${key}', { status: 'error', error: { code: 'refused', kind: 'permanent', scope: 'message' } }],
  [0x90, '${key}', { status: 'error', error: { code: 'refused', kind: 'permanent', scope: 'message' } }],
  [0x95, 'a', { status: 'error', error: { code: 'write-failed', kind: 'permanent', scope: 'message' } }],
  [0x97, 'a', { status: 'error', error: { code: 'reply-negative', kind: 'transient', scope: 'destination' } }],
  [0x99, 'a', { status: 'error', error: { code: 'write-failed', kind: 'permanent', scope: 'message' } }],
] as const;
it.for(answers)('knows what reason code %i of a message to %s means', ([reasonCode, topic, outcome]) => {
  expect(outcomeOf({ status: 'answered', reasonCode }, { topic, mandatory: false })).toMatchObject(outcome);
});

it.for(['${nothing}', 'open ${key', 'a/#', 'a/+/${key}', ''])('does not take the topic %j', (topic) => {
  expect(mqtt.config.safeParse({ endpoint: 'far', topic }).success).toBe(false);
});
