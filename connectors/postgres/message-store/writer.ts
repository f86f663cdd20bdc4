// Over 300 lines: all that can become of a commit, from the first attempt to an answer, is in one place.
import { failureOf } from '../../../clients/postgres/failure.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import { HubError } from '../../../core/errors.ts';
import type { Call } from './calls.ts';
import { askAgain, CommitFailure, type Commits, type Committed, type InDoubt } from './commit.ts';
import { closedError, fencedError, fencedState, storeError } from './errors.ts';
import { Gathering, nextTurn } from './gathering.ts';
import { connected, type Opened } from './opening.ts';
import type { Settings } from './options.ts';

/** Bounds a commit. */
const mostBytes = 16 * 1024 * 1024;
const mostCalls = 4_096;
/** Bounds what waits while a commit runs, or the database is away. */
const mostWaiting = 200_000;
const mostWaitingBytes = 512 * 1024 * 1024;
/** Longest pause between two attempts to connect, and between two of a transaction that others were in the way of. */
const longestPauseMs = 1_000;
const mostAttempts = 6;
const inTheWay = new Set(['40P01', '40001', '55P03']);

/**
 * The one connection that writes. Calls that wait share a commit, and while it runs the next ones gather. A database that is away is
 * connected to again; calls that wait longer than their patience are rejected, and a commit whose answer was lost is asked about
 * before anything else: it has come about, or is made again.
 */
export class Writer {
  /** Resolves when another opening has taken the hub's name: nothing is written any more. */
  readonly failed: Promise<HubError>;
  /** Raw bytes of messages that are not settled, and frozen bytes, as this hub knows them. */
  backlog: number;
  /** Why appends are refused, besides the quota of the backlog. */
  full: string | undefined;
  /** Monotonic time of the last commit. */
  lastCommitAt = performance.now();
  readonly #settings: Settings;
  readonly #quoted: string;
  readonly #hub: number;
  readonly #epoch: number;
  readonly #commits: Commits;
  readonly #fail: (error: HubError) => void;
  #session: PostgresSession | undefined;
  #number: number;
  #closeBy = Number.POSITIVE_INFINITY;
  #calls: Call[] = [];
  /** Of `#calls`. */
  #bytes = 0;
  #running: Promise<void> | undefined;
  readonly #gathering = new Gathering();
  #scheduled = false;
  #waiting: NodeJS.Timeout | undefined;
  #over: HubError | undefined;
  /** The server's process that the connection before was in a transaction with. */
  #lastPid = 0;
  /** How many of the hub's transactions the database had when it was last connected to. */
  #lastSeen = 0;
  /** Reads are answered in the next turn. */
  #readsToTell = false;
  readonly #begin = () => this.#start();

  constructor(settings: Settings, quoted: string, opened: Opened, commits: Commits, backlog: number) {
    this.#settings = settings;
    this.#quoted = quoted;
    this.#session = opened.session;
    this.#hub = opened.hub;
    this.#epoch = opened.epoch;
    this.#number = opened.commits;
    this.#commits = commits;
    this.backlog = backlog;
    const { promise, resolve } = Promise.withResolvers<HubError>();
    this.failed = promise;
    this.#fail = resolve;
  }

  get idle(): boolean {
    return this.#running === undefined && this.#calls.length === 0;
  }

