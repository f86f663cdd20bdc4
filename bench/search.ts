/**
 * `npm run bench:search` – a million messages in the store, 100,000 a day, and 2,000 more a second: how long it takes to find one by its
 * control id, its patient and its order, and how far the index is behind. Store with fsync on, the index as the hub has it.
 * `-- --messages 1000000 --rate 2000 --seconds 20 --free-text`
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { messageIds } from '../core/runtime/message-id.ts';
import { openEmbeddedIndex } from '../core/search/embedded-index.ts';
import type { NewMessage } from '../core/store/message-store.ts';
import { openSqliteStore } from '../core/store/sqlite/sqlite-store.ts';
import { repeatableRandom } from '../core/testing/contexts.ts';
import { fdatasyncMs, runDirectory } from './disk.ts';
import { type Gate, report } from './gates.ts';
import { percentile, whole } from './statistics.ts';

const FIND_MS = 300;
const LAG_MS = 2_000;
const DAYS = 10;
const DAY_MS = 24 * 60 * 60_000;
const CHANNELS = ['adt', 'orders'] as const;
/** Messages of one patient on the average; one in three is an order. */
const PER_PATIENT = 20;
const FILL_BATCH = 1_000;
const LIVE_EVERY_MS = 10;
const FIND_EVERY_MS = 40;

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '20' },
    'free-text': { type: 'boolean', default: false },
  },
});
const count = Number(options.messages);
const rate = Number(options.rate);
const seconds = Number(options.seconds);
const random = repeatableRandom(1);
const newId = messageIds(Date.now, random);
const patients = Math.ceil(count / PER_PATIENT);
const templates = { adt: template('adt-a01.hl7'), orders: template('orm-o01.hl7') };

await using directory = await runDirectory('search');
const messages = join(directory.path, 'messages');
await using store = await openSqliteStore({ directory: messages, now: Date.now });
await using index = await openEmbeddedIndex({
  directory: join(directory.path, 'search'),
  now: Date.now,
  freeText: options['free-text'],
  feed: {
    module: new URL('../core/store/sqlite/feed.ts', import.meta.url).href,
    name: 'sqliteFeed',
    options: { directory: messages },
  },
  extractor: {
    module: new URL('../hub/search/hl7v2-extractor.ts', import.meta.url).href,
    name: 'hl7v2Extractor',
    options: { paths: ['OBR-18', 'IPC-1'] },
  },
});
console.log(
  `node ${process.version}, fsync on, fdatasync of this disk ${fdatasyncMs(directory.path).toFixed(2)} ms, messages of ${templates.adt('x', 'x', 'x').length} and ${templates.orders('x', 'x', 'x').length} bytes`,
);

let sent = 0;
await fill();
report('bench:search', await measure());

/** Fills the store as fast as it takes, the index following; resolves when that has caught up. */
async function fill(): Promise<void> {
  const started = performance.now();
  const begin = Date.now() - DAYS * DAY_MS;
  while (sent < count) await send(Math.min(FILL_BATCH, count - sent), begin + (sent / count) * DAYS * DAY_MS);
  const filled = performance.now() - started;
  while ((await index.status()).lagMs > 0) await sleep(100);
  const caughtUp = performance.now() - started;
  const { bytes, days } = await index.status();
  console.log(
    `${whole(count)} messages stored at ${whole((count * 1000) / filled)}/s; indexed at ${whole((count * 1000) / caughtUp)}/s beside that, ${days} days, ${(bytes / 1e6).toFixed(0)} MB`,
  );
}

