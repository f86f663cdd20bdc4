import type { MemoryCounts } from './memory-counts.ts';
import { applyLevel, type Item } from './memory-message.ts';
import type { PartChange } from './message-store.ts';

/** Closes the error of a message that failed before it had parts. */
export function resolveMessage(item: Item, change: PartChange, counts: MemoryCounts, now: number): void {
  const failed = item.message.fault ?? item.settlement?.error;
  if (!failed || item.resolved || change.from !== 'error' || change.to !== 'resolved') return;
  item.resolved = { at: now, ...change.by };
  counts.add(item.channel, 'openErrors', -1);
}

/** Changes one part, if it is in the status that the change names. */
export function changePart(item: Item, change: PartChange, counts: MemoryCounts, now: number): void {
  const part = item.parts.find((one) => one.destination === change.destination && one.n === change.n);
  if (!part || part.status !== change.from || part.resolved) return;
  switch (change.to) {
    case 'resolved':
      if (part.status === 'queued') return;
      part.resolved = { at: now, ...change.by };
      counts.part(item.channel, part.destination, 'error', undefined);
      break;
    case 'sent':
    case 'error':
      counts.part(item.channel, part.destination, part.status, change.to);
      part.status = change.to;
      part.queued = undefined;
      part.retryAt = undefined;
      part.attempts = change.attempts;
      part.sentAt = change.to === 'sent' ? change.sentAt : undefined;
      part.error = change.to === 'error' ? change.error : undefined;
      part.reply = change.reply ?? part.reply;
      break;
    case 'ready':
    case 'waiting':
    case 'blocked':
      if (!part.bytes) return;
      if (part.status === 'error') {
        part.queuedAt = now;
        counts.part(item.channel, part.destination, 'error', 'queued');
      }
      part.status = 'queued';
      part.queued = change.to;
      part.retryAt = change.to === 'waiting' ? change.retryAt : undefined;
      if (change.to !== 'blocked') part.attempts = change.attempts ?? part.attempts;
      if (change.to === 'waiting') part.error = change.error ?? part.error;
      break;
    default:
      change satisfies never;
  }
  applyLevel(item);
}
