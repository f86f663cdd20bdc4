/** Two hubs on one store, in processes of their own, with senders that change between them; each is killed with SIGKILL in turn. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../clients/postgres/testing/database.ts';
import { acking, farEnd } from '../connectors/mllp/testing/far-end.ts';
import { repeatableRandom } from '../core/testing/contexts.ts';
import { freePort } from '../core/testing/free-port.ts';
import { type HubProcess, hubProcess, type Workplace, weir, workplace } from './testing/hub-process.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

const senders = 10;
const pauseMs = 25;
const answerMs = 2_000;
/** Five to seven seconds on a busy machine; `npm run chaos` shows how long it takes. One that is busy with other tests gets more. */
const takeoverMs = 20_000;

interface Arrival {
  readonly key: string;
  readonly n: number;
  readonly at: number;
}

interface ChannelAnswer {
  readonly channel: string;
  readonly hub?: string;
  readonly counts: {
    readonly received: number;
    readonly sent: number;
    readonly queued: number;
    readonly errored: number;
  };
}

describe.skipIf(database.missing)('two hubs on one PostgreSQL store', () => {
  it('lose nothing and keep the order of each key while each is killed in turn, and take over', async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = repeatableRandom(seed);
    const arrivals: Arrival[] = [];
    await using far = await farEnd((message, socket) => {
      const [key = '', n = ''] = message.toString('latin1', 0, 256).split('|', 10)[9]!.split('-');
      arrivals.push({ key, n: Number(n), at: performance.now() });
      acking()(message, socket);
    });
    await using first = await place('a', far.port);
    await using second = await place('b', far.port);
    const hubs = new Map<string, HubProcess>();
    await using open = new AsyncDisposableStack();
    const start = async (name: string) => hubs.set(name, open.use(await hubProcess(name === 'a' ? first : second)));
    await start('a');
    await start('b');
    const channelAt = async (name: string) => {
      const { channels } = await hubs.get(name)!.get<{ readonly channels: readonly ChannelAnswer[] }>('/api/channels');
      return channels[0]!;
    };
    await expect.poll(async () => (await channelAt('b')).hub).toBeDefined();

    const load = new AlternatingSenders([first.port, second.port], random);
    await expect.poll(() => arrivals.length).toBeGreaterThan(50);
    const gaps: number[] = [];
    for (const _ of ['one', 'the other']) {
      await expect.poll(async () => (await channelAt('b')).hub).toMatch(/^[ab]$/);
      const owner = (await channelAt('b')).hub!;
      const killed = hubs.get(owner)!;
      const killedAt = performance.now();
      process.kill(killed.processId, 'SIGKILL');
      await killed.exited;
      const before = arrivals.length;
      await expect.poll(() => arrivals.length - before, { timeout: 30_000 }).toBeGreaterThan(30);
      gaps.push(longestGap(arrivals, killedAt));
      await start(owner);
      const other = owner === 'a' ? 'b' : 'a';
      await expect.poll(async () => (await channelAt(owner)).hub).toBe(other);
      await sleep(500);
    }
    const { out } = await weir(['channels'], hubs.get('a')!.admin);
    expect(out).toMatch(/sent by hub [ab]/);
    const acknowledged = await load.stop();
    await expect.poll(() => lost(acknowledged, arrivals), { timeout: 30_000 }).toEqual([]);
    await expect.poll(async () => (await channelAt('a')).counts.queued, { timeout: 30_000 }).toBe(0);
    expect(acknowledged.size).toBeGreaterThan(300);
    expect({ seed, inversions: inversions(arrivals) }).toEqual({ seed, inversions: [] });
    expect((await channelAt('a')).counts.errored).toBe(0);
    for (const gap of gaps) expect(gap).toBeLessThan(takeoverMs);
    const sum = { acknowledged: acknowledged.size, arrived: arrivals.length, again: again(arrivals) };
    console.info({ seed, ...sum, takeoversMs: gaps.map(Math.round) });
  }, 180_000);
});