  /** With `mayWaitMs` the call may be kept back so long to share a commit with what comes. */
  add(call: Call, mayWaitMs = 0): void {
    if (this.#over) {
      call.reject(this.#over);
      return;
    }
    if (this.#calls.length >= mostWaiting || this.#bytes > mostWaitingBytes) {
      const what = 'too many calls wait for the database';
      call.reject(
        new HubError('store-failed', 'transient', `calling the message store: ${what}`, { scope: 'destination' }),
      );
      return;
    }
    this.#calls.push(call);
    this.#bytes += call.bytes;
    this.#gathering.came(call, mayWaitMs);
    if (mayWaitMs > 0) this.#waiting ??= setTimeout(this.#begin, mayWaitMs);
    else if (!this.#scheduled && !this.#running) {
      this.#scheduled = true;
      setImmediate(this.#begin);
    }
  }

  /** Resolves when what was called is answered; with a database that is away, after the patience. */
  async close(): Promise<void> {
    this.#closeBy = performance.now() + this.#settings.patienceMs;
    this.#start();
    await this.#running;
    const session = this.#session;
    if (!this.#over && session?.usable) {
      const mine = `UPDATE ${this.#quoted}.hub SET held = false, seen = clock_timestamp() WHERE id = $1 AND epoch = $2`;
      await session.ask(mine, [this.#hub, this.#epoch]).catch(() => undefined);
    }
    this.#over ??= closedError();
    await session?.close();
  }

  #start(): void {
    this.#scheduled = false;
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    if (this.#running || this.#calls.length === 0) return;
    this.#running = this.#runAll().finally(() => {
      this.#running = undefined;
      if (this.#calls.length > 0 && !this.#waiting) this.#start();
    });
  }

  async #runAll(): Promise<void> {
    let answer: Answer = noAnswer;
    while (this.#calls.length > 0 && !this.#over) {
      const began = performance.now();
      const running = this.#runTogether(this.#take());
      // Callers are answered while the database works for the next ones.
      if (answer !== noAnswer) await nextTurn();
      await this.#tell(answer);
      answer = await running;
      const target = this.#closeBy === Number.POSITIVE_INFINITY ? this.#gathering.target : 0;
      if (this.#calls.length > 0 && target === 0) continue;
      await this.#tell(answer);
      answer = noAnswer;
      if (target > 0) await this.#gathering.until(target, performance.now() - began);
    }
    await this.#tell(answer);
    if (this.#over) rejectAll(this.#calls.splice(0), this.#over);
  }

  /** What was read goes before what was written after it. */
  async #tell(answer: Answer): Promise<void> {
    if (this.#readsToTell) await nextTurn();
    answer();
  }

  #take(): Call[] {
    let bytes = 0;
    const end = this.#calls.findIndex((call, index) => index === mostCalls || (bytes += call.bytes) > mostBytes);
    const calls = this.#calls.splice(0, end < 0 ? this.#calls.length : Math.max(1, end));
    this.#gathering.taken();
    for (const call of calls) this.#bytes -= call.bytes;
    return this.#refuseTooMuch(calls);
  }

  /** Rule 26: appends are refused at the quota; what settles is not. */
  #refuseTooMuch(calls: Call[]): Call[] {
    let backlog = this.backlog;
    const { maxBacklogBytes } = this.#settings;
    return calls.filter((call) => {
      if (call.kind !== 'append') return true;
      let size = 0;
      for (const { raw } of call.batch) size += raw.length;
      const refused =
        this.full ??
        (backlog + size > maxBacklogBytes ? `unsettled messages have reached ${maxBacklogBytes} bytes` : undefined);
      backlog += size;
      if (refused === undefined) return true;
      backlog -= size;
      call.reject(
        new HubError('store-full', 'transient', `appending to the message store: ${refused}`, { scope: 'destination' }),
      );
      return false;
    });
  }

  /** Resolves with what answers the calls. */
  async #runTogether(calls: readonly Call[]): Promise<Answer> {
    let left = calls;
    for (let attempt = 1; left.length > 0 && !this.#over; attempt++) {
      const session = this.#session?.usable ? this.#session : await this.#connection(left);
      left = left.filter((call) => !expired.has(call));
      if (!session || left.length === 0) continue;
      const outcome = await this.#attempt(session, left);
      if (outcome === 'again') continue;
      if (!(outcome instanceof CommitFailure)) return this.#committed(left, outcome);
      const { cause } = outcome;
      if (inTheWay.has((cause as { code?: string }).code ?? '') && attempt < mostAttempts) {
        await pause(Math.min(longestPauseMs, 10 * 2 ** attempt));
      } else if (left.length > 1) {
        // A call fails for its own reason only.
        for (const call of left) await this.#tell(await this.#runTogether([call]));
        return noAnswer;
      } else {
        return () => left[0]?.reject(storeError(cause, 'writing to the message store'));
      }
    }
    const over = this.#over;
    return over ? () => rejectAll(left, over) : noAnswer;
  }

  /** A commit, a failure of it that is not the connection's, or `again` after a connection that broke before it came about. */
  async #attempt(session: PostgresSession, calls: readonly Call[]): Promise<Committed | CommitFailure | 'again'> {
    try {
      return await this.#commits.run(session, calls);
    } catch (thrown) {
      if (!(thrown instanceof CommitFailure)) throw thrown;
      if ((thrown.cause as { code?: string }).code === fencedState) {
        this.#fenced();
        return 'again';
      }
      this.#lastPid = thrown.pid;
      const lost = !session.usable || failureOf(thrown.cause).connection;
      if (!lost) return thrown;
      session.destroy();
      if (thrown.inDoubt && (await this.#cameAbout())) return await this.#endOf(thrown.inDoubt);
      return 'again';
    }
  }

  /** How a commit went of which the database has said that it came about. */
  async #endOf(commit: InDoubt): Promise<Committed | CommitFailure | 'again'> {
    if (commit.first === undefined) return commit.cameAbout(undefined);
    while (!this.#over) {
      const session = await this.#connection([]);
      try {
        const rows = await session?.ask(`SELECT seq FROM ${this.#quoted}.message WHERE id = $1`, [commit.first]);
        if (rows?.[0]) return commit.cameAbout(Number(rows[0][0]));
        if (rows) return new CommitFailure(new Error('a message of a commit that came about is gone'), 0, undefined);
      } catch (thrown) {
        if (session?.usable) return new CommitFailure(thrown, 0, undefined);
      }
    }
    return 'again';
  }

  #committed(calls: readonly Call[], { answers, backlog, readsLast }: Committed): Answer {
    this.#number++;
    this.backlog += backlog;
    this.lastCommitAt = performance.now();
    const tell = (call: Call, answer: unknown) => {
      if (answer === askAgain) this.add(call);
      else if (answer instanceof HubError) call.reject(answer);
      else call.resolve(answer);
    };
    const isLast = ({ kind }: Call) => readsLast && kind === 'read';
    return () => {
      for (const [index, call] of calls.entries()) if (!isLast(call)) tell(call, answers[index]);
      if (!readsLast) return;
      // They know of all that was written with them: whoever wrote it is told first.
      this.#readsToTell = true;
      setImmediate(() => {
        this.#readsToTell = false;
        for (const [index, call] of calls.entries()) if (isLast(call)) tell(call, answers[index]);
      });
    };
  }

