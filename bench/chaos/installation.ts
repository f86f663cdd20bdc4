import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CuttingProxy } from '../../clients/postgres/testing/cutting-proxy.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { workplace } from '../../hub/testing/hub-process.ts';
import { filesOf, INTAKES, TABLES } from './channels.ts';
import { Destinations } from './destinations.ts';
import type { Targets } from './faults.ts';
import { Hub } from './hub.ts';
import { Network } from './network.ts';
import { type Servers, startServers } from './servers.ts';
import { makeDatabases } from './tables.ts';

const HUBS = ['one', 'two'];

export interface InstallationOptions {
  /** Of each channel that has a listener. */
  readonly keysPerChannel: number;
  readonly brokers: number;
  /** Folder of the hubs' logs. */
  readonly logs: string;
  readonly say: (text: string) => void;
}

/** Open errors of one cause. */
export interface DeadLetters {
  readonly channel: string;
  readonly destination: string;
  readonly code: string;
  readonly message: string;
  readonly count: number;
}

interface ChannelAnswer {
  readonly counts: { readonly queued: number };
}

/** Two hubs with all that they stand on, and whoever gets what they send. */
export class Installation implements Targets {
  /** MLLP ports of both hubs, by intake. */
  readonly ports: readonly number[][] = Array.from({ length: INTAKES }, () => []);
  readonly hubs: Hub[] = [];
  readonly networks: Network[] = [];
  readonly cutters: CuttingProxy[] = [];
  readonly servers: Servers;
  readonly destinations: Destinations;

  static async start(stack: AsyncDisposableStack, options: InstallationOptions): Promise<Installation> {
    const servers = await startServers(stack, options.brokers);
    const warehouse = await makeDatabases(servers.database, TABLES);
    const destinations = new Destinations(servers, warehouse, options.keysPerChannel);
    const installation = new Installation(servers, destinations);
    mkdirSync(options.logs, { recursive: true });
    for (const [at, name] of HUBS.entries()) await installation.#addHub(stack, name, at, options);
    const over = new AbortController();
    const reading = destinations.read(over.signal);
    stack.defer(async () => {
      over.abort();
      await reading;
    });
    return installation;
  }

  private constructor(servers: Servers, destinations: Destinations) {
    this.servers = servers;
    this.destinations = destinations;
  }

  /** Resolves with true once everything that was acknowledged has arrived and nothing is queued; with false when that takes too long. */
  async drained(acknowledged: readonly number[], withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (performance.now() < until) {
      const arrived = await this.destinations.untilNow(acknowledged);
      if (arrived.every(({ lost }) => lost === 0) && (await this.queued()) === 0) return true;
      await sleep(1_000);
    }
    return false;
  }

  /** Messages that wait for a destination. */
  async queued(): Promise<number> {
    const { channels } = await this.#ask<{ readonly channels: readonly ChannelAnswer[] }>('/api/channels');
    return channels.reduce((sum, { counts }) => sum + counts.queued, 0);
  }

  /** What the hubs gave up, by cause, and what the reader of the topic refused. */
  async deadLetters(): Promise<readonly DeadLetters[]> {
    const { groups } = await this.#ask<{ readonly groups: readonly DeadLetters[] }>('/api/errors/groups');
    const count = await this.destinations.refusedEvents();
    const event = { channel: 'reader', destination: '', code: 'event', message: 'in the dead-letter topic' };
    return [...groups, ...(count > 0 ? [{ ...event, count }] : [])];
  }

  /** Copies what the servers said so far into the folder where the hubs' logs are. */
  keepLogs(folder: string): void {
    for (const [name, { directory }] of Object.entries(this.servers.services))
      cpSync(join(directory, 'log'), join(folder, name), { recursive: true });
  }

  async #ask<A>(path: string): Promise<A> {
    return await this.hubs[0]!.get<A>(path);
  }

  async #addHub(stack: AsyncDisposableStack, name: string, at: number, { logs, say }: InstallationOptions) {
    const cutter = stack.use(await CuttingProxy.before(this.servers.database));
    const network = stack.use(await Network.before(cutter.server.port));
    const receiver = stack.use(await this.destinations.receiverOf(at));
    const ports = await Promise.all(Array.from({ length: INTAKES }, freePort));
    const place = { name, ports, receiver: receiver.port, database: network.port };
    const folder = stack.use(await workplace(filesOf(place, this.servers)));
    this.hubs.push(stack.use(new Hub(name, folder.directory, logs, say)));
    this.networks.push(network);
    this.cutters.push(cutter);
    for (const [intake, port] of ports.entries()) this.ports[intake]!.push(port);
  }
}
