// Over 300 lines because it is one class with the methods of the contract, each a few lines.
import { HubError } from '../errors.ts';
import { auditHash, auditRoot } from './audit-chain.ts';
import { changePart, resolveMessage } from './memory-changes.ts';
import { MemoryCounts } from './memory-counts.ts';
import {
  applyLevel,
  dropContent,
  type Item,
  isOpen,
  type MemoryPart,
  newPart,
  precedes,
  queuedPart,
  summarize,
} from './memory-message.ts';
import { queueState, unblock } from './memory-queue.ts';
import type {
  Appended,
  AuditEntry,
  ChannelCounts,
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
  Settlement,
  StoredAuditEntry,
  StoredMessage,
  StoreUsage,
  Unblocked,
} from './message-store.ts';
import { matches } from './standing.ts';

export interface MemoryStoreOptions {
  readonly now: () => number;
  /** What an earlier opening left; a store that is opened with it goes on where that one ended. */
  readonly contents?: MemoryContents;
  readonly maxBacklogBytes?: number;
}

export function openMemoryStore(options: MemoryStoreOptions): MessageStore {
  return new MemoryStore(options);
}

/** Everything a memory store holds, so that a test can open it again. */
export class MemoryContents {
  epoch = 0;
  lastSeq = 0;
  readonly items = new Map<number, Item>();
  readonly dedupe = new Map<string, Map<string, number>>();
  readonly counts = new MemoryCounts();
  readonly audit: StoredAuditEntry[] = [];
  readonly state = new Map<string, string>();
}

/**
 * The store of record kept in memory, for tests and as the plain statement of what every store does: it goes through all
 * messages for every question. Nothing is durable; a write resolves in a later turn of the event loop, as others do.
 */
class MemoryStore implements MessageStore {
  readonly epoch: number;
  readonly #now: () => number;
  readonly #maxBacklogBytes: number;
  readonly #all: MemoryContents;
  #closed = false;

  constructor({
    now,
    contents = new MemoryContents(),
    maxBacklogBytes = Number.POSITIVE_INFINITY,
  }: MemoryStoreOptions) {
    this.#now = now;
    this.#all = contents;
    this.#maxBacklogBytes = maxBacklogBytes;
    this.epoch = ++contents.epoch;
  }

