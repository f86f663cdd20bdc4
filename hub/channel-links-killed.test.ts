/** Channels that give messages to each other, in a hub that is killed with SIGKILL at moments that differ from run to run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Arrivals, judge } from '../bench/arrivals.ts';
import { readControlId } from '../bench/frame.ts';
import { KeyedLoad } from '../bench/keyed-load.ts';
import { acking, farEnd } from '../connectors/mllp/testing/far-end.ts';
import { repeatableRandom } from '../core/testing/contexts.ts';
import { freePort } from '../core/testing/free-port.ts';
import { type HubProcess, hubProcess, workplace } from './testing/hub-process.ts';

const rounds = 4;
/** A kill comes at the latest so long after the hub is up. */
const withinMs = 900;
const mostKeys = 20;

interface ChannelAnswer {
  readonly channel: string;
  readonly counts: {
    readonly received: number;
    readonly sent: number;
    readonly queued: number;
    readonly errored: number;
  };
}

it('a link loses nothing, keeps the order of each key and gives each message once, whenever the hub is killed', async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = repeatableRandom(seed);
  const port = await freePort();
  const arrivals: Arrivals = { keys: [], numbers: [], at: [], lives: [] };
  let life = 0;
  await using far = await farEnd((message, socket) => {
    const { key, n } = readControlId(message.toString('latin1', 0, 256).split('|', 10)[9]!);
    arrivals.keys.push(key);
    arrivals.numbers.push(n);
    arrivals.at.push(Date.now());
    arrivals.lives.push(life);
    acking()(message, socket);
  });
  await using place = await workplace({
    'channels/env/test.yaml': `endpoints:
  in: { kind: tcp-listen, listen: ${port} }
  lab: { kind: tcp-connect, host: 127.0.0.1, port: ${far.port} }
`,
    'channels/router.channel.yaml': `channel: router
source: { mllp: { endpoint: in } }
key: ['PID-3[5=MR]']
destinations: { lab: { to: { channel: { name: lab } } } }
`,
    'channels/lab.channel.yaml': `channel: lab
source: { channel: { name: router } }
format: hl7v2
key: ['PID-3[5=MR]']
destinations:
  out: { to: { mllp: { endpoint: lab, connections: 4 } }, retry: { initialMs: 100, maxMs: 100 } }
`,
  });
  const load = new KeyedLoad({ port, connections: 10, keys: mostKeys, fixture: 'adt-a01.hl7', rate: 100 });
  const kills: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    life = round;
    await using hub = await hubProcess(place);
    // What was in memory at three kills in a row would be held for poison (rule 21): every second life finds the time for it.
    if (round % 2 === 0) {
      const before = await receivedBy(hub);
      await expect.poll(() => behind(hub, before), { timeout: 60_000, interval: 200 }).toBe(0);
    }
    await sleep(random() * withinMs);
    kills.push(Date.now());
    process.kill(hub.processId, 'SIGKILL');
    await hub.exited;
  }
  life = rounds + 1;
  await using hub = await hubProcess(place);
  await load.stop();
  const channels = () => channelsOf(hub);
  const queued = async () => (await channels()).reduce((sum, { counts }) => sum + counts.queued, 0);
  await expect.poll(queued, { timeout: 30_000 }).toBe(0);
  const count = async (name: string) => (await channels()).find((each) => each.channel === name)!.counts;
  const verdictNow = () => judge(arrivals, { acknowledged: load.acknowledged, resent: load.resent, kills });
  await expect.poll(() => verdictNow().lost).toBe(0);
  const [router, lab] = [await count('router'), await count('lab')];
  // Each message of the one is one message of the other.
  expect({ seed, received: lab.received }).toEqual({ seed, received: router.received });
  expect(load.acks).toBeGreaterThan(100);
  expect({ seed, ...verdictNow() }).toMatchObject({ seed, lost: 0, inversions: 0, unexplained: 0 });
  expect(lab.errored + router.errored).toBe(0);
}, 240_000);

async function channelsOf(hub: HubProcess): Promise<readonly ChannelAnswer[]> {
  return (await hub.get<{ readonly channels: readonly ChannelAnswer[] }>('/api/channels')).channels;
}

async function receivedBy(hub: HubProcess): Promise<ReadonlyMap<string, number>> {
  return new Map((await channelsOf(hub)).map(({ channel, counts }) => [channel, counts.received]));
}

/** How many of the messages that channels had received before are not through yet. */
async function behind(hub: HubProcess, before: ReadonlyMap<string, number>): Promise<number> {
  const left = (await channelsOf(hub)).map(({ channel, counts }) => (before.get(channel) ?? 0) - counts.sent);
  return left.reduce((sum, each) => sum + Math.max(0, each), 0);
}
