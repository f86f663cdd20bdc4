import { service, uniqueName } from '../../../core/testing/services.ts';
import type { PostgresServer } from '../server.ts';
import { PostgresSession } from '../session.ts';

/** A database of a test file's own on the shared server. */
export interface TestDatabase extends AsyncDisposable {
  readonly server: PostgresServer;
  /** Why there is none on this machine. */
  readonly missing: string | undefined;
  /** Runs a statement in it. */
  sql(text: string): Promise<readonly (readonly unknown[])[]>;
}

export async function testDatabase(testFile: string): Promise<TestDatabase> {
  const { address, missing } = await service('postgres', testFile);
  if (missing !== undefined) {
    const server = { host: '', port: 0, database: '', user: '' };
    return { server, missing, sql: async () => [], [Symbol.asyncDispose]: async () => undefined };
  }
  return await newDatabase(serverOf(address), uniqueName(testFile));
}

/** Makes a database of that name; disposing of it removes it. */
export async function newDatabase(at: PostgresServer, name: string): Promise<TestDatabase> {
  await once(at, `CREATE DATABASE ${name}`);
  const server = { ...at, database: name };
  return {
    ...{ server, missing: undefined, sql: (text) => once(server, text) },
    [Symbol.asyncDispose]: async () => void (await once(at, `DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

/** `postgres://user:password@host:port/database` */
export function serverOf(address: string): PostgresServer {
  const url = new URL(address);
  return {
    ...{ host: url.hostname, port: Number(url.port), database: url.pathname.slice(1) },
    ...{ user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
  };
}

/** One statement on a connection of its own. */
export async function once(server: PostgresServer, text: string): Promise<readonly (readonly unknown[])[]> {
  const options = { applicationName: 'weir test', connectTimeoutMs: 10_000, answerTimeoutMs: 60_000 };
  const session = await PostgresSession.open(server, options);
  try {
    return await session.ask(text);
  } finally {
    await session.close();
  }
}
