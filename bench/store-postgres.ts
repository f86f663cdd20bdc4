/**
 * `node bench/store-postgres.ts [--seconds 5] [--rounds 3] [--server postgres://…]` – the PostgreSQL store's append + settle beside
 * the bare limit: one connection that does nothing but COPY BINARY of the same bytes into one table with a key, and COMMIT. Rounds
 * alternate; messages of 740 bytes, 1, 50 and 512 in flight, each submitter waiting for its own commits. fsync and synchronous_commit
 * are on. Not less than 25,000 messages a second appended and settled with 512 in flight.
 */
import { parseArgs } from 'node:util';
import { CopyRows } from '../clients/postgres/copy-rows.ts';
import { PostgresSession } from '../clients/postgres/session.ts';
import { newDatabase, serverOf } from '../clients/postgres/testing/database.ts';
import { openPostgresStore } from '../connectors/postgres/message-store/postgres-store.ts';
import type { MessageStore } from '../core/store/message-store.ts';
import { service, uniqueName } from '../core/testing/services.ts';
import { type Gate, report } from './gates.ts';
import { percentile, spread, whole } from './statistics.ts';

const messageBytes = 740;
const channel = 'adt-inbound';
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    server: { type: 'string' },
  },
});
const roundMs = Number(values.seconds) * 1000;
const rounds = Number(values.rounds);
const raw = Buffer.alloc(messageBytes, 'MSH|^~\\&|SEND|HOSP|RECV|HOSP|20261120|');
const meta = { peer: '10.0.0.7:5000' };
const found = { 'hl7.controlId': '4711-0001', 'hl7.type': 'ADT^A01', 'hl7.patientId': '4711^HOSP' };
const sent = Buffer.alloc(messageBytes, 'MSH|^~\\&|RECV|HOSP|SEND|HOSP|20261120|');
const reply = Buffer.from('MSH|^~\\&|LAB|HOSP|SEND|HOSP|20261120||ACK|1|P|2.5\rMSA|AA|1\r');

interface Measured {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
}

let serial = 0;
const unsettled: number[] = [];
const address = values.server ?? (await service('postgres', import.meta.filename)).address;
await using database = await newDatabase(serverOf(address), uniqueName(import.meta.filename));
const session = await PostgresSession.open(database.server, {
  ...{ applicationName: 'bare COPY', connectTimeoutMs: 5_000, answerTimeoutMs: 60_000 },
});
const gates = await measure();
await session.close();
report('bench:store-postgres', gates);

async function measure(): Promise<Gate[]> {
  await using store = await openPostgresStore({ server: database.server, hub: 'bench', now: Date.now });
  await session.ask('CREATE TABLE bare (seq bigint PRIMARY KEY, bytes bytea NOT NULL)');
  const [[version] = [], [fsync] = [], [commit] = []] = await session.ask(
    "SELECT setting FROM pg_settings WHERE name IN ('server_version', 'fsync', 'synchronous_commit') ORDER BY name = 'server_version' DESC, name",
  );
  console.log(
    `node ${process.version}, PostgreSQL ${version}, fsync ${fsync}, synchronous_commit ${commit}, ${messageBytes}-byte messages, ${rounds} rounds of ${values.seconds} s`,
  );
  const gates: Gate[] = [];
  for (const inFlight of [1, 50, 512]) {
    const bare: Measured[] = [];
    const appends: Measured[] = [];
    const pairs: Measured[] = [];
    for (let round = 0; round < rounds; round++) {
      bare.push(await drive(inFlight, bareCopy()));
      appends.push(await drive(inFlight, () => appendOne(store).then(() => undefined)));
      await settleRest(store);
      pairs.push(await drive(inFlight, () => appendAndSettle(store)));
    }
    print(`${inFlight} in flight, bare COPY`, bare);
    print(`${inFlight} in flight, append`, appends);
    print(`${inFlight} in flight, append + settle`, pairs);
    const best = Math.max(...pairs.map(({ rate }) => rate));
    if (inFlight === 512) {
      gates.push({
        name: 'appended and settled, 512 in flight',
        figure: best,
        limit: 25_000,
        must: 'reach',
        unit: '/s',
      });
    }
  }
  return gates;
}

function print(name: string, all: readonly Measured[]): void {
  const [p50, p99] = [all.map((each) => each.p50), all.map((each) => each.p99)].map(
    (times) => times.toSorted((a, b) => a - b)[0] ?? 0,
  );
  console.log(
    `  ${name.padEnd(32)} ${spread(all.map(({ rate }) => rate)).padEnd(26)} /s  p50 ${p50?.toFixed(2)} ms  p99 ${p99?.toFixed(2)} ms`,
  );
}

/** Runs `inFlight` submitters, each one after the other, for a round. */
async function drive(inFlight: number, submit: () => Promise<void>): Promise<Measured> {
  const times: number[] = [];
  const started = performance.now();
  const end = started + roundMs;
  const submitter = async () => {
    for (let now = performance.now(); now < end; ) {
      await submit();
      const after = performance.now();
      times.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, submitter));
  const rate = (times.length / (performance.now() - started)) * 1000;
  return { rate, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

function id(): string {
  return `01910000-0000-7000-8000-${(++serial).toString(16).padStart(12, '0')}`;
}

async function appendOne(store: MessageStore): Promise<number> {
  const [appended] = await store.append(channel, [{ id: id(), raw, meta, receivedAt: Date.now() }]);
  const seq = appended && 'seq' in appended ? appended.seq : 0;
  unsettled.push(seq);
  return seq;
}

async function appendAndSettle(store: MessageStore): Promise<void> {
  const [appended] = await store.append(channel, [{ id: id(), raw, meta, receivedAt: Date.now() }]);
  const seq = appended && 'seq' in appended ? appended.seq : 0;
  await store.settle(channel, [settlement(seq)]);
}

/** So that the rounds of appends leave no backlog to the others. */
async function settleRest(store: MessageStore): Promise<void> {
  while (unsettled.length > 0) await store.settle(channel, unsettled.splice(-2_000).map(settlement));
}

function settlement(seq: number) {
  const part = {
    destination: 'lab',
    n: 0,
    status: 'sent',
    sentAt: Date.now(),
    attempts: 1,
    bytes: sent,
    reply,
  } as const;
  return { seq, version: 'v1', content: 'full', type: 'ADT^A01', meta: found, parts: [part] } as const;
}

/** Rows that come while one COPY runs go with the next. */
function bareCopy(): () => Promise<void> {
  const rows = [new CopyRows('bare', ['seq', 'bytes']), new CopyRows('bare', ['seq', 'bytes'])] as const;
  let waiting: (() => void)[] = [];
  let running = false;
  let which = 0;
  const run = async () => {
    running = true;
    while (waiting.length > 0) {
      const copy = rows[which]!;
      const done = waiting;
      which = 1 - which;
      waiting = [];
      await session.run([{ text: 'BEGIN' }, { text: copy.into, rows: copy }, { text: 'COMMIT' }]);
      copy.clear();
      for (const each of done) each();
    }
    running = false;
  };
  return () =>
    new Promise<void>((resolve) => {
      const copy = rows[which]!;
      copy.row();
      copy.int8(++serial);
      copy.bytea(raw);
      waiting.push(resolve);
      if (!running) setImmediate(() => !running && void run());
    });
}

console.log(`peak resident memory of this process: ${whole(process.resourceUsage().maxRSS / 1024)} MB`);
