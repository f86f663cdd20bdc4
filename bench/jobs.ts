/**
 * `npm run bench:jobs` – 40,000 stored messages are replayed beside live traffic, at 50 a second and as fast as it goes. Rounds with
 * and without the job alternate: the job is paused and resumed. MLLP in, MLLP out, SQLite with fsync on; the server is a process of its
 * own, live messages have the keys of replayed ones. `-- --messages 40000 --live 200 --seconds 4 --rounds 4`
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { JobStatus } from '../core/runtime/jobs/job.ts';
import { freePort } from '../core/testing/free-port.ts';
import { Child } from './child.ts';
import { fdatasyncMs, runDirectory } from './disk.ts';
import { type Gate, report } from './gates.ts';
import { KeyedLoad } from './keyed-load.ts';
import { farEnd, type Latencies, LiveTraffic } from './live-traffic.ts';
import { productArguments } from './product-arguments.ts';
import { percentile, whole } from './statistics.ts';

const RATIO = 1.25;
/** At full speed both share the cores: then it is the time itself that counts. */
const FULL_SPEED_MS = { acknowledged: 20, delivered: 40 };
const FIXTURE = 'adt-a01.hl7';
const CONNECTIONS = 20;
const KEYS = 1_000;

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '40000' },
    live: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '4' },
  },
});
const [messages, seconds, rounds] = [Number(options.messages), Number(options.seconds), Number(options.rounds)];

await using directory = await runDirectory('jobs');
console.log(`node ${process.version}, fsync on, fdatasync of this disk ${fdatasyncMs(directory.path).toFixed(2)} ms`);
const [port, receiverPort] = [await freePort(), await freePort()];
let live: LiveTraffic | undefined;
let stored = 0;
const replayed: number[] = Array(KEYS).fill(0);
let replays = 0;
let inversions = 0;
const receiver = await farEnd(receiverPort, (key, n) => {
  if (stored < messages) stored++;
  else if (n > load.acknowledged[key]!) live?.arrived(key, n);
  else {
    replays++;
    if (n <= replayed[key]!) inversions++;
    replayed[key] = n;
  }
});
const server = new Child(
  'relay-server.ts',
  { directory: directory.path, port, receiver: receiverPort, connections: 4, retryMs: 500 },
  productArguments,
);
await server.ready;
const created = Date.now();
const load = new KeyedLoad({ port, connections: CONNECTIONS, fixture: FIXTURE, keys: KEYS, count: messages });
await load.finished;
while (stored < messages) await sleep(20);
console.log(`${whole(messages)} messages stored and sent in ${((Date.now() - created) / 1000).toFixed(1)} s`);

live = new LiveTraffic(port, Number(options.live), CONNECTIONS, load.acknowledged);
const wish = { verb: 'replay', filter: { channel: 'relay', to: Date.now() } } as const;
await sleep(1_000);
const gates = [...(await beside(50)), ...(await beside(100_000))];
live.stop();
await server.stop();
receiver.close();
report('bench:jobs', gates);

async function beside(rate: number): Promise<Gate[]> {
  replays = 0;
  replayed.fill(0);
  const atFullSpeed = rate > 1_000;
  const name = atFullSpeed ? 'full speed' : `${rate}/s`;
  let { id } = await server.ask<JobStatus>('createJob', { ...wish, rate });
  const status = () => server.ask<JobStatus>('job', id);
  while ((await status()).matched === undefined) await sleep(5);
  const [alone, with_]: [Latencies, Latencies] = [
    { acknowledged: [], delivered: [] },
    { acknowledged: [], delivered: [] },
  ];
  let afterPause = 0;
  for (let round = 0; round < rounds; round++) {
    id = (await server.ask<JobStatus>('resumeJob', id).catch(status)).id;
    await timed(with_);
    if ((await status()).state === 'done') break;
    const asked = performance.now();
    const { done } = await server.ask<JobStatus>('pauseJob', id);
    const pausedMs = performance.now() - asked;
    await sleep(200);
    const sent = replays;
    await timed(alone);
    afterPause += replays - sent;
    console.log(`  ${name}: paused within ${pausedMs.toFixed(0)} ms at ${whole(done)} of ${whole(messages)}`);
  }
  const begun = performance.now();
  const before = (await status()).done;
  if ((await status()).state !== 'done') await server.ask<JobStatus>('resumeJob', id);
  if (!atFullSpeed) await server.ask<JobStatus>('cancelJob', id);
  else while ((await status()).state !== 'done') await sleep(20);
  const end = await status();
  await sleep(500);
  const perSecond = (end.done - before) / ((performance.now() - begun - 500) / 1000);
  console.log(
    `  ${name}: ${end.state}, ${whole(end.done)} of ${whole(end.matched ?? 0)} done${atFullSpeed ? `, at ${whole(perSecond)}/s in the end` : ''}`,
  );
  for (const which of ['acknowledged', 'delivered'] as const)
    console.log(`  ${name}: ${which} alone ${shown(alone[which])}, beside the job ${shown(with_[which])}`);
  const gate = (what: string, figure: number, most: number, unit: string): Gate => ({
    ...{ name: `${name}: ${what}`, figure, limit: most, must: 'stay-within', unit },
  });
  const slower = (which: 'acknowledged' | 'delivered') => {
    const p99 = percentile(with_[which], 0.99);
    if (atFullSpeed) return gate(`p99 until ${which}, beside the job`, p99, FULL_SPEED_MS[which], 'ms');
    return gate(`p99 until ${which}, beside the job to alone`, p99 / percentile(alone[which], 0.99), RATIO, 'times');
  };
  return [
    slower('acknowledged'),
    slower('delivered'),
    gate('sent while it was paused', afterPause, 0, 'messages'),
    gate('sent but not counted, or counted and not sent', Math.abs(replays - end.done), 0, 'messages'),
    gate('replays out of order within their key, or twice', inversions, 0, 'messages'),
  ];
}

async function timed(latencies: Latencies): Promise<void> {
  live!.latencies = latencies;
  await sleep(seconds * 1000);
  live!.latencies = undefined;
}

function shown(values: readonly number[]): string {
  const [p50, p99] = [percentile(values, 0.5), percentile(values, 0.99)];
  return `p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} ms (${whole(values.length)})`;
}