  /** Whether the commit whose answer was lost is in the database: asked until the database says so, however long it is away. */
  async #cameAbout(): Promise<boolean> {
    while (!this.#over) {
      const session = await this.#connection([]);
      if (session) return this.#lastSeen > this.#number;
    }
    return false;
  }

  /** A connection that can be written to; undefined where a call has run out of patience, which is rejected then. */
  async #connection(calls: readonly Call[]): Promise<PostgresSession | undefined> {
    for (let attempt = 0; !this.#session?.usable; attempt++) {
      if (this.#over) return undefined;
      try {
        const session = await connected(this.#settings);
        this.#lastSeen = await this.#endOfBefore(session);
        this.#session = session;
        this.#settings.log?.info({}, 'message store: the database is back');
      } catch (thrown) {
        const error = storeError(thrown, 'connecting to the message store');
        if (attempt === 0) this.#settings.log?.warn({ code: error.code }, error.message);
        if (error.code === 'store-locked') return undefined;
        if (performance.now() > this.#closeBy) this.#over = closedError();
        this.#expire([...calls, ...this.#calls], error);
        this.#calls = this.#calls.filter((call) => !expired.has(call));
        this.#bytes = this.#calls.reduce((bytes, call) => bytes + call.bytes, 0);
        if (calls.length > 0 && calls.every((call) => expired.has(call))) return undefined;
        await pause(Math.min(longestPauseMs, 25 * 2 ** attempt));
      }
    }
    return this.#session;
  }

  #expire(calls: readonly Call[], error: HubError): void {
    const now = performance.now();
    const transient = new HubError('store-failed', 'transient', error.message, {
      cause: error.cause,
      scope: 'destination',
    });
    for (const call of calls) {
      if (call.until > now || expired.has(call)) continue;
      expired.add(call);
      call.reject(transient);
    }
  }

  /**
   * Waits for the end of what the connection before was doing: the hub's row is locked until then, and says how many of its
   * transactions have come about. A server process that hears nothing of its broken connection is ended.
   */
  async #endOfBefore(session: PostgresSession): Promise<number> {
    const hub = `SELECT commits, epoch, held FROM ${this.#quoted}.hub WHERE id = ${this.#hub} FOR UPDATE`;
    for (;;) {
      try {
        const answers = await session.run(
          ['BEGIN', "SET LOCAL lock_timeout = '1s'", hub, 'ROLLBACK'].map((text) => ({ text })),
        );
        const [commits, epoch, held] = answers[2]?.[0] ?? [];
        if (Number(epoch) !== this.#epoch || held !== 't') {
          this.#fenced();
          throw fencedError();
        }
        return Number(commits);
      } catch (thrown) {
        if (!session.usable || (thrown as { code?: string }).code !== '55P03') {
          session.destroy();
          throw thrown;
        }
        await session.run([{ text: 'ROLLBACK' }]);
        await session.ask(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()
             AND (state LIKE 'idle in transaction%' OR wait_event = 'ClientRead' AND xact_start IS NOT NULL) AND (pid = $1 OR query LIKE $2)`,
          [this.#lastPid, `%begin_commit(${this.#hub}, ${this.#epoch}, %`],
        );
      }
    }
  }

  #fenced(): void {
    const error = fencedError();
    this.#over ??= error;
    this.#session?.destroy();
    this.#fail(error);
  }
}

/** Answers the calls of a commit. */
type Answer = () => void;
const noAnswer: Answer = () => undefined;

function rejectAll(calls: readonly Call[], error: HubError): void {
  for (const call of calls) call.reject(error);
}

/** Calls that were rejected because the database was away for longer than they could wait. */
const expired = new WeakSet<Call>();

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
