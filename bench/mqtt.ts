/**
 * `npm run bench:mqtt [-- --rounds 3]` – messages of 1 KB with QoS 1 that wait at a Mosquitto of its own, read until the last one is
 * durable and acknowledged, and until it is in a topic of the event log and acknowledged then; beside a bare subscriber that does nothing
 * but acknowledge, and the client of the package `mqtt`, which does the same one message after the other. In alternate rounds of one process.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from 'mqtt';
import { mqtt } from '../adapters/mqtt/mqtt.ts';
import { Publisher } from '../clients/mqtt/publisher.ts';
import { Subscription } from '../clients/mqtt/subscription.ts';
import { discard } from '../connectors/discard/discard.ts';
import { publish } from '../connectors/publish/publish.ts';
import { defineChannel } from '../core/builder.ts';
import { endpointKinds } from '../core/endpoint.ts';
import { HubError } from '../core/errors.ts';
import type { Intake, SourceSpec } from '../core/source.ts';
import { ownService } from '../core/testing/services.ts';
import { systemClock } from '../hub/system-clock.ts';
import { fdatasyncMs, runDirectory } from './disk.ts';
import { startEngine } from './engine.ts';
import { report } from './gates.ts';
import { median, spread } from './statistics.ts';

const { values: args } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
const rounds = Number(args.rounds);
const perRound = 40_000;
const perSecond = 10_000;
const filter = 'devices/+/vitals';
const payload = Buffer.alloc(1024, 'x');
const readers = ['stored', 'settled', 'bare', 'package'] as const;
type Reader = (typeof readers)[number];

const mosquitto = await ownService('mosquitto', import.meta.filename);
if (mosquitto.missing !== undefined) throw new Error(`benching MQTT: there is no Mosquitto: ${mosquitto.missing}`);
const server = await mosquitto.start({
  settings: {
    max_queued_messages: '0',
    max_inflight_messages: '1000',
    autosave_on_changes: 'false',
    autosave_interval: '1800',
  },
});
const directory = await runDirectory('mqtt');
const url = new URL(server.address);
const { username: user, password } = url;
const broker = endpointKinds.mqtt.parse({ host: url.hostname, port: Number(url.port), user, password });
const engine = await startEngine({ directory: directory.path, endpoints: { ward: { kind: 'mqtt', ...broker } } }, []);
const connection = {
  clock: systemClock,
  timeoutMs: 5_000,
  signal: new AbortController().signal,
  keepAliveMs: 30_000,
  sessionExpiryMs: 86_400_000,
};
const rates: Readonly<Record<Reader, number[]>> = { stored: [], settled: [], bare: [], package: [] };
console.log(
  `node ${process.version}, fsync on, fdatasync of this disk ${fdatasyncMs(directory.path).toFixed(2)} ms (median); ${rounds} rounds of ${perRound} messages of ${payload.length} bytes, messages per second: median (lowest–highest)`,
);
// The first round warms up all of them, and is not counted.
for (let round = -1; round < rounds; round++) {
  for (const reader of readers) await (await subscription(reader)).close();
  await fill(round);
  const inTurn = round % 2 === 0 ? readers : readers.toReversed();
  for (const reader of inTurn) {
    const rate = await read(reader);
    if (round >= 0) rates[reader].push(rate);
  }
}
await engine.close(5_000);
console.log(`  bare subscriber ${spread(rates.bare)}, that of the package ${spread(rates.package)}`);
const gate = (name: string, of: readonly number[]) => {
  const text = `QoS 1, 1 KB → ${name} (${spread(of)}, ${Math.round((100 * median(of)) / median(rates.bare))} % of bare)`;
  return { name: text, figure: median(of), limit: perSecond, must: 'reach', unit: 'messages/s' } as const;
};
report('bench:mqtt', [
  gate('durable, acknowledged', rates.stored),
  gate('durable → topic, acknowledged', rates.settled),
]);
await server[Symbol.asyncDispose]();
await directory[Symbol.asyncDispose]();
// The engine's event log keeps a thread.
process.exit();

function subscription(clientId: string): Promise<Subscription> {
  const filters = [{ topic: filter, qos: 1 }] as const;
  return Subscription.open(broker, { ...connection, clientId, filters, retained: false, receiveMaximum: 1_000 });
}

/** Every session gets all of them. */
async function fill(round: number): Promise<void> {
  const publisher = await Publisher.open(broker, {
    ...connection,
    sessionExpiryMs: 0,
    clientId: 'ward',
    inFlight: 1_000,
  });
  for (let number = 0; number < perRound; number++) {
    await publisher.room();
    const publication = {
      id: `${round}/${number}`,
      topic: `devices/monitor-${number % 100}/vitals`,
      payload,
      retain: false,
      properties: {},
    };
    void publisher.publish(publication).then(() => publisher.done(publication));
  }
  while (publisher.open > 0) await pause(5);
  await publisher.close();
}

