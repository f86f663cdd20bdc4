import { writeUntil } from '../../clients/postgres/ended-write.ts';
import { PostgresSession } from '../../clients/postgres/session.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import type { PostgresDestinationConfig } from './config.ts';
import { createInbox, pruneInbox } from './inbox.ts';
import { type Row, rowOf } from './row.ts';
import { readWriter } from './target.ts';
import { unreachable, type WriteFailure, writeFailure } from './write-failure.ts';
import type { Writer } from './writer.ts';

/** A transaction that lost to another one is repeated at once so often, and then with the destination's backoff. */
const repetitions = 3;
const pruneEveryMs = 60 * 60 * 1000;
/** A value that does not fit is measured against the catalog again where what is known of it is older. */
const catalogMs = 5_000;

/**
 * Writes a batch in one transaction. A rejection is about one of its messages: the runtime halves the batch until that is alone. Where
 * the connection breaks in a COMMIT the batch goes again; the inbox says what has been written.
 */
export class PostgresDestination implements Destination<unknown> {
  readonly #config: PostgresDestinationConfig;
  readonly #context: DestinationContext;
  readonly #endpoint: EndpointOf<'postgres'>;
  readonly #doing: string;
  readonly #closing = new AbortController();
  #session: PostgresSession | undefined;
  #opening: Promise<PostgresSession> | undefined;
  #writer: Writer | undefined;
  #readAt = 0;
  #pruneAt: number;
  #state: ConnectionState | undefined;

  constructor(config: PostgresDestinationConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#endpoint = context.endpoint('postgres', config.endpoint);
    this.#doing = `writing to ${config.into?.table ?? 'PostgreSQL'}`;
    this.#pruneAt = context.clock.monotonic() + context.random() * pruneEveryMs;
    this.#report('idle');
  }

