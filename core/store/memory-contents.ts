import { changePart, resolveMessage } from './memory-changes.ts';
import { MemoryCounts } from './memory-counts.ts';
import { MemoryDaily } from './memory-daily.ts';
import { MemoryHubs, type Opening } from './memory-hubs.ts';
import { applyLevel, type Item, type MemoryPart, newPart, queuedPart, summarize } from './memory-message.ts';
import type {
  Appended,
  NewMessage,
  PartChange,
  QueuedPart,
  Settlement,
  StoredAuditEntry,
  StoredMessage,
} from './message-store.ts';

/** Everything a memory store holds, and how writes change it. It outlives a store, so that a test can open another on it. */
export class MemoryContents {
  epoch = 0;
  lastSeq = 0;
  readonly items = new Map<number, Item>();
  readonly dedupe = new Map<string, Map<string, number>>();
  readonly counts = new MemoryCounts();
  readonly daily = new MemoryDaily();
  readonly audit: StoredAuditEntry[] = [];
  readonly state = new Map<string, string>();
  readonly hubs = new MemoryHubs();

  append(channel: string, message: NewMessage, day: number, opening?: Opening): Appended {
    const { counts, dedupe, items } = this;
    if (message.dedupe) {
      const name = `${channel}\0${message.dedupe.key}`;
      const same = dedupe.get(name) ?? new Map<string, number>();
      const seq = same.get(message.dedupe.contentHash);
      if (seq !== undefined) {
        counts.add(channel, 'duplicates', 1);
        this.daily.duplicate(channel, day);
        const { id, status } = summarize(this.#item(seq));
        return { duplicateOf: { id, seq, status } };
      }
      if (same.size > 0) counts.add(channel, 'reusedKeys', 1);
      same.set(message.dedupe.contentHash, this.lastSeq + 1);
      dedupe.set(name, same);
    }
    const seq = ++this.lastSeq;
    const item: Item = { channel, seq, day, message, opening, hasRaw: true, recoveries: 0, parts: [] };
    items.set(seq, item);
    this.daily.count(item, 1);
    counts.add(channel, 'received', 1);
    if (message.fault) counts.add(channel, 'errored', 1).add(channel, 'openErrors', 1);
    else counts.add(channel, 'unrouted', 1);
    return { seq };
  }

  /** A message that has a settlement, or that the channel does not have, is left alone. */
  settle(channel: string, settlement: Settlement, now: number): void {
    const item = this.items.get(settlement.seq);
    if (!item || item.channel !== channel || item.settlement || item.message.fault) return;
    const { counts, daily } = this;
    daily.count(item, -1);
    item.settlement = settlement;
    item.parts = settlement.parts.map((part) => newPart(settlement.seq, part, now));
    counts.add(channel, 'unrouted', -1);
    if (settlement.error) counts.add(channel, 'errored', 1).add(channel, 'openErrors', 1);
    else if (item.parts.length === 0) counts.add(channel, 'filtered', 1);
    for (const { destination, status } of item.parts) counts.part(channel, destination, undefined, status);
    daily.count(item, 1);
    applyLevel(item);
  }

  change(channel: string, change: PartChange, now: number): void {
    const item = this.items.get(change.seq);
    if (item?.channel !== channel) return;
    this.daily.count(item, -1);
    if (change.destination === '') resolveMessage(item, change, this.counts, now);
    else changePart(item, change, this.counts, now);
    this.daily.count(item, 1);
  }

  /** Messages of a channel that have no settlement, in order. */
  unrouted(channel: string, after: number): readonly StoredMessage[] {
    const unrouted: StoredMessage[] = [];
    for (const { seq, message, recoveries, ...item } of this.items.values()) {
      if (item.channel !== channel || item.settlement || message.fault || seq <= after) continue;
      const { id, raw, meta, receivedAt, key, replayOf, only } = message;
      unrouted.push({
        ...{ id, seq, raw, meta, receivedAt, recoveries },
        ...(key === undefined ? {} : { key }),
        ...(replayOf === undefined ? {} : { replayOf }),
        ...(only ? { only } : {}),
      });
    }
    return unrouted;
  }

  /** Whether unrouted messages of a channel are there that other hubs stored. */
  foreign(channel: string, opening: Opening): boolean {
    for (const item of this.items.values())
      if (item.channel === channel && !item.settlement && !item.message.fault && item.opening !== opening) return true;
    return false;
  }

  queuedPart(part: MemoryPart): QueuedPart {
    return queuedPart(this.#item(part.seq), part);
  }

  /** Queued parts in order. */
  queue(channel: string, destination: string): MemoryPart[] {
    const queue: MemoryPart[] = [];
    for (const item of this.items.values()) {
      if (item.channel !== channel) continue;
      for (const part of item.parts) if (part.status === 'queued' && part.destination === destination) queue.push(part);
    }
    return queue.sort((a, b) => a.seq - b.seq || a.n - b.n);
  }

  /** Raw bytes of messages that are not settled, and frozen bytes of queued parts. */
  get backlogBytes(): number {
    let bytes = 0;
    for (const item of this.items.values()) {
      const queued = item.parts.filter((part) => part.status === 'queued');
      const unsettled = (!item.settlement && !item.message.fault) || queued.length > 0;
      if (unsettled) bytes += item.message.raw.length;
      for (const part of queued) bytes += part.bytes?.length ?? 0;
    }
    return bytes;
  }

  #item(seq: number): Item {
    return this.items.get(seq)!;
  }
}
