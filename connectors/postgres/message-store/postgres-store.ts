// Over 300 lines: one method for each of the contract's, and what holds them together.
import { identifier } from '../../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import { HubError } from '../../../core/errors.ts';
import type { DailyCounts, DailyQuery } from '../../../core/store/daily-counts.ts';
import { KeyMarks } from '../../../core/store/key-marks.ts';
import type { Lane, LaneQuery } from '../../../core/store/lane.ts';
import type { Fence } from '../../../core/store/leases.ts';
import { LocalDays } from '../../../core/store/local-days.ts';
import type {
  Appended,
  AuditEntry,
  AuditQuery,
  ChannelCounts,
  DueParts,
  MessageContent,
  MessagePage,
  MessageQuery,
  MessageStore,
  NewMessage,
  PartChange,
  PartPosition,
  Pruned,
  PrunePolicy,
  QueuedPart,
  QueueState,
  Reader,
  Recovered,
  Settlement,
  StoredAuditEntry,
  StoredMessage,
  StoreUsage,
  Unblocked,
} from '../../../core/store/message-store.ts';
import type { OpenErrorPage, OpenErrorQuery } from '../../../core/store/open-error.ts';
import { isUuid } from '../../../core/store/uuid.ts';
import type { AppendAnswer, Read, Work } from './calls.ts';
import { Commits } from './commit.ts';
import { content } from './content.ts';
import { counts, dailyCounts } from './counts.ts';
import { dropPartitions } from './dropping.ts';
import { find } from './finding.ts';
import { Foresight } from './foresight.ts';
import { Horizon } from './horizon.ts';
import { countRecoveries, unroutedAfter } from './inbox.ts';
import { PostgresLeases } from './leases.ts';
import { Names } from './names.ts';
import { type Opened, openHub, openingError } from './opening.ts';
import { type PostgresStoreOptions, type Settings, settingsOf } from './options.ts';
import { type PruneCursor, type PruneStep, pruneStep } from './pruning.ts';
import { Queue } from './queue.ts';
import { Readers } from './readers.ts';
import { PostgresShared } from './shared.ts';
import { Slots } from './slots.ts';
import { TableSizes } from './table-sizes.ts';
import type { StoreState, Transaction } from './transaction.ts';
import { Triage } from './triage.ts';
import { Writer } from './writer.ts';

/** So long a settlement that nobody waits for stays here to share the commit of what comes. */
const settlementWaitMs = 5;
const pruneRows = 500;
const rotateEveryMs = 60_000;
const measureEveryMs = 10_000;

/**
 * Opens a store in PostgreSQL (14 or later): commits of what gathers, by COPY on one connection, synchronous. A database that goes away
 * is connected to again; calls meanwhile wait for `patienceMs` and then reject with `store-failed`, transient. One whose commit lost its
 * answer waits until the database has told whether it came about, so that nothing is lost or stored twice.
 *
 * **Content that is deleted** (level `metadata` at settlement, pruning) is gone for every reader in the commit that deletes it. Its
 * bytes stay in the database's files until autovacuum has freed their pages and they are written over, and in the write-ahead log
 * and in backups as long as the database's operator keeps those; a partition that is dropped gives its files back at once.
 *
 * Rejects with `store-locked` where a hub of this name has it open, and with `store-failed`, permanent where a setting is wrong.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const settings = settingsOf(options);
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(settings.schema)) {
    const what = '`schema` is no name of lower-case letters, digits and _';
    throw new HubError('config-invalid', 'permanent', `opening the message store: ${what}`);
  }
  const opened = await openHub(settings);
  const quoted = identifier(settings.schema);
  try {
    const days = new LocalDays(settings.timeZone);
    const slots = new Slots(settings, quoted, days, opened.lz4);
    await slots.rotate();
    const names = new Names(quoted);
    await names.read(opened.session);
    const [backlog] = await opened.session.ask(`SELECT coalesce(sum(backlog), 0)::int8 FROM ${quoted}.counter`);
    const leases = new PostgresLeases(settings, quoted, opened.epoch, names);
    const state: StoreState = {
      hasChannel: (channel) => leases.has(`${channel}/0`),
      ...{ quoted, names, days, hub: opened.hub, epoch: opened.epoch, now: settings.now, types: new Map() },
      connection: opened.connection,
      ...{ horizon: new Horizon(), foresight: new Foresight() },
      ensureSlot: (slot) => slots.ensure(slot),
    };
    return new PostgresStore(settings, opened, state, { slots, leases }, Number(backlog?.[0]));
  } catch (thrown) {
    opened.session.destroy();
    throw openingError(thrown);
  }
}

/** Is answered after what was called before it. */
const nothing: Read = {
  kind: 'read',
  channel: undefined,
  last: true,
  question: () => 'SELECT',
  read: async () => undefined,
};

