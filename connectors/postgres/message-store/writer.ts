// Over 300 lines: all that can become of a commit, from the first attempt to an answer, is in one place.
import { failureOf } from '../../../clients/postgres/failure.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import { HubError } from '../../../core/errors.ts';
import { BacklogQuota } from '../../../core/store/quota.ts';
import { asksNothing, type Call } from './calls.ts';
import { askAgain, CommitFailure, type Commits, type Committed, type InDoubt } from './commit.ts';
import { closedError, fencedError, fencedState, storeError } from './errors.ts';
import { Gathering, nextTurn } from './gathering.ts';
import { connected, type Opened } from './opening.ts';
import type { Settings } from './options.ts';
import type { StoreState } from './transaction.ts';

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
  readonly quota: BacklogQuota;
  /** Why appends are refused, besides the quota of the backlog. */
  full: string | undefined;
  /** Monotonic time of the last commit. */
  lastCommitAt = performance.now();
  readonly #settings: Settings;
  readonly #state: StoreState;
  readonly #commits: Commits;
  readonly #fail: (error: HubError) => void;
  #session: PostgresSession | undefined;
  #number: number;
  #closeBy = Number.POSITIVE_INFINITY;
  #calls: Call[] = [];
  /** Of `#calls`. */
  #bytes = 0;
  #running: Promise<void> | undefined;
  /** Was sent behind the commit that runs. */
  #ahead: Ahead | undefined;
  #looksAhead = false;
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

  constructor(settings: Settings, state: StoreState, opened: Opened, commits: Commits, backlog: number) {
    this.#settings = settings;
    this.#state = state;
    this.#session = opened.session;
    this.#number = opened.commits;
    this.#commits = commits;
    this.backlog = backlog;
    this.quota = new BacklogQuota(settings.maxBacklogBytes);
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
    else if (this.#running !== undefined) this.#lookAhead();
    else if (!this.#scheduled) {
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
      const { quoted, hub, epoch } = this.#state;
      const mine = `UPDATE ${quoted}.hub SET held = false, seen = clock_timestamp() WHERE id = $1 AND epoch = $2`;
      await session.ask(mine, [hub, epoch]).catch(() => undefined);
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
    while ((this.#ahead || this.#calls.length > 0) && !this.#over) {
      const began = performance.now();
      const ahead = this.#ahead;
      this.#ahead = undefined;
      const running = ahead ? this.#runTogether(ahead.calls, ahead) : this.#runTogether(this.#take());
      this.#lookAhead();
      // Callers are answered while the database works for the next ones.
      if (answer !== noAnswer) await nextTurn();
      await this.#tell(answer);
      answer = await running;
      const target = this.#closeBy === Number.POSITIVE_INFINITY ? this.#gathering.target : 0;
      if (this.#ahead || (this.#calls.length > 0 && target === 0)) continue;
      await this.#tell(answer);
      answer = noAnswer;
      if (target > 0) await this.#gathering.until(target, performance.now() - began);
    }
    await this.#tell(answer);
    if (this.#over) rejectAll([...(this.#ahead?.calls ?? []), ...this.#calls.splice(0)], this.#over);
    this.#ahead = undefined;
  }

  /** Sends what has gathered behind the commit that runs: the server goes on with it at once. */
  #lookAhead(): void {
    if (this.#looksAhead || this.#ahead || !this.#gathering.isEnough) return;
    this.#looksAhead = true;
    // With them goes what comes in the same turn.
    setImmediate(() => {
      this.#looksAhead = false;
      const session = this.#session;
      if (!this.#running || this.#ahead || this.#over || !session?.usable || !session.runsAhead) return;
      if (!this.#gathering.isEnough || !this.#commits.mayFollow(session) || !this.#calls.every(asksNothing)) return;
      const calls = this.#take();
      if (calls.length === 0) return;
      const committed = this.#commits.follow(session, calls);
      // Its turn comes when the one before it is over.
      committed?.catch(() => undefined);
      this.#ahead = { calls, session, committed };
    });
  }

  /** What was read goes before what was written after it. */
  async #tell(answer: Answer): Promise<void> {
    while (this.#readsToTell) await nextTurn();
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
        (this.quota.refuses(backlog, size) ? `unsettled messages have reached ${maxBacklogBytes} bytes` : undefined);
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
  async #runTogether(calls: readonly Call[], ahead?: Ahead): Promise<Answer> {
    let left = calls;
    let sent = ahead?.committed && { session: ahead.session, committed: ahead.committed };
    for (let attempt = 1; left.length > 0 && !this.#over; attempt++) {
      const session = sent?.session ?? (this.#session?.usable ? this.#session : await this.#connection(left));
      left = left.filter((call) => !expired.has(call));
      if (!session || left.length === 0) continue;
      const outcome = await this.#attempt(session, left, sent?.committed);
      sent = undefined;
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

  /**
   * A commit, a failure of it that is not the connection's, or `again` after a connection that broke before it came about. One that was
   * sent before its turn is made again, too, where it failed.
   */
  async #attempt(
    session: PostgresSession,
    calls: readonly Call[],
    sent?: Promise<Committed>,
  ): Promise<Committed | CommitFailure | 'again'> {
    try {
      return await (sent ?? this.#commits.run(session, calls, this.#number + 1));
    } catch (thrown) {
      if (!(thrown instanceof CommitFailure)) throw thrown;
      if ((thrown.cause as { code?: string }).code === fencedState) {
        this.#fenced();
        return 'again';
      }
      this.#lastPid = thrown.pid || this.#lastPid;
      const lost = !session.usable || failureOf(thrown.cause).connection;
      if (!lost) return sent === undefined ? thrown : 'again';
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
        const rows = await session?.ask(`SELECT seq FROM ${this.#state.quoted}.message WHERE id = $1`, [commit.first]);
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
    const isRead = (at: number) => calls[at]?.kind === 'read';
    const all = calls.map((_, at) => at);
    if (!all.some(isRead)) return () => all.forEach((at) => void tell(calls[at]!, answers[at]));
    // A read knows of what was written before it: whoever wrote that is told first, and whoever wrote later is told after it.
    const order = readsLast ? [...all.filter((at) => !isRead(at)), ...all.filter(isRead)] : all;
    const tellFrom = (first: number) => {
      this.#readsToTell = false;
      for (let next = first; next < order.length; next++) {
        if (next > first && isRead(order[next]!) !== isRead(order[next - 1]!)) {
          this.#readsToTell = true;
          setImmediate(tellFrom, next);
          return;
        }
        tell(calls[order[next]!]!, answers[order[next]!]);
      }
    };
    return () => tellFrom(0);
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
   * transactions have come about. What reaches the server over that connection later is refused. A server process that hears nothing of
   * its broken connection is ended.
   */
  async #endOfBefore(session: PostgresSession): Promise<number> {
    const { quoted, hub, epoch } = this.#state;
    const next = `UPDATE ${quoted}.hub SET connection = connection + 1 WHERE id = ${hub} AND epoch = ${epoch} AND held RETURNING commits, connection`;
    for (;;) {
      try {
        const answers = await session.run(
          ['BEGIN', "SET LOCAL lock_timeout = '1s'", next, 'COMMIT'].map((text) => ({ text })),
        );
        const [mine] = answers[2] ?? [];
        if (!mine) {
          this.#fenced();
          throw fencedError();
        }
        this.#state.connection = Number(mine[1]);
        return Number(mine[0]);
      } catch (thrown) {
        if (!session.usable || (thrown as { code?: string }).code !== '55P03') {
          session.destroy();
          throw thrown;
        }
        await session.run([{ text: 'ROLLBACK' }]);
        await session.ask(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()
             AND (state LIKE 'idle in transaction%' OR wait_event = 'ClientRead' AND xact_start IS NOT NULL) AND (pid = $1 OR query LIKE $2)`,
          [this.#lastPid, `%begin_commit(${hub}, ${epoch}, %`],
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

/** Calls that are to be committed next; without `committed` where that could not be foreseen. */
interface Ahead {
  readonly calls: readonly Call[];
  readonly session: PostgresSession;
  readonly committed: Promise<Committed> | undefined;
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
