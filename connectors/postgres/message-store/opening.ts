import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { failureOf } from '../../../clients/postgres/failure.ts';
import { identifier } from '../../../clients/postgres/quote.ts';
import { PostgresSession } from '../../../clients/postgres/session.ts';
import { HubError } from '../../../core/errors.ts';
import type { Settings } from './options.ts';
import { migrate } from './schema.ts';

/** What an opening has when the store is its own. */
export interface Opened {
  readonly session: PostgresSession;
  readonly hub: number;
  readonly epoch: number;
  readonly commits: number;
  readonly connection: number;
  readonly storeId: string;
  readonly lz4: boolean;
}

const oldestServer = 140_000;
const lookAgainMs = 250;

/**
 * Connects, checks the server, brings the schema up and takes the hub's name. Throws `store-failed`, permanent where a setting is
 * wrong and transient where the database is away, and `store-locked` where the hub is running elsewhere.
 */
export async function openHub(settings: Settings): Promise<Opened> {
  const session = await connected(settings);
  try {
    const lz4 = await checkServer(session);
    const quoted = identifier(settings.schema);
    await migrate(session, settings.schema, quoted);
    const hub = await taken(session, quoted, settings);
    const [store] = await session.ask(`SELECT id FROM ${quoted}.store`);
    return { session, ...hub, storeId: String(store?.[0]), lz4 };
  } catch (thrown) {
    session.destroy();
    throw openingError(thrown);
  }
}

/** How the database names the connections of a hub in pg_stat_activity. */
export function applicationName(hub: string): string {
  return `weir ${hub}`;
}

export async function connected(settings: Settings): Promise<PostgresSession> {
  const { server, hub, connectTimeoutMs, answerTimeoutMs } = settings;
  const options = { applicationName: applicationName(hub), connectTimeoutMs, answerTimeoutMs };
  try {
    return await PostgresSession.open(server, options);
  } catch (thrown) {
    throw openingError(thrown);
  }
}

/** What was thrown while the store was opened. */
export function openingError(thrown: unknown): HubError {
  if (thrown instanceof HubError) return thrown;
  const { what, kind } = failureOf(thrown);
  return new HubError('store-failed', kind, `opening the message store: ${what}`, { cause: thrown });
}

/** Refuses a server that would forget what it has confirmed. Resolves with whether it compresses with lz4. */
export async function checkServer(session: PostgresSession): Promise<boolean> {
  const wanted = ['server_version_num', 'server_encoding', 'fsync', 'synchronous_commit', 'full_page_writes'];
  const rows = await session.ask(
    `SELECT name, setting FROM pg_settings WHERE name = ANY($1)
     UNION ALL SELECT 'lz4', (enumvals @> ARRAY['lz4'])::text FROM pg_settings WHERE name = 'default_toast_compression'
     UNION ALL SELECT 'standby', pg_is_in_recovery()::text`,
    [wanted],
  );
  const found = new Map(rows.map(([name, value]) => [String(name), String(value)]));
  const refuse = (what: string) => new HubError('store-failed', 'permanent', `opening the message store: ${what}`);
  if (Number(found.get('server_version_num')) < oldestServer) throw refuse('the server is older than PostgreSQL 14');
  if (found.get('server_encoding') !== 'UTF8') throw refuse('the encoding of `database` is not UTF8');
  if (found.get('standby') === 'true') {
    throw new HubError('store-failed', 'transient', 'opening the message store: the server is a standby');
  }
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes'])
    if (found.get(name) === 'off') throw refuse(`the server has ${name} = off, and would lose what it has confirmed`);
  return found.get('lz4') === 'true';
}

/**
 * Takes the hub's name: a new epoch, which ends every other opening's. One that was seen within the lease is alive, and refused
 * its name to nobody; one whose process is gone from this machine is not waited for.
 */
async function taken(
  session: PostgresSession,
  quoted: string,
  { hub, leaseMs }: Settings,
): Promise<Pick<Opened, 'hub' | 'epoch' | 'commits' | 'connection'>> {
  const host = await thisHost();
  const from = performance.now();
  let seen: string | undefined;
  await session.ask(`INSERT INTO ${quoted}.hub (name) VALUES ($1) ON CONFLICT DO NOTHING`, [hub]);
  for (;;) {
    const [row] = await session.ask(
      `SELECT held, seen::text, extract(epoch FROM clock_timestamp() - seen) * 1000, host, pid FROM ${quoted}.hub WHERE name = $1`,
      [hub],
    );
    const [held, at, age, by, pid] = row ?? [];
    seen ??= String(at);
    const alive = held === true && !(by === host && !isRunning(Number(pid)));
    if (alive && String(at) !== seen) {
      const what = 'a hub with this name has it open';
      throw new HubError('store-locked', 'permanent', `opening the message store: ${what}`);
    }
    // Its own clock, and the server's: either has to say that the lease is over.
    if (!alive || Number(age) > leaseMs || performance.now() - from > leaseMs) {
      const [mine] = await session.ask(
        `UPDATE ${quoted}.hub SET epoch = nextval('${quoted}.epoch'), held = true, seen = clock_timestamp(), host = $2, pid = $3
         WHERE name = $1 AND seen::text = $4 RETURNING id, epoch, commits, connection`,
        [hub, host, process.pid, String(at)],
      );
      // Its process is gone, so nothing is done under its leases any more: they need not end first.
      if (mine && held === true && by === host && !isRunning(Number(pid)))
        await session.ask(
          `UPDATE ${quoted}.lease_end SET ends = 'epoch' WHERE name IN (SELECT name FROM ${quoted}.lease WHERE hub = $1)`,
          [hub],
        );
      if (mine) await session.ask(`SELECT ${quoted}.make_given($1)`, [mine[0]]);
      if (mine) {
        const [hub = 0, epoch = 0, commits = 0, connection = 0] = mine.map(Number);
        return { hub, epoch, commits, connection };
      }
    } else {
      await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
    }
  }
}

/** Names where numbers of processes mean the same: this machine or container, as long as it runs. */
async function thisHost(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  // Two containers may have one host name, and each has a process 7.
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return `${hostname()} ${boot.trim()} ${namespace}`;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as { code?: string }).code !== 'ESRCH';
  }
}
