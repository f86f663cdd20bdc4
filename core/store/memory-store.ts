import { HubError } from '../errors.ts';
import { auditHash, auditRoot } from './audit-chain.ts';
import type { DailyCounts, DailyQuery } from './daily-counts.ts';
import { KeyMarks } from './key-marks.ts';
import type { Lane, LaneQuery } from './lane.ts';
import type { Fence } from './leases.ts';
import { LocalDays } from './local-days.ts';
import { MemoryContents } from './memory-contents.ts';
import { type Opening, refuseUnfenced } from './memory-hubs.ts';
import { lanes, openErrors } from './memory-lanes.ts';
import { dropContent, isOpen, precedes, summarize } from './memory-message.ts';
import { due, queueState, unblock, upTo } from './memory-queue.ts';
import { MemoryShared } from './memory-shared.ts';
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
  StoredMessage,
  StoreUsage,
  Unblocked,
} from './message-store.ts';
import type { OpenErrorPage, OpenErrorQuery } from './open-error.ts';
import { BacklogQuota } from './quota.ts';
import type { SharedStore } from './shared-store.ts';
import { matches } from './standing.ts';

export interface MemoryStoreOptions {
  readonly now: () => number;
  /** What an earlier opening left; a store that is opened with it goes on where that one ended. */
  readonly contents?: MemoryContents;
  readonly maxBacklogBytes?: number;
  /** The name of this opening among several that have the same contents at a time. */
  readonly hub?: string;
  /** What leases are timed by, in milliseconds; the machine's monotonic clock if not given. */
  readonly leaseClock?: () => number;
  /** Of the days of `dailyCounts`; the system's if not given. */
  readonly timeZone?: string;
}

export function openMemoryStore(options: MemoryStoreOptions): MessageStore {
  return new MemoryStore(options);
}

/**
 * The store of record kept in memory, for tests and as the plain statement of what every store does: it goes through all
 * messages for every question. Nothing is durable; a write resolves in a later turn of the event loop, as others do.
 */
class MemoryStore implements MessageStore {
  readonly epoch: number;
  readonly shared: SharedStore | undefined;
  readonly #opening: Opening | undefined;
  readonly #now: () => number;
  readonly #days: LocalDays;
  readonly #marks = new KeyMarks(this);
  readonly #quota: BacklogQuota;
  readonly #all: MemoryContents;
  /** The last seq of the openings before this one, and those of its messages whose recovery was counted in this one. */
  readonly #lastBefore: number;
  readonly #counted = new Set<number>();
  #closed = false;

  constructor({
    now,
    contents = new MemoryContents(),
    maxBacklogBytes = Number.POSITIVE_INFINITY,
    hub,
    leaseClock = () => performance.now(),
    timeZone,
  }: MemoryStoreOptions) {
    this.#now = now;
    this.#days = new LocalDays(timeZone);
    this.#all = contents;
    this.#quota = new BacklogQuota(maxBacklogBytes);
    this.epoch = ++contents.epoch;
    this.#lastBefore = contents.lastSeq;
    this.#opening = hub === undefined ? undefined : { hub, epoch: this.epoch };
    const run = <T>(work: () => T) => this.#run(work);
    this.shared = this.#opening && new MemoryShared({ all: contents, opening: this.#opening, clock: leaseClock, run });
  }

  get timeZone(): string {
    return this.#days.timeZone;
  }

