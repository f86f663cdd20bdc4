/**
 * `npm run bench:events [-- --rounds 7]` – events of 1 KB through a real Kafka broker of its own, as the event log publishes and
 * consumes them and as the driver alone does (idempotent, acks=all; committed offsets), in alternate rounds of one process. The broker
 * forces every request to the disk before it answers.
 */
import { parseArgs } from 'node:util';
import { kafkaDriver } from '../clients/kafka/connection.ts';
import { openKafkaLog } from '../connectors/kafka/event-log/kafka-log.ts';
import type { NewEvent } from '../core/events/event-log.ts';
import { ownService } from '../core/testing/services.ts';
import { report } from './gates.ts';
import { median, spread } from './statistics.ts';

const { values: args } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });
const rounds = Number(args.rounds);
const eventsOfRound = 50_000;
const batchSize = 500;
const callers = 4;
const partitions = 8;
const share = 0.85;

const value = Buffer.alloc(1024, 'x');
const keys = Array.from({ length: 1000 }, (_, patient) => `patient-${patient}`);
const headers = {
  messageId: '019a0000-0000-7000-8000-000000000000',
  channel: 'adt-in',
  contentType: 'application/json',
};

const kafka = await ownService('kafka', import.meta.filename);
if (kafka.missing !== undefined) throw new Error(`benching events: there is no Kafka: ${kafka.missing}`);
await using server = await kafka.start();
const brokers = server.address.split(',');
const driver = await kafkaDriver();
const admin = new driver.Admin({ clientId: 'bench', bootstrapBrokers: brokers });
const log = await openKafkaLog({ endpoint: { brokers }, onError: console.error, onNotice: console.log });
const producer = new driver.Producer({
  clientId: 'bench',
  bootstrapBrokers: brokers,
  idempotent: true,
  partitioner: driver.compatibilityPartitioner,
});

const figures = { published: rates(), consumed: rates() };
console.log(
  `node ${process.version}, ${eventsOfRound} events of ${value.length} bytes, ${partitions} partitions, batches of ${batchSize} from ${callers} callers, fsync of each request`,
);
// The first round warms up both, and is not counted.
for (let round = -1; round < rounds; round++) {
  const topics = { ours: `ours.${round}.v1`, driver: `driver.${round}.v1` };
  for (const name of Object.values(topics)) await log.declare({ name, partitions, retentionMs: 3_600_000 });
  const inTurn = round % 2 === 0 ? (['ours', 'driver'] as const) : (['driver', 'ours'] as const);
  const measured = { published: { ours: 0, driver: 0 }, consumed: { ours: 0, driver: 0 } };
  for (const who of inTurn) measured.published[who] = await published(who, topics[who]);
  // Each reads what the driver wrote.
  for (const who of inTurn) measured.consumed[who] = await consumed(who, topics.driver, `${who}-${round}`);
  await admin.deleteTopics({ topics: Object.values(topics) });
  if (round < 0) continue;
  for (const what of ['published', 'consumed'] as const)
    for (const who of inTurn) figures[what][who].push(measured[what][who]);
}
await producer.close();
await admin.close();
await log[Symbol.asyncDispose]();

const gates = (['published', 'consumed'] as const).map((what) => {
  const { ours, driver: alone } = figures[what];
  console.log(`${what}: ours ${spread(ours)}/s, driver alone ${spread(alone)}/s`);
  const ratio = median(ours.map((rate, round) => rate / alone[round]!));
  return { name: `${what}, ours to driver alone`, figure: ratio, limit: share, must: 'reach', unit: 'of it' } as const;
});
console.log(`rss ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
report('bench:events', gates);

function rates(): { readonly ours: number[]; readonly driver: number[] } {
  return { ours: [], driver: [] };
}

async function published(who: 'ours' | 'driver', topic: string): Promise<number> {
  const send =
    who === 'ours' ? (first: number) => log.publish(topic, batchOf(first)) : (first: number) => alone(topic, first);
  let next = 0;
  const begin = performance.now();
  const caller = async (): Promise<void> => {
    while (next < eventsOfRound) {
      const first = next;
      next += batchSize;
      await send(first);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return eventsOfRound / ((performance.now() - begin) / 1000);
}

function batchOf(first: number): readonly NewEvent[] {
  return Array.from({ length: batchSize }, (_, at) => ({
    key: keys[(first + at) % keys.length]!,
    value,
    id: `019a0000-0000-7000-8000-000000000000/events/${first + at}`,
    headers,
  }));
}

async function alone(topic: string, first: number): Promise<void> {
  const messages = batchOf(first).map((event) => ({
    topic,
    key: Buffer.from(event.key),
    value,
    headers: new Map(
      Object.entries({ ...headers, schema: topic, effectId: event.id }).map(
        ([name, text]) => [Buffer.from(name), Buffer.from(text)] as const,
      ),
    ),
  }));
  await producer.send({ acks: driver.ProduceAcks.ALL, messages });
}

async function consumed(who: 'ours' | 'driver', topic: string, group: string): Promise<number> {
  let count = 0;
  let begin = 0;
  const seen = (events: number): boolean => {
    if (count === 0) begin = performance.now();
    count += events;
    return count >= eventsOfRound;
  };
  if (who === 'ours') {
    const abort = new AbortController();
    const options = { topic, group, maxBatch: batchSize, from: 'earliest', signal: abort.signal } as const;
    let end = 0;
    await log.consume(options, async ({ events }) => {
      if (!seen(events.length)) return;
      end = performance.now();
      abort.abort();
    });
    return eventsOfRound / ((end - begin) / 1000);
  }
  const consumer = new driver.Consumer({ clientId: 'bench', groupId: group, bootstrapBrokers: brokers });
  const limits = { maxBytes: 8 * 1024 * 1024, maxBytesPerPartition: 1024 * 1024 };
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: 100, ...limits });
  for await (const _ of stream) if (seen(1)) break;
  const rate = eventsOfRound / ((performance.now() - begin) / 1000);
  await consumer.close(true);
  return rate;
}
