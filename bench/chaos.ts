/**
 * `npm run chaos -- --minutes 5` – two hubs on one PostgreSQL store, with Kafka, RabbitMQ and Redis, under load, while they and what
 * they stand on are killed, stopped and cut off in random order. In the end everything that was acknowledged must be at each
 * destination, in order for each key, and in effect once. `--seed 1 --connections 24 --keys 120 --rate 200 --brokers 3`; without
 * `--seed` the order differs each time, and the seed is printed.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { repeatableRandom } from '../core/testing/contexts.ts';
import { INTAKES } from './chaos/channels.ts';
import { type Fault, faults } from './chaos/faults.ts';
import { Installation } from './chaos/installation.ts';
import type { Freshness } from './chaos/ledger.ts';
import { isClean, table } from './chaos/verdict.ts';
import { interruptible } from './interruptible.ts';
import { KeyedLoad } from './keyed-load.ts';
import { whole } from './statistics.ts';

/** Between the end of one fault and the next one. */
const PAUSE_MS = { least: 500, most: 5_000 };
const BACK_WITHIN_MS = 60_000;
const UP_WITHIN_MS = 120_000;
const DRAIN_MS = 180_000;
/** After everything has arrived: what would still come twice comes by then. */
const AFTERMATH_MS = 5_000;
/** Less patient than senders are, so that both hubs have their share of what is sent again. */
const ANSWER_TIMEOUT_MS = 3_000;
const ANSWERS_PER_CONNECTION = 100;

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    connections: { type: 'string', default: '24' },
    keys: { type: 'string', default: '120' },
    rate: { type: 'string', default: '200' },
    brokers: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: [] },
  },
});
const seed = Number(options.seed ?? Math.floor(Math.random() * 2 ** 32));
const random = repeatableRandom(seed);
const keysPerChannel = Math.ceil(Number(options.keys) / INTAKES);
const logs = new URL('../.weir/bench/chaos-logs', import.meta.url).pathname;
const stack = interruptible();
try {
  const passed = await run();
  await stack.disposeAsync();
  // Senders that never got an answer would keep the process.
  process.exit(passed ? 0 : 1);
} catch (thrown) {
  // At Ctrl-C everything ends under the run; the process ends when that is done.
  if (stack.disposed) await new Promise(() => undefined);
  await stack.disposeAsync();
  throw thrown;
}

async function run(): Promise<boolean> {
  console.log(`node ${process.version}, fsync on, ${options.minutes} minutes, ${options.rate}/s, seed ${seed}`);
  rmSync(logs, { recursive: true, force: true });
  const installation = await Installation.start(stack, {
    ...{ brokers: Number(options.brokers), keysPerChannel, logs, say },
  });
  await allUp(installation);
  const loads = installation.ports.map((port, intake) => startLoad(installation, port, intake));
  const { destinations } = installation;
  const { freshness } = destinations;
  if ((await freshness.since(performance.now(), AbortSignal.timeout(BACK_WITHIN_MS))) === undefined)
    throw new Error(
      `chaos: nothing arrives at ${freshness.waiting(1).join(', ')}; the logs of hubs and servers are in ${logs}`,
    );
  say('all destinations receive; faults begin');
  const count = await breakThings(installation);
  await allUp(installation);
  say('everything is up again; no new messages');

  const loaded = await within(
    loads.map((load) => load.stop()),
    DRAIN_MS,
  );
  const acknowledged: number[] = [];
  for (const load of loads) load.acknowledged.forEach((n, key) => void (acknowledged[key] = n));
  const drained = await installation.drained(acknowledged, DRAIN_MS);
  if (drained) say('everything has arrived');
  await sleep(AFTERMATH_MS);

  const verdicts = await destinations.verdicts(acknowledged);
  const queued = await installation.queued();
  const deadLetters = await installation.deadLetters();
  const dead = deadLetters.reduce((sum, { count }) => sum + count, 0);
  const endings = installation.hubs.reduce((sum, hub) => sum + hub.endings, 0);
  const total = loads.reduce((sum, { acks }) => sum + acks, 0);
  const again = loads.reduce((sum, { resent }) => sum + resent.size, 0);
  console.log(`${whole(total)} messages acknowledged, ${whole(again)} of them sent more than once`);
  console.log(table(verdicts));
  console.log(`${dead} dead letters, ${queued} still queued, a hub ended by itself ${endings} times`);
  for (const { channel, destination, code, message, count } of deadLetters)
    console.log(`  ${count} dead letters of ${channel}/${destination}: ${code}: ${message}`);
  const whys = [!loaded && 'NOT ALL ACKNOWLEDGED', !drained && 'NOT DRAINED'].filter((why) => why !== false);
  const clean = verdicts.every(isClean) && dead + queued + endings === 0;
  const passed = whys.length === 0 && total > 0 && clean;
  console.log(`chaos ${[passed ? 'passed' : 'FAILED', ...whys].join(', ')}: ${count} faults (seed ${seed})`);
  if (!passed) {
    installation.keepLogs(logs);
    console.log(`the logs of hubs and servers are in ${logs}`);
  }
  return passed;
}

