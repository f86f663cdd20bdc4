/**
 * `node bench/journal.ts [directory]` – the SQLite store's append + settle beside a bare file's append + fdatasync, in alternate
 * rounds of one process: messages of 740 bytes, 1, 10, 50 and 1,000 in flight, each submitter waiting for its own commit. Not a
 * gate; it is what the store is tuned with.
 */
import { fdatasync, mkdirSync, mkdtempSync, openSync, rmSync, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageStore } from '../core/store/message-store.ts';
import { openSqliteStore } from '../core/store/sqlite/sqlite-store.ts';

const MESSAGE_BYTES = 740;
const ROUND_MS = 2000;
const ROUNDS = 3;

interface Measured {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const names = {
  file: 'bare file: append',
  append: 'store: append',
  pair: 'store: append, then settle, both awaited',
  pipelined: 'store: append awaited, settle with the next',
} as const;

let serial = 0;
const base = process.argv[2] ?? tmpdir();
mkdirSync(base, { recursive: true });
const directory = mkdtempSync(join(base, 'weir-journal-'));
const raw = Buffer.alloc(MESSAGE_BYTES, 'MSH|^~\\&|SEND|HOSP|RECV|HOSP|20261120|');
try {
  await measure();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const journal = openJournal(join(directory, 'journal'));
  await using store = await openSqliteStore({ directory: join(directory, 'store'), now: Date.now });
  console.log(
    `node ${process.version}, ${MESSAGE_BYTES}-byte messages, fdatasync/synchronous=FULL, best of ${ROUNDS} rounds of ${ROUND_MS} ms`,
  );
  console.log(`fdatasync alone: ${(await syncMs(journal)).toFixed(2)} ms (median)`);
  const table: Record<string, unknown>[] = [];
  for (const inFlight of [1, 10, 50, 1000]) {
    const rounds: { file: Measured; append: Measured; pair: Measured; pipelined: Measured }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push({
        file: await drive(inFlight, () => journal.append(raw)),
        append: await drive(inFlight, () => appendOne(store, 'append')),
        pair: await drive(inFlight, () => appendAndSettle(store)),
        pipelined: await drive(inFlight, () => appendThenSettle(store)),
      });
    }
    for (const kind of ['file', 'append', 'pair', 'pipelined'] as const) {
      const best = rounds.map((round) => round[kind]).toSorted((a, b) => b.rate - a.rate)[0]!;
      table.push({
        'in flight': inFlight,
        what: names[kind],
        'per second': Math.round(best.rate),
        'p50 ms': best.p50.toFixed(2),
        'p99 ms': best.p99.toFixed(2),
        'max ms': best.max.toFixed(1),
      });
    }
  }
  console.table(table);
  console.log(`rss ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
}

async function drive(inFlight: number, submit: () => Promise<unknown>): Promise<Measured> {
  const times: number[] = [];
  const start = performance.now();
  const end = start + ROUND_MS;
  const submitter = async () => {
    for (let now = performance.now(); now < end; ) {
      await submit();
      const done = performance.now();
      times.push(done - now);
      now = done;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, submitter));
  const seconds = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { rate: times.length / seconds, p50: at(0.5), p99: at(0.99), max: at(1) };
}

function uuid(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  const tail = (serial++).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}`;
}

async function appendOne(store: MessageStore, channel: string): Promise<number> {
  const meta = { peer: '10.0.0.7:50123', 'hl7.controlId': String(serial) };
  const [appended] = await store.append(channel, [{ id: uuid(), raw, meta, receivedAt: Date.now() }]);
  if (!appended || !('seq' in appended)) throw new Error('a message without a dedupe key was taken for a duplicate');
  return appended.seq;
}

function settleOne(store: MessageStore, seq: number): Promise<void> {
  const sentAt = Date.now();
  return store.settle('pair', [
    {
      seq,
      version: 'v1',
      content: 'full',
      type: 'ADT^A01',
      parts: [
        { destination: 'lab', n: 0, status: 'sent', sentAt, attempts: 1 },
        { destination: 'ris', n: 0, status: 'filtered' },
      ],
    },
  ]);
}

async function appendAndSettle(store: MessageStore): Promise<void> {
  await settleOne(store, await appendOne(store, 'pair'));
}

/** What the runtime does under `ackAfter: stored`: the sender's next message does not wait for the settlement of this one. */
async function appendThenSettle(store: MessageStore): Promise<void> {
  settleOne(store, await appendOne(store, 'pair')).catch((error) => {
    throw error;
  });
}

interface Journal {
  append(bytes: Buffer): Promise<void>;
}

/** The limit: one file, one write and one fdatasync for all who wait. */
function openJournal(path: string): Journal {
  const file = openSync(path, 'a');
  let waiting: { bytes: Buffer; done: () => void }[] = [];
  let busy = false;
  const commit = () => {
    if (waiting.length === 0) {
      busy = false;
      return;
    }
    busy = true;
    const batch = waiting;
    waiting = [];
    write(file, Buffer.concat(batch.map(({ bytes }) => bytes)), (failed) => {
      if (failed) throw failed;
      fdatasync(file, (unsynced) => {
        if (unsynced) throw unsynced;
        for (const { done } of batch) done();
        commit();
      });
    });
  };
  return {
    append: (bytes) =>
      new Promise((done) => {
        waiting.push({ bytes, done });
        if (!busy) setImmediate(commit);
        busy = true;
      }),
  };
}

async function syncMs(journal: Journal): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < 200; index++) {
    const start = performance.now();
    await journal.append(raw);
    times.push(performance.now() - start);
  }
  return times.toSorted((a, b) => a - b)[100]!;
}
