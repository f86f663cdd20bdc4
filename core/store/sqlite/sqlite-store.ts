import { HubError } from '../../errors.ts';
import type { CallThread } from '../../worker/call-thread.ts';
import type { Thread } from '../../worker/thread.ts';
import type { DailyCounts, DailyQuery } from '../daily-counts.ts';
import { KeyMarks } from '../key-marks.ts';
import type { Lane, LaneQuery } from '../lane.ts';
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
} from '../message-store.ts';
import type { OpenErrorPage, OpenErrorQuery } from '../open-error.ts';
import { isUuid } from '../uuid.ts';
import { callKind, type PruneCursor, type PruneStep, type ReaderCalls, type WriterCall } from './calls.ts';
import { encodeAppend, encodeSettle } from './encode.ts';
import { Names } from './names.ts';
import { SlabWriter } from './slab.ts';
import { type SqliteStoreOptions, storeFiles } from './store-options.ts';
import { type StoreThreads, startThreads } from './threads.ts';

/**
 * Opens the embedded store: SQLite with a write-ahead log, synchronous=FULL, in a thread of its own. Calls made in one turn of
 * the event loop cross to it as one message; calls that wait there share a commit and its fsync, and while that runs the next
 * ones gather.
 *
 * **Content that is deleted** (level `metadata` at settlement, pruning) is overwritten with zeros in the database in the commit
 * that deletes it. The write-ahead log, which still holds older pages, is copied and truncated to nothing within `scrubAfterMs`
 * of that, on `close`, and when `scrub` is called; a disk's own copies of freed blocks are out of its reach.
 *
 * Rejects with `store-locked` while another opening has the directory, and with `store-failed` where the files cannot be read.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const files = storeFiles(options);
  return new SqliteStore(options, files.timeZone, await startThreads(files, options.now()));
}

/** So long a settlement that nobody waits for stays here to share the commit of what comes. */
const settlementWaitMs = 5;
const pruneRows = 100;

export class SqliteStore implements MessageStore {
  readonly epoch: number;
  readonly timeZone: string;
  /**
   * Resolves when a thread of the store has ended by itself (a crash, out of memory), with the error that the calls of that thread
   * reject with from then on: nothing but opening the store again helps. Never resolves otherwise.
   */
  readonly failed: Promise<HubError>;
  readonly #now: () => number;
  readonly #attachmentBytes: number;
  readonly #names: Names;
  readonly #writer: Thread;
  readonly #reader: CallThread<ReaderCalls>;
  readonly #slab = new SlabWriter();
  readonly #marks = new KeyMarks(this);
  #plain: WriterCall[] = [];
  #posting = false;
  #waiting: NodeJS.Timeout | undefined;
  readonly #flush = () => this.#post();

  constructor(options: SqliteStoreOptions, timeZone: string, { writer, reader, opened }: StoreThreads) {
    this.epoch = opened.epoch;
    this.timeZone = timeZone;
    this.failed = Promise.race([writer.lost, reader.lost]);
    this.#now = options.now;
    this.#attachmentBytes = options.attachmentBytes ?? 64 * 1024;
    this.#names = new Names(opened.names);
    this.#writer = writer;
    this.#reader = reader;
  }

  append(channel: string, batch: readonly NewMessage[]): Promise<readonly Appended[]> {
    for (const { id, replayOf = id } of batch) {
      if (!isUuid(id) || !isUuid(replayOf)) {
        return Promise.reject(
          new HubError('store-failed', 'permanent', 'appending to the message store: an id is not a UUID'),
        );
      }
    }
    return this.#call<readonly Appended[], number | readonly Appended[]>(
      callKind.append,
      () => encodeAppend(this.#slab, this.#names, channel, batch, this.#attachmentBytes),
      (first) => (typeof first === 'number' ? batch.map((_, index) => ({ seq: first + index })) : first),
    );
  }