/** Counts to the end of a round; `rate` resolves then. */
function counter(): { readonly add: (count: number) => void; readonly rate: Promise<number> } {
  const { promise: rate, resolve } = Promise.withResolvers<number>();
  let began = 0;
  let count = 0;
  const add = (more: number): void => {
    began ||= performance.now();
    count += more;
    if (count >= perRound) resolve(count / ((performance.now() - began) / 1000));
  };
  return { add, rate };
}

function read(reader: Reader): Promise<number> {
  switch (reader) {
    case 'stored':
      return readAndStore();
    case 'settled':
      return readToTopic();
    case 'bare':
      return readAlone();
    case 'package':
      return readByPackage();
    default:
      return reader satisfies never;
  }
}

/** Until the last one is durable and acknowledged. */
async function readAndStore(): Promise<number> {
  const { add, rate } = counter();
  await engine.deploy(vitals('stored', add).to('discard', discard({})).definition, 'bench');
  const measured = await rate;
  await undeploySettled('vitals');
  return measured;
}

/** Until the last one is durable, in the topic, and acknowledged only then: the broker keeps what is too much. */
async function readToTopic(): Promise<number> {
  const { add, rate } = counter();
  const topic = publish({ topic: 'vitals.v1' });
  await engine.deploy(vitals('settled', add).to('topic', topic).definition, 'bench');
  const measured = await rate;
  await undeploySettled('vitals');
  return measured;
}

function vitals(point: 'stored' | 'settled', add: (count: number) => void) {
  const subscriptions = [{ topic: 'devices/{id}/vitals' }];
  const source = mqtt({ endpoint: 'ward', clientId: point, subscriptions, receiveMaximum: 1_000 });
  return defineChannel('vitals', { ackAfter: point }).from(counting(source, point, add));
}

/** What is written is settled a moment later. */
async function undeploySettled(channel: string): Promise<void> {
  for (let left = 600; left > 0; left--)
    try {
      return await engine.undeploy(channel);
    } catch (thrown) {
      if (!(thrown instanceof HubError) || thrown.code !== 'not-allowed' || left === 1) throw thrown;
      await pause(50);
    }
}

async function readAlone(): Promise<number> {
  const { add, rate } = counter();
  const bare = await subscription('bare');
  const done = new AbortController();
  void rate.then(() => done.abort());
  while (!done.signal.aborted) {
    const messages = await bare.next(done.signal);
    for (const message of messages) bare.ack(message);
    add(messages.length);
  }
  await bare.close();
  return rate;
}

async function readByPackage(): Promise<number> {
  const { add, rate } = counter();
  const properties = { sessionExpiryInterval: 86_400, receiveMaximum: 1_000 };
  const login = { username: user, password };
  const session = { clientId: 'package', clean: false, protocolVersion: 5, properties } as const;
  const client = connect(`mqtt://${url.host}`, { ...session, ...login });
  client.on('message', () => add(1));
  const measured = await rate;
  await client.endAsync();
  return measured;
}

/** Counts messages that have reached `point`; the time begins when the first is handed over. */
function counting<T>(
  { withDefaults: _, ...spec }: SourceSpec<T>,
  point: 'stored' | 'settled',
  add: (count: number) => void,
): SourceSpec<T> {
  const around = (intake: Intake): Intake => ({
    tryAccept: (batch) => intake.tryAccept(batch),
    async accept(batch, signal) {
      add(0);
      const delivery = await intake.accept(batch, signal);
      delivery.on(point, () => add(1));
      return delivery;
    },
  });
  return {
    ...spec,
    create(context) {
      const source = spec.create(context);
      return { run: (intake, life) => source.run(around(intake), life) };
    },
  };
}