export class PostgresStore implements MessageStore {
  readonly epoch: number;
  readonly timeZone: string;
  readonly shared: PostgresShared;
  /** Resolves when another opening has taken the hub's name; every call rejects with this error from then on. */
  readonly failed: Promise<HubError>;
  readonly #settings: Settings;
  readonly #state: StoreState;
  readonly #writer: Writer;
  readonly #readers: Readers;
  readonly #slots: Slots;
  readonly #sizes: TableSizes;
  readonly #marks = new KeyMarks(this);
  readonly #timers: NodeJS.Timeout[];
  #closed = false;
  #chores: Promise<unknown> = Promise.resolve();

  constructor(
    settings: Settings,
    opened: Opened,
    state: StoreState,
    { slots, leases }: { readonly slots: Slots; readonly leases: PostgresLeases },
    backlog: number,
  ) {
    this.#settings = settings;
    this.#state = state;
    this.#slots = slots;
    this.epoch = opened.epoch;
    this.timeZone = settings.timeZone;
    const commits = new Commits(state, settings.attachmentBytes);
    this.#writer = new Writer(settings, state, opened, commits, backlog);
    this.#readers = new Readers(settings);
    this.#sizes = new TableSizes(settings.schema, state.quoted);
    this.failed = this.#writer.failed;
    this.shared = new PostgresShared(settings, state, leases, {
      inOrder: (run, fence) => this.#ask(run, fence),
      readInOrder: (read) => this.#call(read, 0),
    });
    this.#timers = [
      setInterval(() => this.#showLife(), settings.leaseMs / 3),
      setInterval(() => this.#chore(() => this.#slots.rotate()), rotateEveryMs),
      setInterval(() => this.#chore(() => this.#measure()), measureEveryMs),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  append(channel: string, batch: readonly NewMessage[]): Promise<readonly Appended[]> {
    let bytes = 0;
    for (const { id, raw, replayOf } of batch) {
      bytes += raw.length;
      if (isUuid(id) && (replayOf === undefined || isUuid(replayOf))) continue;
      const what = 'appending to the message store: an id is not a UUID';
      return Promise.reject(new HubError('store-failed', 'permanent', what));
    }
    return this.#call<AppendAnswer>({ kind: 'append', channel, batch }, bytes);
  }

  settle(channel: string, batch: readonly Settlement[], mayWait = false, fence?: Fence): Promise<void> {
    let bytes = 0;
    for (const { parts } of batch) for (const part of parts) if ('bytes' in part) bytes += part.bytes?.length ?? 0;
    return this.#call({ kind: 'settle', channel, batch, fence }, bytes, mayWait ? settlementWaitMs : 0);
  }

  update(channel: string, changes: readonly PartChange[], fence?: Fence): Promise<void> {
    return this.#call({ kind: 'update', channel, changes, fence }, changes.length * 100);
  }

  unblock(channel: string, destination: string, key: string, limit: number, fence?: Fence): Promise<Unblocked> {
    return this.#ask((tx) => new Queue(tx, channel, destination).unblock(key, limit), fence);
  }

  ready(
    channel: string,
    destination: string,
    after: PartPosition,
    limit: number,
    maxBytes: number,
  ): Promise<readonly QueuedPart[]> {
    return this.#ask((tx) => new Queue(tx, channel, destination).ready(after, limit, maxBytes));
  }

  due(channel: string, destination: string, now: number, limit: number): Promise<DueParts> {
    return this.#ask((tx) => new Queue(tx, channel, destination).due(now, limit));
  }

  queueState(channel: string, destination: string, maxHeld = 10_001): Promise<QueueState> {
    return this.#ask((tx) => new Queue(tx, channel, destination).state(maxHeld));
  }

  unrouted(channel: string, after: number, limit: number, maxBytes: number): Promise<readonly StoredMessage[]> {
    return this.#call(unroutedAfter(this.#state, { channel, after, limit, maxBytes }), 0);
  }

  countRecoveries(channel: string, limit: number): Promise<readonly Recovered[]> {
    return this.#ask((tx) => countRecoveries(tx, channel, limit));
  }

  find(query: MessageQuery): Promise<MessagePage> {
    return this.#read((session, quoted, names) => find(session, quoted, names, query));
  }

  async content(id: string, reader: Reader): Promise<MessageContent | undefined> {
    const { actor, reason, ticket } = reader;
    const entry = { at: this.#settings.now(), action: 'read content', subject: id, actor, reason };
    await this.audit(ticket === undefined ? entry : { ...entry, ticket });
    return this.#read((session, quoted, names) => content(session, quoted, names, id));
  }

  counts(): Promise<readonly ChannelCounts[]> {
    return this.#read(counts);
  }

  dailyCounts(query: DailyQuery): Promise<readonly DailyCounts[]> {
    return this.#read((session, quoted, names) => dailyCounts(session, quoted, names, query));
  }

  openErrors(query: OpenErrorQuery): Promise<OpenErrorPage> {
    return this.#read((session, quoted, names) => new Triage(session, quoted, names).openErrors(query));
  }

  async lanes(query: LaneQuery, reader: Reader): Promise<readonly Lane[]> {
    await this.audit(await this.#marks.reading(query, reader, this.#settings.now()));
    return this.#read((session, quoted, names) => new Triage(session, quoted, names).lanes(query));
  }

  audit(entry: AuditEntry): Promise<void> {
    return this.#call({ kind: 'audit', entry }, 0);
  }

  auditTrail({ limit, before = Number.MAX_SAFE_INTEGER, changes = false }: AuditQuery) {
    return this.#read(async (session, quoted): Promise<readonly StoredAuditEntry[]> => {
      const rows = await session.ask(
        `SELECT n, at, actor, action, subject, reason, ticket, hash FROM ${quoted}.audit
         WHERE n < $1 AND (NOT $2 OR (action <> 'find' AND action NOT LIKE 'read %')) ORDER BY n DESC LIMIT $3`,
        [before, changes, limit],
      );
      return rows.map(([n, at, actor, action, subject, reason, ticket, hash]) => ({
        ...{ n: Number(n), at: Number(at), actor: String(actor), action: String(action), subject: String(subject) },
        ...{ reason: String(reason), hash: String(hash) },
        ...(ticket === null ? {} : { ticket: String(ticket) }),
      }));
    });
  }

  state(name: string): Promise<string | undefined> {
    return this.#ask(async (tx) => {
      const [row] = await tx.ask(`SELECT value FROM ${tx.state.quoted}.state WHERE name = $1`, [name]);
      return row && String(row[0]);
    });
  }

  setState(name: string, value: string, fence?: Fence): Promise<void> {
    return this.#ask(async (tx) => {
      await tx.ask(
        `INSERT INTO ${tx.state.quoted}.state VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
        [name, value],
      );
    }, fence);
  }

  async prune(channel: string, policy: PrunePolicy, signal?: AbortSignal): Promise<Pruned> {
    const number = this.#state.names.known(channel);
    if (number === 0 || signal?.aborted) return { contents: 0, messages: 0 };
    const { now, dropDelayMs } = this.#settings;
    const dropped = await this.#read((session, quoted) =>
      dropPartitions(session, quoted, number, policy, now(), dropDelayMs),
    );
    let { contents, messages } = dropped;
    if (contents + messages > 0) this.#sizes.forget();
    let cursor: PruneCursor | undefined = { phase: 'later', after: 0 };
    const { ranges, sparedFrom } = dropped;
    const step = { channel: number, policy, limit: policy.step ?? pruneRows, ranges, sparedFrom };
    while (cursor && !signal?.aborted) {
      const started = performance.now();
      const at: PruneCursor = cursor;
      const done: PruneStep = await this.#ask((tx) => pruneStep({ ...step, tx }, at));
      contents += done.contents;
      messages += done.messages;
      cursor = done.next;
      // As long a pause as the step took: live traffic has at least half of the writer.
      if (cursor) await new Promise((resolve) => setTimeout(resolve, performance.now() - started));
    }
    return { contents, messages };
  }

  async usage(): Promise<StoreUsage> {
    // After what was called before, with whatever is committed then.
    if (!this.#writer.idle) await this.#call(nothing, 0);
    const bytes = await this.#measure();
    const backlogBytes = this.#writer.backlog;
    const full = this.#writer.full !== undefined || this.#writer.quota.isReached(backlogBytes);
    return { bytes, backlogBytes, ...(full ? { full } : {}) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#chores;
    await this.#writer.close();
    await this.shared.close();
    await this.#readers.close();
  }

  /** What the tables take on disk; refuses appends while it is too much. */
  #measure(): Promise<number> {
    const { maxBytes } = this.#settings;
    return this.#read(async (session) => {
      const bytes = await this.#sizes.measure(session);
      const full = maxBytes !== undefined && bytes >= maxBytes;
      this.#writer.full = full ? `its tables have reached ${maxBytes} bytes` : undefined;
      return bytes;
    });
  }

  /** Tells other openings that this one is alive, where no commit has done so. */
  #showLife(): void {
    if (!this.#writer.idle || performance.now() - this.#writer.lastCommitAt < this.#settings.leaseMs / 3) return;
    this.#ask(async () => undefined).catch(() => undefined);
  }

  /** Work beside the calls, one after another; what fails is tried again the next time. */
  #chore(work: () => Promise<unknown>): void {
    this.#chores = this.#chores.then(work).catch((thrown: unknown) => {
      const { code, message } = thrown as { code?: string; message?: string };
      this.#settings.log?.warn(
        { code },
        thrown instanceof HubError ? (message ?? '') : 'message store: a chore failed',
      );
    });
  }

  #ask<T>(run: (transaction: Transaction) => Promise<T>, fence?: Fence): Promise<T> {
    return this.#call<T>({ kind: 'other', run, fence }, 0);
  }

  /** The very promise that the writer answers: one more `then` would put an answer behind those of later calls. */
  #call<T>(work: Work, bytes: number, mayWaitMs = 0): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new HubError('store-failed', 'transient', 'calling the message store: it is closed'));
    }
    return new Promise<T>((resolve, reject) => {
      const until = performance.now() + this.#settings.patienceMs;
      const answer = resolve as (answer: unknown) => void;
      this.#writer.add({ ...work, bytes, until, resolve: answer, reject }, mayWaitMs);
    });
  }

  /** On a connection that reads, with the words that were stored since. */
  #read<T>(work: (session: PostgresSession, quoted: string, names: Names) => Promise<T>): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new HubError('store-failed', 'transient', 'calling the message store: it is closed'));
    }
    return this.#readers.read(async (session) => {
      await this.#state.names.read(session);
      return await work(session, this.#state.quoted, this.#state.names);
    });
  }
}