function startLoad({ destinations }: Installation, port: readonly number[], intake: number): KeyedLoad {
  return new KeyedLoad({
    ...{ port, keys: keysPerChannel, firstKey: intake * keysPerChannel, fixture: 'adt-a01.hl7' },
    ...{ connections: Math.ceil(Number(options.connections) / INTAKES), rate: Number(options.rate) / INTAKES },
    ...{ answerTimeoutMs: ANSWER_TIMEOUT_MS, answersPerConnection: ANSWERS_PER_CONNECTION },
    onBegin: (key, n) => destinations.freshness.begun(key, n),
  });
}

/** One fault after the other until the time is over. Resolves with how many there were, when each of them is got over or given up. */
async function breakThings(installation: Installation): Promise<number> {
  const end = performance.now() + Number(options.minutes) * 60_000;
  const backs: Promise<void>[] = [];
  for (const fault of faults(installation, random, options.only)) {
    await sleep(PAUSE_MS.least + random() * (PAUSE_MS.most - PAUSE_MS.least));
    if (performance.now() > end) break;
    installation.destinations.life++;
    const lifted = new AbortController();
    backs.push(getOver(installation.destinations.freshness, fault, lifted.signal));
    await fault.run();
    lifted.abort();
  }
  await Promise.all(backs);
  return backs.length;
}

/** Says how long it took until every destination got what was sent after the fault began; it may well be while the fault lasts. */
async function getOver(freshness: Freshness, { name }: Fault, lifted: AbortSignal): Promise<void> {
  const [at, shown] = [performance.now(), time()];
  const late = new AbortController();
  const giveUp = () => setTimeout(() => late.abort(), BACK_WITHIN_MS).unref();
  lifted.addEventListener('abort', giveUp, { once: true });
  const back = await freshness.since(at, late.signal);
  const outcome = back
    ? `back after ${(back.ms / 1000).toFixed(1)} s (last: ${back.last})`
    : `NOT BACK: ${freshness.waiting(at).join(', ')}`;
  console.log(`${shown}  ${name} … ${outcome}`);
}

/** Throws where a hub does not start. */
async function allUp({ hubs }: Installation): Promise<void> {
  const up = hubs.map((hub) => hub.up());
  if (!(await within(up, UP_WITHIN_MS))) throw new Error(`chaos: not every hub starts; their logs are in ${logs}`);
}

/** Whether all of them resolve in time. */
function within(all: readonly Promise<unknown>[], ms: number): Promise<boolean> {
  return Promise.race([Promise.all(all).then(() => true), sleep(ms, false, { ref: false })]);
}

function say(text: string): void {
  console.log(`${time()}  ${text}`);
}

function time(): string {
  return new Date().toTimeString().slice(0, 8);
}
