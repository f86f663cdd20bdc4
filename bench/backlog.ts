/**
 * `npm run bench:backlog` – a destination is away for a minute while messages keep coming, then comes back; and 100,000 messages of
 * one key that its receiver refuses wait beside others. MLLP in, MLLP out, SQLite with fsync on; server and receiver are processes
 * of their own. `-- --seconds 60 --rate 2000 --refused 100000 --others 20000 --profile <folder>`
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '../core/testing/free-port.ts';
import { type Arrivals, judge } from './arrivals.ts';
import { Child } from './child.ts';
import { fdatasyncMs, runDirectory } from './disk.ts';
import { type Gate, report } from './gates.ts';
import { KeyedLoad, type KeyedLoadOptions } from './keyed-load.ts';
import { productArguments } from './product-arguments.ts';
import { median, whole } from './statistics.ts';

const CATCH_UP = 5_000;
const GROWTH_MB = 64;
const OTHERS_SHARE = 0.8;
const FIXTURE = 'adt-a01.hl7';
const CONNECTIONS = 50;
const KEYS = 1_000;
/** Keys of the load, the others, and the one that is refused. */
const firstKey = { load: 0, before: 10_000, beside: 20_000, refused: 30_000, after: 40_000 };

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '2000' },
    refused: { type: 'string', default: '100000' },
    others: { type: 'string', default: '20000' },
    profile: { type: 'string' },
  },
});
const seconds = Number(options.seconds);
const rate = Number(options.rate);

await using directory = await runDirectory('backlog');
console.log(`node ${process.version}, fsync on, fdatasync of this disk ${fdatasyncMs(directory.path).toFixed(2)} ms`);
const port = await freePort();
const receiverPort = await freePort();
const receiver = new Child('receiver.ts', { port: receiverPort });
await receiver.ready;
const server = new Child(
  'relay-server.ts',
  { directory: directory.path, port, receiver: receiverPort, connections: 16, retryMs: 500 },
  options.profile ? [...productArguments, '--cpu-prof', `--cpu-prof-dir=${options.profile}`] : productArguments,
);
await server.ready;
const progress = () => receiver.ask<{ received: number; refusals: number }>('progress');
const queued = () => server.ask<number>('queued');

const gates = [...(await destinationAway()), ...(await keyRefused())];
await server.stop();
await receiver.stop();
report('bench:backlog', gates);

async function destinationAway(): Promise<Gate[]> {
  const load = new KeyedLoad({ ...sending(firstKey.load, KEYS), rate });
  await sleep(Math.min(5_000, seconds * 250));
  await receiver.ask('close');
  const received = (await progress()).received;
  const awaySince = performance.now();
  const acksBefore = load.acks;
  const resident: number[] = [];
  console.log(`the destination goes away after ${whole(received)} messages`);
  while (performance.now() - awaySince < seconds * 1000) {
    await sleep(1_000);
    resident.push(server.memory().rss);
  }
  const intake = (load.acks - acksBefore) / ((performance.now() - awaySince) / 1000);
  // What the first seconds bring is code and caches of a process that has just begun.
  const settled = resident[Math.floor(resident.length / 4)]!;
  const growth = Math.max(...resident) - settled;
  const backlog = load.acks - received;
  console.log(
    `  ${seconds} s later: ${whole(backlog)} wait, taken at ${whole(intake)}/s, resident ${settled.toFixed(0)} MB, at most ${growth.toFixed(0)} MB more`,
  );

  await receiver.ask('open');
  const begun = await firstArrival(received);
  // New messages keep coming meanwhile: caught up is who has everything that was acknowledged.
  let now = begun;
  while (now.received < load.acks - rate / 20) now = await later();
  const caughtUp = (now.received - begun.received) / ((now.at - begun.at) / 1000);
  console.log(
    `  ${whole(now.received - begun.received)} delivered in ${((now.at - begun.at) / 1000).toFixed(1)} s while more came: ${whole(caughtUp)}/s, resident ${server.memory().rss.toFixed(0)} MB`,
  );
  await load.stop();
  await until(async () => (await progress()).received >= load.acks && (await queued()) === 0);
  const verdict = judge(await receiver.ask<Arrivals>('arrivals'), {
    acknowledged: load.acknowledged,
    resent: load.resent,
    kills: [],
  });
  console.log(`  ${JSON.stringify(verdict)}`);
  return [
    {
      name: 'taken while the destination is away',
      figure: intake,
      limit: 0.98 * rate,
      must: 'reach',
      unit: 'messages/s',
    },
    {
      name: 'growth of resident memory meanwhile',
      figure: Math.max(0, growth),
      limit: GROWTH_MB,
      must: 'stay-within',
      unit: 'MB',
    },
    { name: 'catch-up', figure: caughtUp, limit: CATCH_UP, must: 'reach', unit: 'messages/s' },
    { name: 'lost', figure: verdict.lost, limit: 0, must: 'stay-within', unit: 'messages' },
    {
      name: 'out of order within their key',
      figure: verdict.inversions,
      limit: 0,
      must: 'stay-within',
      unit: 'messages',
    },
  ];
}

