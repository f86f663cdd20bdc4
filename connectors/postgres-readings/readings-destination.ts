import { writeUntil } from '../../clients/postgres/ended-write.ts';
import { failureOf } from '../../clients/postgres/failure.ts';
import { identifier } from '../../clients/postgres/quote.ts';
import { PostgresSession } from '../../clients/postgres/session.ts';
import type { VitalReadings } from '../../contracts/vitals.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import type { ReadingsConfig } from './config.ts';
import { ReadingRows } from './rows.ts';
import { SeriesNumbers } from './series.ts';
import { oldestKept, ReadingTables } from './tables.ts';
import { LatestValues, writeStatement, writeValues } from './writing.ts';

const doing = 'writing readings';
/** A transaction that lost to another one is repeated at once so often, and then with the destination’s backoff. */
const repetitions = 3;
const rollEveryMs = 10_000;
const tidyEveryMs = 3_600_000;
/** Turns of some minutes each: after an hour without the database the figures are there after three rounds. */
const turnsOfRoll = 5;

/**
 * Writes readings as rows, a batch in one statement, and looks after the tables on a connection of its own. A row is known by series
 * and time: what is written again changes nothing, also where the connection breaks in a COMMIT.
 */
export class ReadingsDestination implements Destination<VitalReadings> {
  readonly #config: ReadingsConfig;
  readonly #context: DestinationContext;
  readonly #endpoint: EndpointOf<'postgres'>;
  readonly #statement: string;
  readonly #closing = new AbortController();
  readonly #series = new SeriesNumbers();
  readonly #latest = new LatestValues();
  readonly #tables: ReadingTables;
  #session: PostgresSession | undefined;
  #housekeeping: PostgresSession | undefined;
  #opening: Promise<PostgresSession> | undefined;
  #state: ConnectionState | undefined;
  #latestAt = Number.NEGATIVE_INFINITY;
  #tidiedAt: number;
  #cancelFlush: () => void = () => undefined;
  #cancelRound: () => void = () => undefined;
  #round: Promise<void> = Promise.resolve();
  #failing = false;

  constructor(config: ReadingsConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#endpoint = context.endpoint('postgres', config.endpoint);
    this.#statement = writeStatement(identifier(config.schema));
    this.#tables = new ReadingTables(config, context.log);
    this.#tidiedAt = context.clock.monotonic();
    this.#report('idle');
  }