  append(channel: string, batch: readonly NewMessage[]): Promise<readonly Appended[]> {
    return this.#run(() => {
      const bytes = batch.reduce((sum, message) => sum + message.raw.length, 0);
      if (this.#maxBacklogBytes < Number.POSITIVE_INFINITY && this.#backlogBytes() + bytes > this.#maxBacklogBytes) {
        throw new HubError('store-full', 'transient', 'appending to the message store: its quota is reached');
      }
      return batch.map((message) => this.#append(channel, message));
    });
  }

  settle(channel: string, batch: readonly Settlement[]): Promise<void> {
    return this.#run(() => {
      for (const settlement of batch) this.#settle(channel, settlement);
    });
  }

  update(channel: string, changes: readonly PartChange[]): Promise<void> {
    return this.#run(() => {
      for (const change of changes) this.#change(channel, change);
    });
  }

  unblock(channel: string, destination: string, key: string, limit: number): Promise<Unblocked> {
    return this.#run(() => unblock(this.#queue(channel, destination), key, limit));
  }

  ready(
    channel: string,
    destination: string,
    after: PartPosition,
    limit: number,
    maxBytes: number,
  ): Promise<readonly QueuedPart[]> {
    return this.#run(() => {
      const queue = this.#queue(channel, destination);
      const parts = queue.filter((part) => part.queued === 'ready' && precedes(after, part));
      return upTo(parts, limit, maxBytes, (part) => part.bytes?.length ?? 0).map((part) => this.#queuedPart(part));
    });
  }

  due(channel: string, destination: string, now: number, limit: number): Promise<readonly QueuedPart[]> {
    return this.#run(() =>
      this.#queue(channel, destination)
        .filter((part) => part.queued === 'waiting' && (part.retryAt ?? 0) <= now)
        .sort((a, b) => (a.retryAt ?? 0) - (b.retryAt ?? 0))
        .slice(0, limit)
        .map((part) => this.#queuedPart(part)),
    );
  }

  queueState(channel: string, destination: string, maxHeld = 10_001): Promise<QueueState> {
    return this.#run(() => queueState(this.#queue(channel, destination), maxHeld));
  }

  unrouted(channel: string, after: number, limit: number, maxBytes: number): Promise<readonly StoredMessage[]> {
    return this.#run(() => {
      const unrouted: StoredMessage[] = [];
      for (const { seq, message, recoveries, ...item } of this.#all.items.values()) {
        if (item.channel !== channel || item.settlement || message.fault || seq <= after) continue;
        const { id, raw, meta, receivedAt, key, replayOf, only } = message;
        unrouted.push({
          ...{ id, seq, raw, meta, receivedAt, recoveries },
          ...(key === undefined ? {} : { key }),
          ...(replayOf === undefined ? {} : { replayOf }),
          ...(only ? { only } : {}),
        });
      }
      return upTo(unrouted, limit, maxBytes, (message) => message.raw.length);
    });
  }

  countRecovery(channel: string, seq: number): Promise<number> {
    return this.#run(() => {
      const item = this.#all.items.get(seq);
      return !item || item.channel !== channel || item.settlement || item.message.fault ? 0 : ++item.recoveries;
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

  audit(entry: AuditEntry): Promise<void> {
    return this.#run(() => {
      const { at, actor, action, subject, reason, ticket } = entry;
      const kept = { at, actor, action, subject, reason, ...(ticket === undefined ? {} : { ticket }) };
      const last = this.#all.audit.at(-1);
      const n = (last?.n ?? 0) + 1;
      this.#all.audit.push({ ...kept, n, hash: auditHash(last?.hash ?? auditRoot, n, kept) });
    });
  }

  auditTrail({ limit, before = Number.POSITIVE_INFINITY }: { readonly limit: number; readonly before?: number }) {
    return this.#run(() =>
      this.#all.audit
        .filter(({ n }) => n < before)
        .reverse()
        .slice(0, limit),
    );
  }

  state(name: string): Promise<string | undefined> {
    return this.#run(() => this.#all.state.get(name));
  }

  setState(name: string, value: string): Promise<void> {
    return this.#run(() => void this.#all.state.set(name, value));
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
      const backlogBytes = this.#backlogBytes();
      return { bytes, backlogBytes, ...(backlogBytes >= this.#maxBacklogBytes ? { full: true } : {}) };
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

  #append(channel: string, message: NewMessage): Appended {
    const { counts, dedupe, items } = this.#all;
    if (message.dedupe) {
      const name = `${channel}\0${message.dedupe.key}`;
      const same = dedupe.get(name) ?? new Map<string, number>();
      const seq = same.get(message.dedupe.contentHash);
      if (seq !== undefined) {
        counts.add(channel, 'duplicates', 1);
        const { id, status } = summarize(this.#item(seq));
        return { duplicateOf: { id, seq, status } };
      }
      if (same.size > 0) counts.add(channel, 'reusedKeys', 1);
      same.set(message.dedupe.contentHash, this.#all.lastSeq + 1);
      dedupe.set(name, same);
    }
    const seq = ++this.#all.lastSeq;
    items.set(seq, { channel, seq, message, hasRaw: true, recoveries: 0, parts: [] });
    counts.add(channel, 'received', 1);
    if (message.fault) counts.add(channel, 'errored', 1).add(channel, 'openErrors', 1);
    else counts.add(channel, 'unrouted', 1);
    return { seq };
  }

  #settle(channel: string, settlement: Settlement): void {
    const item = this.#all.items.get(settlement.seq);
    if (!item || item.channel !== channel || item.settlement || item.message.fault) return;
    const { counts } = this.#all;
    item.settlement = settlement;
    item.parts = settlement.parts.map((part) => newPart(settlement.seq, part, this.#now()));
    counts.add(channel, 'unrouted', -1);
    if (settlement.error) counts.add(channel, 'errored', 1).add(channel, 'openErrors', 1);
    for (const { destination, status } of item.parts) counts.part(channel, destination, undefined, status);
    applyLevel(item);
  }

  #change(channel: string, change: PartChange): void {
    const item = this.#all.items.get(change.seq);
    if (item?.channel !== channel) return;
    if (change.destination === '') resolveMessage(item, change, this.#all.counts, this.#now());
    else changePart(item, change, this.#all.counts, this.#now());
  }

  #queuedPart(part: MemoryPart): QueuedPart {
    return queuedPart(this.#item(part.seq), part);
  }

  #item(seq: number): Item {
    return this.#all.items.get(seq)!;
  }

  #queue(channel: string, destination: string): MemoryPart[] {
    const queue: MemoryPart[] = [];
    for (const item of this.#all.items.values()) {
      if (item.channel !== channel) continue;
      for (const part of item.parts) if (part.status === 'queued' && part.destination === destination) queue.push(part);
    }
    return queue.sort((a, b) => a.seq - b.seq || a.n - b.n);
  }

  #backlogBytes(): number {
    let bytes = 0;
    for (const item of this.#all.items.values()) {
      const queued = item.parts.filter((part) => part.status === 'queued');
      const unsettled = (!item.settlement && !item.message.fault) || queued.length > 0;
      if (unsettled) bytes += item.message.raw.length;
      for (const part of queued) bytes += part.bytes?.length ?? 0;
    }
    return bytes;
  }
}

/** The first of a list: at most `limit` of them, and none after `maxBytes` is reached. */
function upTo<T>(all: readonly T[], limit: number, maxBytes: number, size: (one: T) => number): readonly T[] {
  let bytes = 0;
  const end = all.findIndex((one, index) => index === limit || (bytes += size(one)) >= maxBytes);
  return end < 0 ? all : all.slice(0, end === limit ? limit : end + 1);
}
