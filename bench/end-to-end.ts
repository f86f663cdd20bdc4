/**
 * `npm run bench:end-to-end` – HL7 over MLLP → a channel that publishes patient events to Kafka → a channel that reads them and writes a
 * row for each, and its effect id, to PostgreSQL. One hub, one broker and one server, all on this machine, each forcing its writes to
 * the disk. First as fast as it goes, from the first message sent to the last row written; then at a steady rate, from a message sent
 * to its row written. `-- --store sqlite|postgres --rounds 3 --messages 20000 --rate 1500 --seconds 5`
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { newDatabase, once, serverOf } from '../clients/postgres/testing/database.ts';
import { freePort } from '../core/testing/free-port.ts';
import { ownService, service, uniqueName } from '../core/testing/services.ts';
import { Child } from './child.ts';
import { runDirectory } from './disk.ts';
import { report } from './gates.ts';
import { interruptible } from './interruptible.ts';
import { KeyedLoad } from './keyed-load.ts';
import { ProcessorTime } from './processor-time.ts';
import { productArguments } from './product-arguments.ts';
import { median, percentile, spread, whole } from './statistics.ts';

const RATE = 5_000;
const P50_MS = 50;
const CONNECTIONS = 50;
const KEYS = 1_000;
const LONGEST_MS = 120_000;

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    rounds: { type: 'string', default: '3' },
    messages: { type: 'string', default: '20000' },
    rate: { type: 'string', default: '1500' },
    seconds: { type: 'string', default: '5' },
    profile: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const messages = Number(values.messages);
const steadyRate = Number(values.rate);

await using open = interruptible();
const kafka = await ownService('kafka', import.meta.filename);
const postgres = await service('postgres', import.meta.filename);
const missing = kafka.missing ?? postgres.missing;
if (missing !== undefined) throw new Error(`this needs Kafka and PostgreSQL: ${missing}`);
const database = open.use(await newDatabase(serverOf(postgres.address), uniqueName(import.meta.filename)));
const broker = open.use(await kafka.start());
const directory = open.use(await runDirectory('end-to-end'));
const sql = (text: string) => once(database.server, text);
await sql(`CREATE TABLE admission (control_id text PRIMARY KEY, mrn text, family_name text, document jsonb,
  written_at timestamptz NOT NULL DEFAULT clock_timestamp())`);
const port = await freePort();
const hub = new Child(
  'chain-server.ts',
  {
    ...{ directory: directory.path, port, brokers: broker.address.split(','), database: database.server },
    ...(values.store === 'postgres' ? { postgres: { server: database.server, hub: 'bench' } } : {}),
  },
  values.profile ? [...productArguments, '--cpu-prof', `--cpu-prof-dir=${values.profile}`] : productArguments,
);
await hub.ready;
console.log(
  `node ${process.version}, store ${values.store}, ${rounds} rounds of ${whole(messages)} messages of 740 bytes as fast as they go, then ${values.seconds} s at ${whole(steadyRate)}/s`,
);

const whose = {
  hub: (_: string, pid: number) => pid === hub.processId,
  Kafka: (command: string) => command.includes(broker.directory),
  PostgreSQL: (command: string) => command.startsWith('postgres: '),
  senders: (_: string, pid: number) => pid === process.pid,
};

/** Keys that no round had before: a key numbers its messages from 1 in each load. */
let firstKey = 0;
// After fewer the broker, which has just been started, still compiles: half of what it uses.
await load({ count: 30_000 });
const full: { readonly rate: number; readonly taken: number; readonly cpu: string }[] = [];
const steady: { readonly p50: number; readonly p99: number }[] = [];
for (let round = 0; round < rounds; round++) {
  const before = new ProcessorTime(whose);
  const fast = await load({ count: messages });
  full.push({ ...fast, cpu: before.until(new ProcessorTime(whose)) });
  const { sentAt, writtenAt } = await load({
    rate: steadyRate,
    count: Math.round(steadyRate * Number(values.seconds)),
  });
  const latencies = [...writtenAt].map(([id, at]) => at - sentAt.get(id)!);
  steady.push({ p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) });
}
const rates = full.map(({ rate }) => rate);
const p50s = steady.map(({ p50 }) => p50);
console.log(`as fast as it goes: written ${spread(rates)}/s, acknowledged ${spread(full.map(({ taken }) => taken))}/s`);
for (const { cpu } of full) console.log(`  share of the processors: ${cpu}`);
console.log(
  `at ${whole(steadyRate)}/s, sent to written: p50 ${spread(p50s)} ms, p99 ${spread(steady.map(({ p99 }) => p99))} ms`,
);
console.log(`resident memory of the hub at most ${whole(hub.memory().peak)} MB`);
await hub.stop();
report('bench:end-to-end', [
  { name: 'written in PostgreSQL', figure: median(rates), limit: RATE, must: 'reach', unit: 'messages/s' },
  { name: 'sent to written, p50', figure: median(p50s), limit: P50_MS, must: 'stay-within', unit: 'ms' },
]);

/** As `Frame` writes it. */
function controlId(key: number, n: number): string {
  return `K${String(key).padStart(6, '0')}N${String(n).padStart(8, '0')}`;
}

/** Sends, waits until all of it is written, and answers with rates from the first message on, and when each was sent and written. */
async function load({ count, rate }: { readonly count: number; readonly rate?: number }) {
  const sentAt = new Map<string, number>();
  await sql('TRUNCATE admission');
  const keys = { connections: CONNECTIONS, firstKey, keys: KEYS };
  firstKey += KEYS;
  const onFirst = (key: number, n: number) =>
    void sentAt.set(controlId(key, n), performance.timeOrigin + performance.now());
  const started = performance.now();
  const sending = new KeyedLoad({ port, fixture: 'adt-a01.hl7', ...keys, count, onFirst, ...(rate && { rate }) });
  await sending.finished;
  const taken = sending.acks / ((performance.now() - started) / 1000);
  const deadline = performance.now() + LONGEST_MS;
  let rows = 0;
  while ((rows = Number((await sql('SELECT count(*)::int8 FROM admission'))[0]?.[0])) < sending.acks) {
    if (performance.now() > deadline)
      throw new Error(`${rows} of ${sending.acks} messages are written after two minutes`);
    await sleep(100);
  }
  const written = await sql('SELECT control_id, extract(epoch FROM written_at) * 1000 FROM admission');
  const writtenAt = new Map(written.map(([id, at]) => [String(id), Number(at)]));
  if (writtenAt.size !== sending.acks) throw new Error(`${writtenAt.size} rows of ${sending.acks} messages`);
  let last = 0;
  for (const at of writtenAt.values()) last = Math.max(last, at);
  const elapsed = last - (performance.timeOrigin + started);
  return { rate: (rows * 1000) / elapsed, taken, sentAt, writtenAt };
}
