/**
 * `npm run chaos:kill -- --rounds 20` – senders, a server (MLLP in, to an MLLP receiver and to a topic) that is killed with SIGKILL at
 * random moments, its own start included, and started again. In the end everything that was acknowledged must have arrived at both
 * destinations, in order for each key. A page cache survives a kill; that an fsync precedes each answer is shown by another test.
 * `--seed 1 --connections 20 --keys 200 --rate 3000`; without `--seed` the moments differ each time, and the seed is printed.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { repeatableRandom } from '../core/testing/contexts.ts';
import { freePort } from '../core/testing/free-port.ts';
import { type Arrivals, judge, type Verdict } from './arrivals.ts';
import { Child } from './child.ts';
import { runDirectory } from './disk.ts';
import { KeyedLoad } from './keyed-load.ts';
import { whole } from './statistics.ts';
import { readTopic } from './topic-arrivals.ts';

const TOPIC = 'chaos.adt.v1';
/** A kill comes at the latest so long after listening, or, where it hits the start, after the process began. */
const WHILE_RUNNING_MS = 1_500;
const WHILE_STARTING_MS = 900;
const SHARE_WHILE_STARTING = 0.25;
const DRAIN_MS = 180_000;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string' },
    connections: { type: 'string', default: '20' },
    keys: { type: 'string', default: '200' },
    rate: { type: 'string', default: '3000' },
  },
});
const rounds = Number(options.rounds);
const seed = Number(options.seed ?? Math.floor(Math.random() * 2 ** 32));
const random = repeatableRandom(seed);

await using directory = await runDirectory('chaos');
console.log(`node ${process.version}, fsync on, ${rounds} rounds, seed ${seed}`);
const port = await freePort();
const receiverPort = await freePort();
const receiver = new Child('receiver.ts', { port: receiverPort });
await receiver.ready;
const start = async (life: number) => {
  await receiver.ask('life', life);
  return new Child('relay-server.ts', {
    directory: directory.path,
    port,
    receiver: receiverPort,
    connections: 8,
    topic: TOPIC,
    retryMs: 100,
  });
};
const load = new KeyedLoad({
  port,
  connections: Number(options.connections),
  keys: Number(options.keys),
  fixture: 'adt-a01.hl7',
  rate: Number(options.rate),
});

const kills: number[] = [];
console.log('round  killed               acknowledged  received  sent again');
for (let round = 1; round <= rounds; round++) {
  const server = await start(round);
  const starting = random() < SHARE_WHILE_STARTING;
  const after = random() * (starting ? WHILE_STARTING_MS : WHILE_RUNNING_MS);
  let listened = true;
  if (!starting)
    listened = await server.ready.then(
      () => true,
      () => false,
    );
  if (!listened) throw new Error(`chaos:kill: the server did not start in round ${round} (seed ${seed})`);
  await sleep(after);
  kills.push(Date.now());
  await server.kill();
  const moment = `${after.toFixed(0).padStart(5)} ms after ${starting ? 'start ' : 'listen'}`;
  const { received } = await receiver.ask<{ received: number }>('progress');
  console.log(
    `${String(round).padStart(5)}  ${moment}  ${whole(load.acks).padStart(12)}  ${whole(received).padStart(8)}  ${whole(load.resent.size).padStart(10)}`,
  );
}

const server = await start(rounds + 1);
await server.ready;
await load.stop();
const drained = await drain(server);
await server.stop();
const atReceiver = await receiver.ask<Arrivals>('arrivals');
await receiver.stop();
const sent = { acknowledged: load.acknowledged, resent: load.resent, kills };
const verdicts = {
  receiver: judge(atReceiver, sent),
  topic: judge(await readTopic(join(directory.path, 'events'), TOPIC), sent),
};
for (const [name, verdict] of Object.entries(verdicts)) console.log(`${name.padEnd(8)} ${describe(verdict)}`);
const all = Object.values(verdicts);
const sum = (of: 'lost' | 'inversions' | 'duplicates' | 'unexplained') =>
  all.reduce((total, each) => total + each[of], 0);
const passed = drained && load.acks > 0 && sum('lost') === 0 && sum('inversions') === 0 && sum('unexplained') === 0;
console.log(
  `chaos:kill ${passed ? 'passed' : 'FAILED'}: ${rounds} kills, ${whole(load.acks)} acknowledged, ${sum('lost')} lost, ` +
    `${sum('inversions')} inversions, ${sum('duplicates')} duplicates of which ${sum('unexplained')} not allowed` +
    `${drained ? '' : ', NOT DRAINED'} (seed ${seed})`,
);
process.exitCode = passed ? 0 : 1;

/** Whether everything was sent within the time. */
async function drain(from: Child): Promise<boolean> {
  const deadline = performance.now() + DRAIN_MS;
  while ((await from.ask<number>('queued')) > 0) {
    if (performance.now() > deadline) return false;
    await sleep(100);
  }
  return true;
}

function describe(verdict: Verdict): string {
  const { arrived, lost, inversions, duplicates, unexplained } = verdict;
  return `${whole(arrived)} arrivals, ${lost} lost, ${inversions} inversions, ${duplicates} duplicates of which ${unexplained} not allowed`;
}
