/**
 * `npm run bench:search` – a million messages in the store, 100,000 a day, and 2,000 more a second: how long it takes to find one by its
 * control id, its patient and its order, and how far the index is behind. Store with fsync on, the index as the hub has it.
 * `-- --messages 1000000 --rate 2000 --seconds 20 --free-text`; `-- --store postgres` with free text and a path besides, and what
 * becomes of a store's intake while a backlog is indexed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { SearchIndex, SearchQuery } from '../core/search/search-index.ts';
import { type Gate, report } from './gates.ts';
import { interruptible } from './interruptible.ts';
import { random, SearchMessages } from './search-messages.ts';
import { type BenchStore, onPostgres, onSqlite } from './search-stores.ts';
import { percentile, whole } from './statistics.ts';

const LAG_MS = 2_000;
const DAYS = 10;
const DAY_MS = 24 * 60 * 60_000;
const FILL_BATCH = 1_000;
const LIVE_EVERY_MS = 10;
const FIND_EVERY_MS = 40;
const INTAKE_MS = 5_000;
const IN_FLIGHT = 8;

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '20' },
    store: { type: 'string', default: 'sqlite' },
    'free-text': { type: 'boolean', default: false },
  },
});
const count = Number(options.messages);
const rate = Number(options.rate);
const seconds = Number(options.seconds);
const inPostgres = options.store === 'postgres';
const freeText = inPostgres || options['free-text'];
const findMs = inPostgres ? 1_000 : 300;
const messages = new SearchMessages(count);

type Kind = 'control id' | 'patient' | 'order' | 'text' | 'text that most have' | 'path';
const kinds: readonly Kind[] = [
  ...(['control id', 'patient', 'order'] as const),
  ...(freeText ? (['text', 'text that most have', 'path'] as const) : []),
];

await using opened = interruptible();
const bench = opened.use(inPostgres ? await onPostgres() : await onSqlite());
console.log(`node ${process.version}, ${bench.what}, ${messages.sizes}, free text ${freeText ? 'on' : 'off'}`);
const gates = await run();
report('bench:search', gates);

async function run(): Promise<readonly Gate[]> {
  if (!inPostgres) {
    await using store = await bench.openStore(Date.now);
    await using index = await bench.openIndex(freeText);
    await fill(store);
    await caughtUp(index);
    return await measure(store, index);
  }
  const begin = Date.now() - DAYS * DAY_MS;
  for (let day = 0; day < DAYS; day++) {
    await using store = await bench.openStore(() => begin + day * DAY_MS);
    await fill(store, (count * (day + 1)) / DAYS);
  }
  await using store = await bench.openStore(Date.now);
  const alone = await intake(store);
  await using index = await bench.openIndex(freeText);
  const beside = await intake(store);
  console.log(
    `appended and settled, ${IN_FLIGHT} in flight: ${whole(alone)}/s without the index, ${whole(beside)}/s while a backlog is indexed (${whole((beside / alone) * 100)} %)`,
  );
  await caughtUp(index);
  const quiet = await intake(store);
  await caughtUp(index, false);
  console.log(`appended and settled while the index follows: ${whole(quiet)}/s (${whole((quiet / alone) * 100)} %)`);
  return await measure(store, index);
}

/** Fills the store as fast as it takes, spread over the days. */
async function fill(store: BenchStore, upTo = count): Promise<void> {
  const begin = Date.now() - DAYS * DAY_MS;
  const [started, before] = [performance.now(), messages.sent];
  while (messages.sent < upTo)
    await messages.send(
      store,
      Math.min(FILL_BATCH, upTo - messages.sent),
      begin + (messages.sent / count) * DAYS * DAY_MS,
    );
  const filled = performance.now() - started;
  console.log(`${whole(messages.sent)} messages stored, at ${whole(((messages.sent - before) * 1000) / filled)}/s`);
}

