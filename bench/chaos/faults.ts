import { setTimeout as sleep } from 'node:timers/promises';
import type { CutAt, CuttingProxy } from '../../clients/postgres/testing/cutting-proxy.ts';
import type { OwnService } from '../../core/testing/services.ts';
import type { Hub } from './hub.ts';
import type { Network } from './network.ts';
import type { Servers } from './servers.ts';

/** What can be broken. */
export interface Targets {
  readonly servers: Servers;
  readonly hubs: readonly Hub[];
  /** Between each hub and the database. */
  readonly networks: readonly Network[];
  readonly cutters: readonly CuttingProxy[];
}

/** One thing that goes wrong, with its figures chosen. */
export interface Fault {
  readonly name: string;
  /** Resolves when what was broken is whole again: the process runs, the server answers, the network passes. */
  run(): Promise<void>;
}

/** Leases last 4 s and takeover comes 0.75 s later: a stop is longer than both. */
const PAST_LEASE_MS = 5_500;
const CUT_AT: readonly CutAt[] = ['before-commit', 'during-commit', 'after-commit'];

/** What goes wrong, by the names of `--only`. */
const kinds: Readonly<Record<string, Kind>> = {
  'kill-hub': ({ hubs }, { turn, upTo }) => {
    const downMs = upTo(4);
    const hub = hubs[turn % hubs.length]!;
    return { name: `kill -9 hub ${hub.name}, down ${shown(downMs)}`, run: () => hub.kill(downMs) };
  },
  'stop-hub': ({ hubs }, { turn, upTo }) => {
    const ms = PAST_LEASE_MS + upTo(5);
    const hub = hubs[turn % hubs.length]!;
    return { name: `SIGSTOP hub ${hub.name}, ${shown(ms)}`, run: () => hub.freeze(ms) };
  },
  postgres: (
    {
      servers: {
        services: { postgres },
      },
    },
    { upTo },
  ) => {
    const downMs = upTo(4);
    return { name: `kill -9 PostgreSQL, down ${shown(downMs)}`, run: () => killed(postgres, undefined, downMs) };
  },
  kafka: (
    {
      servers: {
        services: { kafka },
      },
    },
    { turn, upTo },
  ) => {
    const downMs = upTo(5);
    const broker = kafka.processes[turn % kafka.processes.length]!;
    return { name: `kill -9 Kafka ${broker}, down ${shown(downMs)}`, run: () => killed(kafka, broker, downMs) };
  },
  rabbitmq: (
    {
      servers: {
        services: { rabbitmq },
      },
    },
    { turn, upTo },
  ) => {
    const downMs = upTo(3);
    if (turn % 2 === 1)
      return { name: `kill -9 RabbitMQ, down ${shown(downMs)}`, run: () => killed(rabbitmq, 'rabbitmq', downMs) };
    return { name: 'restart RabbitMQ', run: () => restarted(rabbitmq, 'rabbitmq') };
  },
  redis: ({
    servers: {
      services: { redis },
    },
  }) => ({ name: 'restart Redis', run: () => restarted(redis) }),
  'cut-network': ({ hubs, networks }, { turn, upTo }) => {
    const ms = 500 + upTo(8);
    const at = turn % hubs.length;
    const name = `network cut between hub ${hubs[at]!.name} and database, ${shown(ms)}`;
    return { name, run: () => until(ms, () => networks[at]!.cut(), networks[at]!) };
  },
  'slow-network': ({ hubs, networks }, { turn, upTo }) => {
    const ms = 500 + upTo(11);
    const at = turn % hubs.length;
    const name = `network between hub ${hubs[at]!.name} and database delivers late, ${shown(ms)}`;
    return { name, run: () => until(ms, () => networks[at]!.hold(), networks[at]!) };
  },
  'cut-commit': ({ hubs, cutters }, { turn, upTo }) => {
    const at = turn % hubs.length;
    const run = async () => {
      for (const moment of CUT_AT) {
        cutters[at]!.cut(moment);
        await sleep(200 + upTo(0.5));
      }
    };
    return { name: `connections of hub ${hubs[at]!.name} cut in their COMMIT`, run };
  },
};
/** In each round a fault of this kind comes twice: each hub is killed in turn. */
const TWICE = 'kill-hub';

type Kind = (targets: Targets, how: How) => Fault;

interface How {
  /** How often this kind came before: hubs and brokers are hit in turn. */
  readonly turn: number;
  /** A random time, in milliseconds. */
  upTo(seconds: number): number;
}

/**
 * The faults of a run, without end: every kind once (a hub is killed twice), in random order, then the same in another order. `only`
 * names the kinds; all if empty.
 */
export function* faults(targets: Targets, random: () => number, only: readonly string[]): Generator<Fault, never> {
  const unknown = only.filter((name) => !Object.hasOwn(kinds, name));
  if (unknown.length > 0) throw new Error(`no fault ${unknown.join(', ')}: there are ${Object.keys(kinds).join(', ')}`);
  const names = Object.keys(kinds).filter((name) => only.length === 0 || only.includes(name));
  const upTo = (seconds: number) => Math.round(random() * seconds * 1000);
  const turns = new Map<string, number>();
  for (;;) {
    const left = [...names, ...names.filter((name) => name === TWICE)];
    while (left.length > 0) {
      const [name = ''] = left.splice(Math.floor(random() * left.length), 1);
      const turn = turns.get(name) ?? 0;
      turns.set(name, turn + 1);
      yield kinds[name]!(targets, { turn, upTo });
    }
  }
}

async function killed(server: OwnService, process: string | undefined, downMs: number): Promise<void> {
  await server.kill(process);
  await sleep(downMs);
  await server.start(process);
}

async function restarted(server: OwnService, process?: string): Promise<void> {
  await server.stop(process);
  await server.start(process);
}

async function until(ms: number, begin: () => void, network: Network): Promise<void> {
  begin();
  await sleep(ms);
  network.back();
}

function shown(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