  async write(batch: readonly Outgoing<VitalReadings>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    const stop = AbortSignal.any([context.signal, this.#closing.signal]);
    return await writeUntil(stop, context, {
      size: batch.length,
      abort: () => this.#session?.destroy(),
      ended: () => this.#error('ended before it was committed'),
      write: (begun) => this.#write(batch, stop, context.notAfter, begun),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelFlush();
    this.#cancelRound();
    if (this.#session?.usable && this.#latest.size > 0)
      await this.#put(this.#session, new ReadingRows(), true).catch(() => undefined);
    this.#closing.abort();
    this.#housekeeping?.destroy();
    await this.#round;
    await this.#session?.close();
    this.#report('stopped');
  }

  async #write(
    batch: readonly Outgoing<VitalReadings>[],
    stop: AbortSignal,
    notAfter: number,
    begun: () => void,
  ): Promise<readonly WriteOutcome[]> {
    const { clock } = this.#context;
    const { trustSkewMs, keepDays } = this.#config;
    const messages = batch.map(({ payload }) => payload);
    let session: PostgresSession;
    const rows = new ReadingRows();
    try {
      session = await this.#connected();
      // Given up meanwhile: the connection may be another write’s by now.
      if (stop.aborted) return all(batch, { status: 'untried' });
      const missing = this.#series.missing(messages);
      if (missing.length > 0) await this.#series.add(session, identifier(this.#config.schema), missing);
      const times = { trustSkewMs, oldest: oldestKept(clock.now(), keepDays) };
      for (const message of messages) rows.add(message, (reading) => this.#series.of(message, reading)!, times);
      await this.#tables.makeRoom(session, rows.days);
    } catch (thrown) {
      return this.#away(batch, 'error', thrown);
    }
    if (stop.aborted || performance.now() > notAfter) return all(batch, { status: 'untried' });
    begun();
    for (let repeated = 0; ; repeated++) {
      try {
        const fresh = await this.#put(session, rows, false);
        this.#written(rows, fresh);
        return all(batch, { status: 'sent' });
      } catch (thrown) {
        const { connection, code = '', what } = failureOf(thrown);
        if (connection) return this.#away(batch, 'uncertain', thrown);
        const isLost = /^40/.test(code) || code === '55P03';
        if (isLost && repeated < repetitions) continue;
        // Of one of the messages: the runtime halves the batch until that is alone.
        if (isLost || /^22/.test(code)) {
          const kind = isLost ? 'transient' : 'permanent';
          throw this.#error(what, { kind, scope: 'message', cause: thrown });
        }
        return this.#away(batch, 'error', thrown);
      }
    }
  }

  /** Resolves with how many rows were new. */
  async #put(session: PostgresSession, rows: ReadingRows, withLatest: boolean): Promise<number> {
    const now = this.#context.clock.monotonic();
    this.#latest.add(rows);
    const isDue = withLatest || now - this.#latestAt >= this.#config.latestEveryMs;
    const latest = isDue ? this.#latest.all() : [];
    if (isDue) this.#latestAt = now;
    const [[fresh] = []] = await session.ask(this.#statement, writeValues(rows, latest));
    this.#latest.written(latest);
    this.#cancelFlush();
    if (this.#latest.size > 0 && !this.#closing.signal.aborted)
      this.#cancelFlush = this.#context.clock.timer(this.#config.latestEveryMs, () => void this.#flush(session));
    return Number(fresh);
  }

  /** Nothing came meanwhile that would have taken it along. */
  async #flush(session: PostgresSession): Promise<void> {
    if (this.#closing.signal.aborted || !session.usable) return;
    await this.#put(session, new ReadingRows(), true).catch(() => undefined);
  }

  #written({ count, tooOld }: ReadingRows, fresh: number): void {
    this.#report('connected');
    this.#context.count('readings_written_total', fresh);
    // Written before, and answered by a connection that broke; or two of one series at one time.
    if (fresh < count) this.#context.count('readings_known_total', count - fresh);
    if (tooOld > 0) this.#context.count('readings_too_old_total', tooOld);
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
    const session = await this.#connect('');
    try {
      await this.#tables.open(session, this.#context.clock.now());
    } catch (thrown) {
      session.destroy();
      throw thrown;
    }
    if (this.#closing.signal.aborted) {
      session.destroy();
      throw this.#error('the destination is closed');
    }
    this.#session = session;
    this.#context.count('postgres_connections_total');
    this.#report('connected');
    this.#nextRound();
    return session;
  }

  #connect(what: string): Promise<PostgresSession> {
    const { channel, destination } = this.#context;
    return PostgresSession.open(this.#endpoint, {
      applicationName: `weir ${channel} to ${destination}${what}`,
      connectTimeoutMs: this.#config.connectTimeoutMs,
      answerTimeoutMs: this.#config.timeoutMs,
    });
  }

  #nextRound(): void {
    this.#cancelRound();
    if (this.#closing.signal.aborted) return;
    this.#cancelRound = this.#context.clock.timer(rollEveryMs, () => {
      this.#round = this.#keep().then(() => this.#nextRound());
    });
  }

  /** Rolls up minutes and looks after partitions; what goes wrong with it is no message’s fault. */
  async #keep(): Promise<void> {
    const { clock, log } = this.#context;
    try {
      if (!this.#housekeeping?.usable) this.#housekeeping = await this.#connect(', tables');
      for (let turn = 0; turn < turnsOfRoll && !this.#closing.signal.aborted; turn++)
        if ((await this.#tables.roll(this.#housekeeping)) === 0) break;
      if (clock.monotonic() - this.#tidiedAt >= tidyEveryMs) {
        await this.#tables.tidy(this.#housekeeping, clock.now());
        this.#tidiedAt = clock.monotonic();
      }
      this.#failing = false;
    } catch (thrown) {
      this.#housekeeping?.destroy();
      if (!this.#failing && !this.#closing.signal.aborted)
        log.warn({ code: failureOf(thrown).code }, `looking after the tables of readings: ${failureOf(thrown).what}`);
      this.#failing = true;
    }
  }

  #away(batch: readonly unknown[], status: 'error' | 'uncertain', thrown: unknown): readonly WriteOutcome[] {
    const { what, connection } = failureOf(thrown);
    if (connection) this.#session?.destroy();
    const error = thrown instanceof HubError ? thrown : this.#error(what, { cause: thrown });
    if (!this.#closing.signal.aborted) {
      if (this.#state !== 'retrying') this.#context.log.warn({ code: error.code, kind: error.kind }, error.message);
      this.#report('retrying');
    }
    return all(batch, { status, error });
  }

  #error(
    what: string,
    {
      kind = 'transient',
      scope = 'destination',
      cause,
    }: { kind?: HubError['kind']; scope?: HubError['scope']; cause?: unknown } = {},
  ): HubError {
    return new HubError('write-failed', kind, `${doing}: ${what}`, { scope, cause });
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
