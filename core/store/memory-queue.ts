import { type MemoryPart, precedes } from './memory-message.ts';
import type { PartPosition, QueueState, Unblocked } from './message-store.ts';

const isHeld = (part: MemoryPart) => part.queued === 'waiting' || part.queued === 'blocked';

/** `MessageStore.unblock`, of the queue of one destination in order. */
export function unblock(queue: readonly MemoryPart[], key: string, limit: number): Unblocked {
  const parts: PartPosition[] = [];
  const keys = new Set<string>();
  for (const part of queue.filter((one) => one.keys.includes(key) && isHeld(one))) {
    if (parts.length === limit || part.queued === 'waiting') break;
    const sharesKey = (other: MemoryPart) => other.keys.some((one) => part.keys.includes(one));
    if (queue.some((other) => precedes(other, part) && isHeld(other) && sharesKey(other))) break;
    part.queued = 'ready';
    parts.push({ seq: part.seq, n: part.n });
    for (const each of part.keys) keys.add(each);
  }
  const next = queue.find((part) => part.keys.includes(key) && isHeld(part));
  return { parts, keys: [...keys], ...(next && { next: { seq: next.seq, n: next.n } }) };
}

/** `MessageStore.due`, of the queue of one destination in order. */
export function due(queue: readonly MemoryPart[], now: number, limit: number) {
  const time = (part: MemoryPart) => part.retryAt ?? 0;
  const waiting = queue.filter((part) => part.queued === 'waiting').sort((a, b) => time(a) - time(b));
  const parts = waiting.filter((part) => time(part) <= now).slice(0, limit);
  const next = waiting[parts.length];
  return { parts, nextRetryAt: next && time(next) };
}

/** `MessageStore.queueState`, of the queue of one destination in order. */
export function queueState(queue: readonly MemoryPart[], maxHeld: number): QueueState {
  const count = (status: string) => queue.filter((part) => part.queued === status).length;
  const retries = queue.flatMap((part) => (part.queued === 'waiting' ? [part.retryAt ?? 0] : []));
  const heads = new Map<string, PartPosition>();
  const held = new Set<string>();
  for (const part of queue) {
    for (const key of part.keys) {
      if (!heads.has(key)) heads.set(key, { seq: part.seq, n: part.n });
      if (isHeld(part)) held.add(key);
    }
  }
  return {
    ready: count('ready'),
    waiting: count('waiting'),
    blocked: count('blocked'),
    bytes: queue.reduce((sum, part) => sum + (part.bytes?.length ?? 0), 0),
    ...(queue.length > 0 ? { oldest: queue.reduce((oldest, part) => Math.min(oldest, part.queuedAt), Infinity) } : {}),
    ...(retries.length > 0 ? { nextRetryAt: retries.reduce((a, b) => Math.min(a, b)) } : {}),
    held: [...held]
      .sort()
      .slice(0, maxHeld)
      .map((key) => ({ key, head: heads.get(key)! })),
  };
}

/** The first of a list: at most `limit` of them, and none after `maxBytes` is reached. */
export function upTo<T>(all: readonly T[], limit: number, maxBytes: number, size: (one: T) => number): readonly T[] {
  let bytes = 0;
  const end = all.findIndex((one, index) => index === limit || (bytes += size(one)) >= maxBytes);
  return end < 0 ? all : all.slice(0, end === limit ? limit : end + 1);
}