  async write(batch: readonly Outgoing<unknown>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    const stop = AbortSignal.any([context.signal, this.#closing.signal]);
    return await writeUntil(stop, context, {
      size: batch.length,
      abort: () => this.#session?.destroy(),
      ended: () => this.#error('ended before it was committed'),
      write: (begun) => this.#write(batch, context, stop, begun),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#session?.close();
    this.#report('stopped');
  }

  async #write(
    batch: readonly Outgoing<unknown>[],
    { notAfter }: WriteContext,
    stop: AbortSignal,
    begun: () => void,
  ): Promise<readonly WriteOutcome[]> {
    for (let repeated = 0; ; ) {
      let session: PostgresSession;
      let rows: readonly Row[];
      let writer: Writer;
      try {
        session = await this.#connected();
        // Given up meanwhile: the connection may be another write’s by now.
        if (stop.aborted) return all(batch, { status: 'untried' });
        writer = await this.#known(session);
      } catch (thrown) {
        return this.#away(batch, unreachable(thrown, this.#doing));
      }
      try {
        rows = batch.map((message) => rowOf(message, writer.places, this.#doing));
      } catch (thrown) {
        if (!this.#isOutdated()) throw thrown;
        this.#writer = undefined;
        continue;
      }
      if (stop.aborted || performance.now() > notAfter) return all(batch, { status: 'untried' });
      begun();
      try {
        const fresh = await writer.write(session, rows);
        this.#written(batch.length, fresh);
        await this.#prune(session);
        return all(batch, { status: 'sent' });
      } catch (thrown) {
        const failure = writeFailure(thrown, this.#doing);
        if (failure.what === 'again' && repeated < repetitions && session.usable) {
          repeated++;
          this.#context.count('postgres_repeated_total');
          continue;
        }
        return await this.#failed(batch, failure, session, writer, rows);
      }
    }
  }

  async #failed(
    batch: readonly Outgoing<unknown>[],
    { what, error }: WriteFailure,
    session: PostgresSession,
    writer: Writer,
    rows: readonly Row[],
  ): Promise<readonly WriteOutcome[]> {
    switch (what) {
      case 'doubt':
        session.destroy();
        this.#trouble(error);
        return all(batch, { status: 'uncertain', error });
      case 'again':
        throw error;
      case 'message': {
        const [row] = rows;
        const at = row && rows.length === 1 ? await unreadableValue(session, writer, row) : undefined;
        if (at === undefined) throw error;
        throw new HubError(error.code, error.kind, `${error.message}: ${at}`, { cause: error });
      }
      case 'catalog':
        this.#writer = undefined;
        return this.#away(batch, error);
      case 'away':
        // A read-only database may be a standby by now, and another one the primary: the next probe looks anew.
        session.destroy();
        return this.#away(batch, error);
      default:
        return what satisfies never;
    }
  }

  /** One connection is made at a time, whoever waits for it. */
  async #connected(): Promise<PostgresSession> {
    if (this.#session?.usable) return this.#session;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<PostgresSession> {
    if (this.#state !== 'retrying') this.#report('connecting');
    const { channel, destination } = this.#context;
    const session = await PostgresSession.open(this.#endpoint, {
      applicationName: `weir ${channel} to ${destination}`,
      connectTimeoutMs: this.#config.connectTimeoutMs,
      answerTimeoutMs: this.#config.timeoutMs,
    });
    if (this.#closing.signal.aborted) {
      session.destroy();
      throw this.#error('the destination is closed');
    }
    this.#session = session;
    this.#writer = undefined;
    this.#context.count('postgres_connections_total');
    return session;
  }

  async #known(session: PostgresSession): Promise<Writer> {
    if (this.#writer) return this.#writer;
    if (this.#config.once && this.#config.createInbox) await createInbox(session, this.#config);
    const read = await readWriter(session, this.#config);
    if ('problems' in read) throw this.#error(read.problems.join('; '), 'config-invalid');
    this.#writer = read.writer;
    this.#readAt = this.#context.clock.monotonic();
    this.#report('connected');
    return read.writer;
  }

  #isOutdated(): boolean {
    return this.#context.clock.monotonic() - this.#readAt > catalogMs;
  }

  #written(count: number, fresh: number): void {
    this.#report('connected');
    this.#context.count('postgres_written_total', fresh);
    // Sent before, and answered by a connection that broke.
    if (fresh < count) this.#context.count('postgres_known_total', count - fresh);
  }

  /** One step after a write, while there is something to forget; what goes wrong with it is no message's fault. */
  async #prune(session: PostgresSession): Promise<void> {
    const { clock } = this.#context;
    if (!this.#config.once || clock.monotonic() < this.#pruneAt) return;
    try {
      if (await pruneInbox(session, this.#config)) return;
    } catch (thrown) {
      const { error } = writeFailure(thrown, `forgetting effect ids in ${this.#config.inbox}`);
      this.#context.log.warn({ code: error.code, kind: error.kind }, error.message);
    }
    this.#pruneAt = clock.monotonic() + pruneEveryMs;
  }

  #away(batch: readonly unknown[], error: HubError): readonly WriteOutcome[] {
    this.#trouble(error);
    return all(batch, { status: 'error', error });
  }

  #trouble(error: HubError): void {
    if (this.#closing.signal.aborted) return;
    if (this.#state !== 'retrying') this.#context.log.warn({ code: error.code, kind: error.kind }, error.message);
    this.#report('retrying');
  }

  #error(what: string, code: HubError['code'] = 'write-failed'): HubError {
    return new HubError(code, 'transient', `${this.#doing}: ${what}`, { scope: 'destination' });
  }

  #report(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#context.report(state);
  }
}

function all(batch: readonly unknown[], outcome: WriteOutcome): readonly WriteOutcome[] {
  return batch.map(() => outcome);
}

/** The server does not say which value it could not read, so it is asked for each alone. */
async function unreadableValue(session: PostgresSession, { places }: Writer, row: Row): Promise<string | undefined> {
  for (const [at, { name, type }] of places.entries()) {
    try {
      await session.ask(`SELECT ($1::text)::${type.sql} IS NULL`, [row.values[at]]);
    } catch (thrown) {
      return writeFailure(thrown, '').what === 'message' ? name : undefined;
    }
  }
  return undefined;
}
