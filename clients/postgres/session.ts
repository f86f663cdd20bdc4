import { Socket } from 'node:net';
import type { Client, Connection } from 'pg';
import { type Answer, Batch, type Statement } from './batch.ts';
import { type PostgresServer, tlsOf } from './server.ts';

export interface SessionOptions {
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Milliseconds until a connection is open and logged in. */
  readonly connectTimeoutMs: number;
  /** Milliseconds for one round trip; after it the connection is given up, whatever it was doing. */
  readonly answerTimeoutMs: number;
}

/** A value of a row: `int8` as a number, `bytea` as bytes. */
export type Value = string | number | bigint | boolean | Uint8Array | null;

/**
 * One connection to PostgreSQL. Leaves no state in the server between transactions (no named statement, no SET, no LISTEN), so
 * that it may as well be PgBouncer's in transaction mode. Calls run one after another.
 */
export class PostgresSession {
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #answerTimeoutMs: number;
  /** It is the server that answers, and no pooler, which has to see each COPY begin before its rows. */
  #direct = false;
  #usable = true;
  #last: Promise<void> = Promise.resolve();
  /** Calls that wait for their turn, and those that were sent and are not answered. */
  #unsent = 0;
  #unanswered = 0;
  /** Since the last answer was an error: `pg` may not have sent what was called then. */
  #unclear = false;

  private constructor(client: Client, socket: Socket, answerTimeoutMs: number) {
    this.#client = client;
    this.#socket = socket;
    this.#answerTimeoutMs = answerTimeoutMs;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    const gone = () => {
      this.#usable = false;
      resolve();
    };
    client.on('error', gone);
    client.on('end', gone);
  }

  /** Rejects with what the socket, TLS or the server said (see `failureOf`). */
  static async open(server: PostgresServer, options: SessionOptions): Promise<PostgresSession> {
    // 60 ms that a hub without a database does not spend at its start.
    const { default: pg } = await import('pg');
    const ssl = await tlsOf(server);
    const { host, port, database, user, password } = server;
    const socket = new Socket();
    const client = new pg.Client({
      ...{ host, port, database, user, password: password ?? '', ssl: ssl ?? false, stream: () => socket },
      ...{ application_name: options.applicationName, keepAlive: true, keepAliveInitialDelayMillis: 10_000 },
      types: { getTypeParser: (oid: number) => parsers[oid] ?? asText },
    } as ConstructorParameters<typeof pg.Client>[0]);
    const session = new PostgresSession(client, socket, options.answerTimeoutMs);
    const timer = setTimeout(() => socket.destroy(), options.connectTimeoutMs);
    try {
      await client.connect();
      const [row] = await session.ask('SELECT pg_backend_pid()');
      // A pooler tells its clients process ids of its own.
      session.#direct = row?.[0] === (client as Client & { readonly processID?: number }).processID;
      return session;
    } catch (thrown) {
      socket.destroy();
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  /** False once nothing can be asked any more. */
  get usable(): boolean {
    return this.#usable;
  }

  /** Whether a call of `run` reaches the server before the one before it is answered. */
  get runsAhead(): boolean {
    return this.#direct;
  }

  /**
   * Statements without parameters in one round trip; through a pooler, one more for each COPY. One answer each. A server is sent them
   * while it works at what was called before, so that it need not wait for us in between.
   */
  run(statements: readonly Statement[]): Promise<readonly Answer[]> {
    const batch = new Batch(statements, this.#direct);
    const ask = () => this.#client.query(batch).answered;
    // `pg` keeps one that waits; it comes to it when the server does.
    if (!this.#direct || this.#unclear || this.#unsent > 0 || this.#unanswered !== 1) return this.#inTurn(ask);
    batch.send((this.#client as Client & { readonly connection: Connection }).connection);
    return this.#next(this.#inTime(ask));
  }

  /** One statement with parameters; rows as arrays. */
  async ask(text: string, values: readonly unknown[] = []): Promise<readonly (readonly Value[])[]> {
    const { rows } = await this.#inTurn(() =>
      this.#client.query<Value[]>({ text, values: [...values], rowMode: 'array' }),
    );
    return rows;
  }

  /** Ends the connection, without waiting for what it is doing. */
  destroy(): void {
    this.#usable = false;
    this.#socket.destroy();
  }

  /** Says goodbye to the server. */
  async close(): Promise<void> {
    if (!this.#usable) return this.destroy();
    this.#usable = false;
    const timer = setTimeout(() => this.#socket.destroy(), 1_000);
    await this.#client.end().catch(() => undefined);
    clearTimeout(timer);
  }

  /** One after another: what is asked before the answer to the last has come goes out then. */
  #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#unsent + this.#unanswered === 0) return this.#next(this.#inTime(ask));
    this.#unsent++;
    const now = () => {
      this.#unsent--;
      return this.#inTime(ask);
    };
    return this.#next(this.#last.then(now));
  }

  /** What is called from now on comes after this answer. */
  #next<T>(answer: Promise<T>): Promise<T> {
    const answered = () => undefined;
    this.#last = answer.then(answered, answered);
    return answer;
  }

  async #inTime<T>(ask: () => Promise<T>): Promise<T> {
    this.#unanswered++;
    const timer = setTimeout(() => this.destroy(), this.#answerTimeoutMs);
    try {
      const answer = await ask();
      this.#unclear = false;
      return answer;
    } catch (thrown) {
      this.#unclear = true;
      throw thrown;
    } finally {
      clearTimeout(timer);
      this.#unanswered--;
    }
  }
}

const asText = (text: string) => text;
const asNumber = (text: string) => Number(text);
/** A `bytea` as text, in memory of its own: a view of a pool would cross to another thread with all of it. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array((text.length - 2) / 2);
  Buffer.from(bytes.buffer).write(text.slice(2), 'hex');
  return bytes;
}
/** By the OID of the type: bool, bytea, int8, int2, int4, oid, float8. */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  ...{ 16: (text: string) => text === 't', 17: bytesOf, 20: asNumber, 21: asNumber, 23: asNumber, 26: asNumber },
  701: asNumber,
};