async function keyRefused(): Promise<Gate[]> {
  const others = Number(options.others);
  const refused = Number(options.refused);
  const ahead = await deliverRepeatedly(firstKey.before, others);
  await receiver.ask('refuse', firstKey.refused);
  const before = server.memory().rss;
  // The refused key comes on many connections at once; its own order is not looked at.
  const fills = Array.from(
    { length: CONNECTIONS },
    () => new KeyedLoad({ ...sending(firstKey.refused, 1), count: refused / CONNECTIONS }),
  );
  await Promise.all(fills.map((fill) => fill.finished));
  const waiting = await queued();
  const besideIt = await deliverRepeatedly(firstKey.beside, others);
  const growth = server.memory().rss - before;
  // Without it once more: what the machine has become slower or faster by meanwhile weighs on both sides.
  await receiver.ask('refuse', -1);
  await until(async () => (await queued()) === 0);
  const alone = median([...ahead, ...(await deliverRepeatedly(firstKey.after, others))]);
  const beside = median(besideIt);
  console.log(
    `${whole(waiting)} messages of one key wait; ${whole(others)} others: ${whole(alone)}/s without them, ${whole(beside)}/s beside them, resident ${growth.toFixed(0)} MB more`,
  );
  return [
    {
      name: 'others beside a refused key, share of the rate without it',
      figure: (100 * beside) / alone,
      limit: 100 * OTHERS_SHARE,
      must: 'reach',
      unit: '%',
    },
    {
      name: 'growth of resident memory with a refused key',
      figure: Math.max(0, growth),
      limit: GROWTH_MB,
      must: 'stay-within',
      unit: 'MB',
    },
    { name: 'messages of the refused key that wait', figure: waiting, limit: refused, must: 'reach', unit: 'messages' },
  ];
}

/** The rates of three times, after one that warms up. */
async function deliverRepeatedly(first: number, count: number): Promise<number[]> {
  await deliver(first, count);
  const rates: number[] = [];
  for (let time = 0; time < 3; time++) rates.push(await deliver(first, count));
  return rates;
}

/** Messages per second from the first one sent to the last one delivered. */
async function deliver(first: number, count: number): Promise<number> {
  const before = (await progress()).received;
  const started = performance.now();
  const load = new KeyedLoad({ ...sending(first, KEYS), count });
  await load.finished;
  await until(async () => (await progress()).received >= before + count);
  return count / ((performance.now() - started) / 1000);
}

function sending(first: number, keys: number): KeyedLoadOptions {
  return { port, connections: CONNECTIONS, fixture: FIXTURE, firstKey: first, keys };
}

async function later(): Promise<{ received: number; at: number }> {
  await sleep(50);
  const { received } = await progress();
  return { received, at: performance.now() };
}

async function firstArrival(received: number): Promise<{ received: number; at: number }> {
  for (;;) {
    const now = await later();
    if (now.received > received) return now;
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error('bench:backlog waited two minutes for deliveries that did not come');
    await sleep(20);
  }
}