  settle(channel: string, batch: readonly Settlement[], mayWait = false): Promise<void> {
    const encode = () => encodeSettle(this.#slab, this.#names, channel, batch);
    return this.#call<void>(callKind.settle, encode, undefined, mayWait);
  }

  update(channel: string, changes: readonly PartChange[]): Promise<void> {
    return this.#plainCall({ name: 'update', channel, changes: changes.map(withExactReply) });
  }

  unblock(channel: string, destination: string, key: string, limit: number): Promise<Unblocked> {
    return this.#plainCall({ name: 'unblock', channel, destination, key, limit });
  }

  ready(
    channel: string,
    destination: string,
    after: PartPosition,
    limit: number,
    maxBytes: number,
  ): Promise<readonly QueuedPart[]> {
    const { seq, n } = after;
    return this.#plainCall({ name: 'ready', channel, destination, after: { seq, n }, limit, maxBytes });
  }

  due(channel: string, destination: string, now: number, limit: number): Promise<DueParts> {
    return this.#plainCall({ name: 'due', channel, destination, now, limit });
  }

  queueState(channel: string, destination: string, maxHeld = 10_001): Promise<QueueState> {
    return this.#plainCall({ name: 'queueState', channel, destination, maxHeld });
  }

  unrouted(channel: string, after: number, limit: number, maxBytes: number): Promise<readonly StoredMessage[]> {
    return this.#plainCall({ name: 'unrouted', channel, after, limit, maxBytes });
  }

  countRecoveries(channel: string, limit: number): Promise<readonly Recovered[]> {
    return this.#plainCall({ name: 'countRecoveries', channel, limit });
  }

  find(query: MessageQuery): Promise<MessagePage> {
    return this.#reader.call('find', query);
  }

  async content(id: string, reader: Reader): Promise<MessageContent | undefined> {
    const { actor, reason, ticket } = reader;
    const entry = { at: this.#now(), action: 'read content', subject: id, actor, reason };
    await this.audit(ticket === undefined ? entry : { ...entry, ticket });
    return this.#reader.call('content', id);
  }

  counts(): Promise<readonly ChannelCounts[]> {
    return this.#reader.call('counts', undefined);
  }

  dailyCounts(query: DailyQuery): Promise<readonly DailyCounts[]> {
    return this.#reader.call('dailyCounts', query);
  }

  openErrors(query: OpenErrorQuery): Promise<OpenErrorPage> {
    return this.#reader.call('openErrors', query);
  }

  async lanes(query: LaneQuery, reader: Reader): Promise<readonly Lane[]> {
    await this.audit(await this.#marks.reading(query, reader, this.#now()));
    return this.#reader.call('lanes', query);
  }

  audit(entry: AuditEntry): Promise<void> {
    return this.#plainCall({ name: 'audit', entry });
  }

  auditTrail(query: AuditQuery): Promise<readonly StoredAuditEntry[]> {
    return this.#reader.call('auditTrail', query);
  }

  state(name: string): Promise<string | undefined> {
    return this.#plainCall<{ value?: string }>({ name: 'state', key: name }).then(({ value }) => value);
  }

  setState(name: string, value: string): Promise<void> {
    return this.#plainCall({ name: 'setState', key: name, value });
  }

  async prune(channel: string, policy: PrunePolicy, signal?: AbortSignal): Promise<Pruned> {
    let contents = 0;
    let messages = 0;
    let cursor: PruneCursor | undefined = { phase: 'later', after: 0 };
    let rows = policy.step ?? pruneRows;
    while (cursor && !signal?.aborted) {
      const started = performance.now();
      let step: PruneStep;
      try {
        step = await this.#plainCall({ name: 'prune', channel, policy: { ...policy, step: rows }, cursor });
      } catch (thrown) {
        // What is overwritten passes through the write-ahead log: on a full disk only a little of it fits at a time.
        if (rows === 1 || !(thrown instanceof HubError && thrown.code === 'store-full')) throw thrown;
        rows = Math.ceil(rows / 4);
        continue;
      }
      contents += step.contents;
      messages += step.messages;
      cursor = step.next;
      // As long a pause as the step took: live traffic has at least half of the writer.
      if (cursor) await new Promise((resolve) => setTimeout(resolve, performance.now() - started));
    }
    return { contents, messages };
  }

  usage(): Promise<StoreUsage> {
    return this.#plainCall({ name: 'usage' });
  }

  /** Resolves when nothing that was deleted before is left in the write-ahead log. Rejects with `store-failed` if it cannot be. */
  async scrub(): Promise<void> {
    const { scrubbed } = await this.#plainCall<{ scrubbed: boolean }>({ name: 'scrub' });
    if (!scrubbed)
      throw new HubError('store-failed', 'transient', 'scrubbing the write-ahead log: a read is in its way');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#post();
    await this.#reader.close();
    await this.#writer.close();
  }

  /** `read` makes the result of the answer: a `then` here would put it behind the answers of later calls. */
  #call<T, A = T>(kind: number, encode: () => void, read?: (answer: A) => T, mayWait = false): Promise<T> {
    return this.#writer.add<T, A>((id) => {
      this.#slab.beginCall(kind, id);
      try {
        encode();
      } catch (thrown) {
        this.#slab.dropCall();
        throw thrown;
      }
      this.#slab.endCall();
      if (mayWait) this.#waiting ??= setTimeout(this.#flush, settlementWaitMs);
      else if (!this.#posting) {
        this.#posting = true;
        setImmediate(this.#flush);
      }
    }, read);
  }

  #plainCall<T>(call: WriterCall): Promise<T> {
    return this.#call<T>(callKind.plain, () => this.#slab.u32(this.#plain.push(call) - 1));
  }

  #post(): void {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    this.#posting = false;
    if (this.#slab.empty) return;
    const plain = this.#plain;
    if (plain.length > 0) this.#plain = [];
    this.#writer.post({ slab: this.#slab.take(), plain, names: this.#names.takeAdded(), now: this.#now() });
  }
}

/** A reply is a view of its socket's chunk; posting that would clone all of it. */
function withExactReply(change: PartChange): PartChange {
  return 'reply' in change && change.reply ? { ...change, reply: change.reply.slice() } : change;
}