async function place(hub: string, labPort: number): Promise<Workplace & { readonly port: number }> {
  const port = await freePort();
  const { host, user, password, ...at } = database.server;
  const made = await workplace({
    'weir.yaml': `hub: ${hub}\nstore: { postgres: { endpoint: database } }\n`,
    'password.txt': password ?? '',
    'channels/env/test.yaml': `endpoints:
  in: { kind: tcp-listen, listen: ${port} }
  lab: { kind: tcp-connect, host: 127.0.0.1, port: ${labPort} }
  database: { kind: postgres, host: ${host}, port: ${at.port}, database: ${at.database}, user: ${user}, password: '\${file:../../password.txt}' }
`,
    'channels/adt.channel.yaml': `channel: adt
source: { mllp: { endpoint: in } }
key: ['PID-3[5=MR]']
destinations:
  lab: { to: { mllp: { endpoint: lab, connections: 4 } }, retry: { initialMs: 100, maxMs: 100 } }
`,
  });
  return { ...made, port };
}

/** A sender for each key: a message at a time, to either hub, and again to the other one where no answer comes. */
class AlternatingSenders {
  readonly #ports: readonly number[];
  readonly #random: () => number;
  readonly #acknowledged = new Set<string>();
  readonly #running: Promise<unknown>;
  #stopped = false;

  constructor(ports: readonly number[], random: () => number) {
    this.#ports = ports;
    this.#random = random;
    this.#running = Promise.all(Array.from({ length: senders }, (_, at) => this.#send(`k${at}`)));
  }

  /** Resolves with what was acknowledged. */
  async stop(): Promise<ReadonlySet<string>> {
    this.#stopped = true;
    await this.#running;
    return this.#acknowledged;
  }

  async #send(key: string): Promise<void> {
    const sockets = new Map<number, Socket>();
    for (let n = 0; !this.#stopped; n++) {
      const id = `${key}-${n}`;
      for (let at = this.#random() < 0.5 ? 0 : 1; !this.#acknowledged.has(id); at = 1 - at) {
        const answer = await ask(sockets, this.#ports[at]!, key, id);
        if (answer.includes(`MSA|AA|${id}`)) this.#acknowledged.add(id);
        else await sleep(pauseMs);
        if (this.#stopped && !answer) break;
      }
      await sleep(pauseMs * this.#random());
    }
    for (const socket of sockets.values()) socket.destroy();
  }
}

/** The answer; empty where there is none. A connection without one is given up. */
async function ask(sockets: Map<number, Socket>, port: number, key: string, id: string): Promise<string> {
  let socket = sockets.get(port);
  if (!socket || socket.destroyed) {
    socket = connect(port, '127.0.0.1');
    sockets.set(port, socket);
  }
  const used = socket;
  const { promise, resolve } = Promise.withResolvers<string>();
  const over = () => resolve('');
  const heard = (data: Buffer) => resolve(data.toString());
  const timer = setTimeout(over, answerMs);
  used.once('error', over).once('close', over).once('data', heard);
  const message = `MSH|^~\\&|EHR|H|WEIR|H|20260301120000||ADT^A01^ADT_A01|${id}|P|2.5.1\rPID|1||${key}^^^H^MR||DOE^JANE\r`;
  used.write(`\x0b${message}\x1c\r`);
  const answer = await promise;
  clearTimeout(timer);
  used.off('error', over).off('close', over).off('data', heard);
  if (answer === '') used.on('error', () => undefined).destroy();
  return answer;
}

function longestGap(arrivals: readonly Arrival[], from: number): number {
  const times = [from, ...arrivals.map(({ at }) => at).filter((at) => at > from)];
  return Math.max(...times.slice(1).map((at, index) => at - times[index]!));
}

function lost(acknowledged: ReadonlySet<string>, arrivals: readonly Arrival[]): readonly string[] {
  const arrived = new Set(arrivals.map(({ key, n }) => `${key}-${n}`));
  return [...acknowledged].filter((id) => !arrived.has(id));
}

/** Messages whose first arrival came behind that of a later one of their key. */
function inversions(arrivals: readonly Arrival[]): readonly string[] {
  const seen = new Set<string>();
  const last = new Map<string, number>();
  return arrivals.flatMap(({ key, n }) => {
    const id = `${key}-${n}`;
    if (seen.has(id)) return [];
    seen.add(id);
    const before = last.get(key) ?? -1;
    last.set(key, Math.max(before, n));
    return n < before ? [`${id} after ${before}`] : [];
  });
}

function again(arrivals: readonly Arrival[]): number {
  return arrivals.length - new Set(arrivals.map(({ key, n }) => `${key}-${n}`)).size;
}