  append(channel: string, batch: readonly NewMessage[]): Promise<readonly Appended[]> {
    return this.#run(() => {
      const bytes = batch.reduce((sum, message) => sum + message.raw.length, 0);
      if (this.#quota.refuses(this.#all.backlogBytes, bytes)) {
        throw new HubError('store-full', 'transient', 'appending to the message store: its quota is reached');
      }
      const appended = batch.map((message) =>
        this.#all.append(channel, message, this.#days.of(message.receivedAt), this.#opening),
      );
      return this.#opening && this.#all.foreign(channel, this.#opening)
        ? appended.map((each) => ('seq' in each ? { ...each, foreign: true } : each))
        : appended;
    });
  }

  settle(channel: string, batch: readonly Settlement[], _mayWait?: boolean, fence?: Fence): Promise<void> {
    return this.#run(() => {
      refuseUnfenced(this.#all.hubs, fence, this.#opening);
      for (const settlement of batch) this.#all.settle(channel, settlement, this.#now());
    });
  }

  update(channel: string, changes: readonly PartChange[], fence?: Fence): Promise<void> {
    return this.#run(() => {
      refuseUnfenced(this.#all.hubs, fence, this.#opening);
      for (const change of changes) this.#all.change(channel, change, this.#now());
    });
  }

  unblock(channel: string, destination: string, key: string, limit: number, fence?: Fence): Promise<Unblocked> {
    return this.#run(() => {
      refuseUnfenced(this.#all.hubs, fence, this.#opening);
      return unblock(this.#all.queue(channel, destination), key, limit);
    });
  }

  ready(
    channel: string,
    destination: string,
    after: PartPosition,
    limit: number,
    maxBytes: number,
  ): Promise<readonly QueuedPart[]> {
    return this.#run(() => {
      const queue = this.#all.queue(channel, destination);
      const parts = queue.filter((part) => part.queued === 'ready' && precedes(after, part));
      return upTo(parts, limit, maxBytes, (part) => part.bytes?.length ?? 0).map((part) => this.#all.queuedPart(part));
    });
  }

  due(channel: string, destination: string, now: number, limit: number): Promise<DueParts> {
    return this.#run(() => {
      const { parts, nextRetryAt } = due(this.#all.queue(channel, destination), now, limit);
      return { rows: parts.map((part) => this.#all.queuedPart(part)), nextRetryAt };
    });
  }

  queueState(channel: string, destination: string, maxHeld = 10_001): Promise<QueueState> {
    return this.#run(() => queueState(this.#all.queue(channel, destination), maxHeld));
  }

  unrouted(channel: string, after: number, limit: number, maxBytes: number): Promise<readonly StoredMessage[]> {
    return this.#run(() => upTo(this.#all.unrouted(channel, after), limit, maxBytes, ({ raw }) => raw.length));
  }

  countRecoveries(channel: string, limit: number): Promise<readonly Recovered[]> {
    return this.#run(() => {
      const recovered: Recovered[] = [];
      for (const item of this.#all.items.values()) {
        if (item.seq > this.#lastBefore || recovered.length === limit) break;
        if (item.channel !== channel || item.settlement || item.message.fault) continue;
        if (!this.#counted.has(item.seq)) item.recoveries++;
        this.#counted.add(item.seq);
        recovered.push({ seq: item.seq, recoveries: item.recoveries });
      }
      return recovered;
    });
  }

  find(query: MessageQuery): Promise<MessagePage> {
    return this.#run(() => {
      const cursor = query.cursor === undefined ? undefined : Number(query.cursor);
      const items = [...this.#all.items.values()];
      if (!query.ascending) items.reverse();
      const found = items
        .filter(({ seq }) => cursor === undefined || (query.ascending ? seq > cursor : seq < cursor))
        .map(summarize)
        .filter((summary) => matches(query, summary));
      const messages = found.slice(0, query.limit);
      return found.length > messages.length
        ? { messages, cursor: String(messages.at(-1)?.seq ?? cursor ?? '') }
        : { messages };
    });
  }

  async content(id: string, reader: Reader): Promise<MessageContent | undefined> {
    await this.audit({ ...reader, at: this.#now(), action: 'read content', subject: id });
    return this.#run(() => {
      const item = [...this.#all.items.values()].find(({ message }) => message.id === id);
      if (!item) return undefined;
      const contents = item.parts.flatMap(({ destination, n, bytes, reply }) =>
        bytes || reply ? [{ destination, n, ...(bytes ? { bytes } : {}), ...(reply ? { reply } : {}) }] : [],
      );
      return { ...summarize(item), ...(item.hasRaw ? { raw: item.message.raw } : {}), contents };
    });
  }

  counts(): Promise<readonly ChannelCounts[]> {
    return this.#run(() => this.#all.counts.all());
  }

  dailyCounts(query: DailyQuery): Promise<readonly DailyCounts[]> {
    return this.#run(() => this.#all.daily.counts(query));
  }

  openErrors(query: OpenErrorQuery): Promise<OpenErrorPage> {
    return this.#run(() => openErrors(this.#all, query));
  }

  async lanes(query: LaneQuery, reader: Reader): Promise<readonly Lane[]> {
    await this.audit(await this.#marks.reading(query, reader, this.#now()));
    return this.#run(() => lanes(this.#all, query));
  }

  audit(entry: AuditEntry): Promise<void> {
    return this.#run(() => {
      const { at, actor, action, subject, reason, ticket } = entry;
      const kept = { at, actor, action, subject, reason, ...(ticket === undefined ? {} : { ticket }) };
      const last = this.#all.audit.at(-1);
      const n = (last?.n ?? 0) + 1;
      this.#all.audit.push({ ...kept, n, hash: auditHash(last?.hash ?? auditRoot, n, kept) });
    });
  }

  auditTrail({ limit, before = Number.POSITIVE_INFINITY, changes = false }: AuditQuery) {
    return this.#run(() =>
      this.#all.audit
        .filter(({ n, action }) => n < before && !(changes && isReading(action)))
        .reverse()
        .slice(0, limit),
    );
  }

  state(name: string): Promise<string | undefined> {
    return this.#run(() => this.#all.state.get(name));
  }

  setState(name: string, value: string, fence?: Fence): Promise<void> {
    return this.#run(() => {
      refuseUnfenced(this.#all.hubs, fence, this.#opening);
      this.#all.state.set(name, value);
    });
  }

  prune(channel: string, policy: PrunePolicy, signal?: AbortSignal): Promise<Pruned> {
    return this.#run(() => {
      let contents = 0;
      let messages = 0;
      for (const item of this.#all.items.values()) {
        if (signal?.aborted) break;
        const { receivedAt } = item.message;
        if (item.channel !== channel || isOpen(item)) continue;
        if (receivedAt < Math.max(policy.contentBefore, policy.messagesBefore)) contents += dropContent(item) ? 1 : 0;
        if (receivedAt >= policy.messagesBefore) continue;
        this.#all.items.delete(item.seq);
        const { dedupe } = item.message;
        if (dedupe) this.#all.dedupe.get(`${channel}\0${dedupe.key}`)?.delete(dedupe.contentHash);
        messages++;
      }
      return { contents, messages };
    });
  }

  usage(): Promise<StoreUsage> {
    return this.#run(() => {
      const bytes = [...this.#all.items.values()].reduce(
        (sum, item) => sum + (item.hasRaw ? item.message.raw.length : 0),
        0,
      );
      const backlogBytes = this.#all.backlogBytes;
      return { bytes, backlogBytes, ...(this.#quota.isReached(backlogBytes) ? { full: true } : {}) };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
  }

  /** In call order, and never before the caller goes on. */
  async #run<T>(work: () => T): Promise<T> {
    if (this.#closed) throw new HubError('store-failed', 'transient', 'the message store is closed');
    const result = work();
    await new Promise(setImmediate);
    return result;
  }
}

function isReading(action: string): boolean {
  return action === 'find' || action.startsWith('read ');
}