async function caughtUp(index: SearchIndex, tell = true): Promise<void> {
  const started = performance.now();
  const from = (await index.status()).position;
  for (let told = started; (await index.status()).lagMs > 0; await sleep(100)) {
    if (performance.now() - told < 30_000) continue;
    told = performance.now();
    const { position, error } = await index.status();
    console.log(`  indexed up to ${whole(position)}${error === undefined ? '' : `, waiting: ${error}`}`);
  }
  const { bytes, days } = await index.status();
  if (!tell) return;
  const ms = performance.now() - started;
  console.log(
    `the rest indexed in ${(ms / 1000).toFixed(0)} s, ${days} days, ${(bytes / 1e6).toFixed(0)} MB (from ${whole(from)})`,
  );
}

/** Messages a second, appended and settled by some senders, each one after another. */
async function intake(store: BenchStore): Promise<number> {
  const [started, before] = [performance.now(), messages.sent];
  const sender = async () => {
    while (performance.now() - started < INTAKE_MS) await messages.send(store, 10, Date.now());
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  return ((messages.sent - before) * 1000) / (performance.now() - started);
}

async function measure(store: BenchStore, index: SearchIndex): Promise<readonly Gate[]> {
  const end = performance.now() + seconds * 1000;
  const appends: number[] = [];
  const lags: number[] = [];
  const finds = new Map(kinds.map((kind) => [kind, [] as number[]]));
  const live = async () => {
    const [started, before] = [performance.now(), messages.sent];
    while (performance.now() < end) {
      const due = before + ((performance.now() - started) * rate) / 1000 - messages.sent;
      if (due >= 1) {
        const at = performance.now();
        void messages.send(store, Math.floor(due), Date.now()).then(() => appends.push(performance.now() - at));
      }
      await sleep(LIVE_EVERY_MS);
    }
  };
  const finding = async () => {
    for (let turn = 0; performance.now() < end; turn++) {
      const n = Math.floor(random() * count);
      const kind = kinds[turn % kinds.length]!;
      const at = performance.now();
      const { hops } = await index.find({ ...questionOf(kind, n), limit: 100 });
      finds.get(kind)!.push(performance.now() - at);
      if (hops.length === 0) throw new Error(`bench:search: the ${kind} of message ${n} was not found`);
      await sleep(FIND_EVERY_MS);
    }
  };
  const watching = async () => {
    for (; performance.now() < end; await sleep(97)) lags.push((await index.status()).lagMs);
  };
  await Promise.all([live(), finding(), watching()]);
  const rss = process.memoryUsage.rss() / 1e6;
  console.log(
    `${whole(rate)}/s for ${seconds} s: append p50 ${percentile(appends, 0.5).toFixed(1)} p99 ${percentile(appends, 0.99).toFixed(1)} ms, lag p50 ${percentile(lags, 0.5).toFixed(0)} highest ${Math.max(...lags).toFixed(0)} ms, resident ${rss.toFixed(0)} MB`,
  );
  for (const [kind, times] of finds)
    console.log(
      `  find by ${kind}: ${times.length} times, p50 ${percentile(times, 0.5).toFixed(1)} p95 ${percentile(times, 0.95).toFixed(1)} highest ${Math.max(...times).toFixed(0)} ms`,
    );
  return [
    ...[...finds].map(
      ([kind, times]): Gate => ({
        name: `find by ${kind}, p95`,
        figure: percentile(times, 0.95),
        limit: findMs,
        must: 'stay-within',
        unit: 'ms',
      }),
    ),
    // In a database the index rests as long as it works while messages arrive: how far it is behind depends on what is left of that.
    ...(inPostgres
      ? []
      : [
          {
            name: 'index lag, highest',
            figure: Math.max(...lags),
            limit: LAG_MS,
            must: 'stay-within',
            unit: 'ms',
          } as const,
        ]),
  ];
}

function questionOf(kind: Kind, n: number): Omit<SearchQuery, 'limit'> {
  switch (kind) {
    case 'control id':
      return { text: messages.controlId(n), in: 'identifiers' };
    case 'patient':
      return { text: messages.patientId(n), in: 'identifiers' };
    case 'order':
      return { text: messages.orderId(n), in: 'identifiers' };
    case 'text':
      return { text: `${messages.surname(n).slice(1)}^ann`, in: 'text' };
    case 'text that most have':
      return { text: 'anna^maria', in: 'text' };
    case 'path':
      return { text: messages.surname(n), in: 'path', path: 'PID-5.1' };
    default:
      return kind satisfies never;
  }
}
