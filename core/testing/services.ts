import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const checkout = join(import.meta.dirname, '../..');
const main = join(checkout, 'deploy/services/main.ts');
const runs = join(process.env.WEIR_SERVICES_FOLDER ?? join(checkout, '.services'), 'runs');
const run = promisify(execFile);

export type ServiceName = 'postgres' | 'pgbouncer' | 'redis' | 'mosquitto' | 'rabbitmq' | 'kafka';

/** A real server that a test uses. */
export interface Service {
  /**
   * `postgres://…`, `redis://…`, `mqtt://…`, `amqp://…`, with user and password; of Kafka `host:port` of each broker, with commas
   * between. Empty where it is missing.
   */
  readonly address: string;
  /** Management API of RabbitMQ, with user and password; else undefined. */
  readonly management: string | undefined;
  /** Why it cannot be had on this machine: `describe.skipIf(service.missing)`. */
  readonly missing: string | undefined;
}

/**
 * A real server, shared by all files of a test run: found, or started on the first ask and ended with the run. It holds what
 * others put there: use a database, topics, keys or a virtual host of your own (`uniqueName`). Where it cannot be had it says so in
 * `missing`, and the tests that are skipped for it are counted at the end of the run; with CI=true it throws.
 *
 *     const kafka = await service('kafka', import.meta.filename);
 *     describe.skipIf(kafka.missing)('…', () => { … kafka.address … });
 */
export async function service(name: ServiceName, testFile: string): Promise<Service> {
  const found = await ask<{ address?: string; management?: string; missing?: string }>('up', name, `${name}.json`);
  if (found.missing !== undefined) noteMissing(name, found.missing, testFile);
  return { address: found.address ?? '', management: found.management, missing: found.missing };
}

/** What a test may change of a service of its own. */
export interface OwnServiceOptions {
  /** Of Kafka: 1 unless given, or 3. */
  readonly brokers?: number;
  /**
   * What goes last into its configuration, in the service's own words, e.g. `{ wal_level: 'logical' }`. `{port:name}` in a value is
   * a free port, found in `ports` by that name.
   */
  readonly settings?: Readonly<Record<string, string>>;
  /** Of PgBouncer: the PostgreSQL that it stands in front of, as a URL. */
  readonly behind?: string;
}

/** A server that one test started, on ports and with data of its own, to break it. Disposing of it ends it and removes its data. */
export interface OwnService extends AsyncDisposable {
  readonly address: string;
  readonly management: string | undefined;
  /** By name, e.g. `postgres`, `broker-1`, `amqp`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Names of its processes, e.g. `broker-1`, `broker-2`, `broker-3`. Without one, what follows is done to all. */
  readonly processes: readonly string[];
  /** Where its data and its logs are (`log/<process>.log`). */
  readonly directory: string;
  /** kill −9, of what it started, too. Resolves when it is gone. */
  kill(process?: string): Promise<void>;
  /** An orderly end. */
  stop(process?: string): Promise<void>;
  /** Starts what does not run, on the same ports with the same data. Resolves once the service answers. */
  start(process?: string): Promise<void>;
  /** SIGSTOP: it takes connections, and says nothing. Resolves when all of its threads stand still. */
  pause(process?: string): Promise<void>;
  resume(process?: string): Promise<void>;
}

/**
 * Servers of one kind for a test that breaks them. Gets the programs, where the machine has none, and starts nothing yet; where
 * they cannot be had it says so as `service` does.
 */
export async function ownService(
  name: ServiceName,
  testFile: string,
): Promise<{ readonly missing: string | undefined; start(options?: OwnServiceOptions): Promise<OwnService> }> {
  const { missing } = await ask<{ missing?: string }>('obtain', name, `${name}.own.json`);
  if (missing !== undefined) noteMissing(name, missing, testFile);
  return { missing, start: (options = {}) => startOwn(name, options) };
}

/**
 * A name for what a test file keeps on a shared server: a database, a prefix of topics or keys, a virtual host. Letters, digits and
 * `_`, at most 40; another one each time.
 */
export function uniqueName(testFile: string): string {
  const file = basename(testFile)
    .replace(/\..*$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_');
  const place = createHash('sha256').update(testFile).digest('hex').slice(0, 6);
  return `t_${file.slice(0, 20)}_${place}_${randomBytes(4).toString('hex')}`;
}

/** The test run that this process belongs to; a program outside of one is a run of its own. */
function currentRun(): string {
  const given = process.env.WEIR_TEST_RUN;
  if (given) return given;
  const own = String(process.pid);
  process.env.WEIR_TEST_RUN = own;
  process.once('exit', () => {
    spawn(process.execPath, [main, 'leave', '--run', own], { detached: true, stdio: 'ignore' }).unref();
  });
  return own;
}

/** What the run has found out already, or else finds out now. */
async function ask<T>(verb: 'up' | 'obtain', name: ServiceName, file: string): Promise<T> {
  const path = join(runs, `${currentRun()}.${file}`);
  const known = readJson<T>(path);
  if (known) return known;
  await run(process.execPath, [main, verb, name, '--run', currentRun()]);
  const found = readJson<T>(path);
  if (!found) throw new Error(`asking for ${name}: no answer in ${path}`);
  return found;
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

function noteMissing(name: ServiceName, why: string, testFile: string): void {
  if (process.env.CI === 'true') throw new Error(`this test needs ${name}: ${why}`);
  mkdirSync(runs, { recursive: true });
  appendFileSync(join(runs, `${currentRun()}.skipped`), `${JSON.stringify({ name, why, testFile })}\n`);
}

async function startOwn(name: ServiceName, options: OwnServiceOptions): Promise<OwnService> {
  const { brokers = 1, settings = {}, behind } = options;
  const flags = ['--brokers', String(brokers), '--settings', JSON.stringify(settings)];
  const args = [main, 'own', name, ...flags, ...(behind === undefined ? [] : ['--behind', behind])];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const orders = new Orders(child, exited, () => said.join('').trim() || `${name} ended`);
  type First = Pick<OwnService, 'address' | 'ports' | 'processes' | 'directory'> & { readonly management?: string };
  const first = (await orders.next()) as First;
  return {
    address: first.address,
    management: first.management,
    ports: first.ports,
    processes: first.processes,
    directory: first.directory,
    kill: (process) => orders.give('kill', process),
    stop: (process) => orders.give('stop', process),
    start: (process) => orders.give('start', process),
    pause: (process) => orders.give('pause', process),
    resume: (process) => orders.give('resume', process),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await exited;
    },
  };
}

/** Orders to a service of one's own, one after the other; each is answered by a line. */
class Orders {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<never>;
  #last: Promise<unknown> = Promise.resolve();
  #id = 0;

  constructor(child: ChildProcessWithoutNullStreams, exited: Promise<void>, reason: () => string) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#ended = exited.then(() => Promise.reject(new Error(reason())));
    this.#ended.catch(() => {});
    // A service that has ended is said by whoever waits for its next line.
    child.stdin.on('error', () => {});
  }

  /** Its next line. Rejects with what the service said when it has ended. */
  async next(): Promise<unknown> {
    const line = await Promise.race([this.#lines.next(), this.#ended]);
    return line.done ? await this.#ended : JSON.parse(line.value);
  }

  give(what: string, process?: string): Promise<void> {
    const done = this.#last.then(async () => {
      this.#child.stdin.write(`${JSON.stringify({ id: ++this.#id, do: what, process })}\n`);
      const { error } = (await this.next()) as { readonly error?: string };
      if (error !== undefined) throw new Error(error);
    });
    this.#last = done.catch(() => {});
    return done;
  }
}