async function measure(): Promise<readonly Gate[]> {
  const end = performance.now() + seconds * 1000;
  const appends: number[] = [];
  const lags: number[] = [];
  const finds = { 'control id': [] as number[], patient: [] as number[], order: [] as number[] };
  const live = async () => {
    const started = performance.now();
    const before = sent;
    while (performance.now() < end) {
      const due = before + ((performance.now() - started) * rate) / 1000 - sent;
      if (due >= 1) {
        const at = performance.now();
        void send(Math.floor(due), Date.now()).then(() => appends.push(performance.now() - at));
      }
      await sleep(LIVE_EVERY_MS);
    }
  };
  const finding = async () => {
    for (let turn = 0; performance.now() < end; turn++) {
      const n = Math.floor(random() * count);
      const kind = (['control id', 'patient', 'order'] as const)[turn % 3]!;
      const order = n - (n % 3);
      const text = { 'control id': controlId(n), patient: patientId(n % patients), order: orderId(order) }[kind];
      const at = performance.now();
      const { hops } = await index.find({ text, in: 'identifiers', limit: 100 });
      finds[kind].push(performance.now() - at);
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
    `${whole(rate)}/s for ${seconds} s: append p50 ${percentile(appends, 0.5).toFixed(1)} p99 ${percentile(appends, 0.99).toFixed(1)} ms, lag p50 ${percentile(lags, 0.5).toFixed(0)} ms, resident ${rss.toFixed(0)} MB`,
  );
  for (const [kind, times] of Object.entries(finds))
    console.log(
      `  find by ${kind}: ${times.length} times, p50 ${percentile(times, 0.5).toFixed(1)} p95 ${percentile(times, 0.95).toFixed(1)} highest ${Math.max(...times).toFixed(0)} ms`,
    );
  return [
    ...Object.entries(finds).map(
      ([kind, times]): Gate => ({
        name: `find by ${kind}, p95`,
        figure: percentile(times, 0.95),
        limit: FIND_MS,
        must: 'stay-within',
        unit: 'ms',
      }),
    ),
    { name: 'index lag, highest', figure: Math.max(...lags), limit: LAG_MS, must: 'stay-within', unit: 'ms' },
  ];
}

/** Stores and settles the next messages, in one commit each. */
async function send(howMany: number, receivedAt: number): Promise<void> {
  const byChannel = { adt: [] as NewMessage[], orders: [] as NewMessage[] };
  for (const last = sent + howMany; sent < last; sent++) {
    const channel = sent % 3 === 0 ? 'orders' : 'adt';
    const raw = templates[channel](controlId(sent), patientId(sent % patients), orderId(sent));
    byChannel[channel].push({
      id: newId(),
      raw,
      meta: { 'hl7.controlId': controlId(sent) },
      receivedAt: Math.floor(receivedAt),
    });
  }
  await Promise.all(CHANNELS.map((channel) => keep(channel, byChannel[channel])));
}

async function keep(channel: (typeof CHANNELS)[number], batch: readonly NewMessage[]): Promise<void> {
  if (batch.length === 0) return;
  const appended = await store.append(channel, batch);
  const sentAt = batch[0]!.receivedAt;
  const type = channel === 'adt' ? 'ADT^A01' : 'ORM^O01';
  const settlements = appended.map((each, at) => {
    const controlId = batch[at]!.meta['hl7.controlId'];
    const reply = Buffer.from(`MSH|^~\\&|LAB|HOSP|WEIR|HOSP|20260302||ACK|${controlId}|P|2.5.1\rMSA|AA|${controlId}\r`);
    return {
      seq: 'seq' in each ? each.seq : 0,
      ...{ version: 'v1', content: 'full' as const, type },
      parts: [{ destination: 'lab', n: 0, status: 'sent' as const, sentAt, attempts: 1, reply }],
    };
  });
  await store.settle(channel, settlements);
}

function controlId(n: number): string {
  return `C${String(n).padStart(9, '0')}`;
}

function patientId(n: number): string {
  return `P${String(n).padStart(7, '0')}`;
}

function orderId(n: number): string {
  return `O${String(n).padStart(9, '0')}`;
}

/** A fixture with ids of its own. */
function template(name: string): (control: string, patient: string, order: string) => Buffer {
  const text = readFileSync(new URL(`../test-fixtures/hl7v2/${name}`, import.meta.url), 'utf8');
  const segments = text.split('\r').map((segment) => {
    const fields = segment.split('|');
    if (fields[0] === 'MSH') fields[9] = '{control}';
    if (fields[0] === 'PID') fields[3] = '{patient}^^^HOSP^MR';
    if (fields[0] === 'ORC') fields[2] = '{order}^EHR';
    if (fields[0] === 'OBR') fields[2] = '{order}^EHR';
    if (fields[0] === 'PV1') fields[19] = 'V{patient}^^^HOSP^VN';
    return fields.join('|');
  });
  const pieces = segments.join('\r').split(/\{(control|patient|order)\}/);
  return (control, patient, order) => {
    const values: Readonly<Record<string, string>> = { control, patient, order };
    let filled = '';
    for (const [at, piece] of pieces.entries()) filled += at % 2 === 0 ? piece : values[piece];
    return Buffer.from(filled);
  };
}
