import type { ErrorRecord } from '../errors.ts';
import type {
  MessageSummary,
  NewMessage,
  Part,
  PartPosition,
  PartStatus,
  PartSummary,
  QueuedPart,
  QueuedStatus,
  Resolution,
  Settlement,
} from './message-store.ts';
import { standing } from './standing.ts';

/** A message as the memory store keeps it. */
export interface Item {
  readonly channel: string;
  readonly seq: number;
  /** That it was received on. */
  readonly day: number;
  readonly message: NewMessage;
  /** Who stored it, where several hubs share the contents. */
  readonly opening?: { readonly hub: string } | undefined;
  hasRaw: boolean;
  recoveries: number;
  settlement?: Settlement;
  resolved?: Resolution;
  parts: MemoryPart[];
}

export interface MemoryPart extends PartPosition {
  readonly destination: string;
  readonly keys: readonly string[];
  status: PartStatus;
  queued: QueuedStatus | undefined;
  attempts: number;
  queuedAt: number;
  retryAt: number | undefined;
  sentAt: number | undefined;
  error: ErrorRecord | undefined;
  resolved: Resolution | undefined;
  bytes: Uint8Array | undefined;
  reply: Uint8Array | undefined;
}

export function newPart(seq: number, part: Part, now: number): MemoryPart {
  const { destination, n, status } = part;
  return {
    destination,
    seq,
    n,
    status,
    keys: 'keys' in part ? part.keys : [],
    queued: status === 'queued' ? part.queued : undefined,
    attempts: status === 'filtered' ? 0 : part.attempts,
    queuedAt: now,
    retryAt: status === 'queued' && part.queued === 'waiting' ? part.retryAt : undefined,
    sentAt: status === 'sent' ? part.sentAt : undefined,
    error: 'error' in part ? part.error : undefined,
    resolved: undefined,
    bytes: 'bytes' in part ? part.bytes : undefined,
    reply: 'reply' in part ? part.reply : undefined,
  };
}

export function precedes(a: PartPosition, b: PartPosition): boolean {
  return a.seq < b.seq || (a.seq === b.seq && a.n < b.n);
}

function isQueued(item: Item): boolean {
  return item.parts.some((part) => part.status === 'queued');
}

/** Not settled, or an open error: what pruning leaves alone (rule 8). */
export function isOpen(item: Item): boolean {
  if (!item.settlement && !item.message.fault) return true;
  if ((item.message.fault ?? item.settlement?.error) && !item.resolved) return true;
  return item.parts.some((part) => part.status === 'queued' || (part.status === 'error' && !part.resolved));
}

export function queuedPart({ message, settlement }: Item, part: MemoryPart): QueuedPart {
  const { destination, seq, n, keys, attempts, queuedAt, retryAt, bytes } = part;
  return {
    ...{ destination, seq, n, keys, attempts, firstQueuedAt: queuedAt },
    id: message.id,
    receivedAt: message.receivedAt,
    version: settlement?.version ?? '',
    ...(message.replayOf === undefined ? {} : { replayOf: message.replayOf }),
    meta: { ...message.meta, ...settlement?.meta },
    ...(retryAt === undefined ? {} : { retryAt }),
    bytes: bytes ?? new Uint8Array(0),
  };
}

export function summarize({ channel, seq, message, settlement, resolved, parts }: Item): MessageSummary {
  const error = message.fault ?? settlement?.error;
  return {
    ...{ id: message.id, seq, channel, receivedAt: message.receivedAt },
    status: settlement || message.fault ? standing(error !== undefined, parts) : 'received',
    ...(settlement?.type === undefined ? {} : { type: settlement.type }),
    ...(settlement ? { version: settlement.version } : {}),
    ...(message.replayOf === undefined ? {} : { replayOf: message.replayOf }),
    meta: { ...message.meta, ...settlement?.meta },
    size: message.raw.length,
    ...(error ? { error } : {}),
    ...(resolved ? { resolved } : {}),
    parts: parts.map(summarizePart),
  };
}

function summarizePart(part: MemoryPart): PartSummary {
  const { destination, n, status, queued, attempts, sentAt, retryAt, error, resolved, keys } = part;
  return {
    ...{ destination, n, status, attempts },
    ...(queued ? { queued } : {}),
    ...(keys.length > 0 ? { keys } : {}),
    ...(sentAt === undefined ? {} : { sentAt }),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(error ? { error } : {}),
    ...(resolved ? { resolved } : {}),
  };
}

/** The content level, once no part is queued (rule 8). */
export function applyLevel(item: Item): void {
  const level = item.settlement?.content ?? 'full';
  if (level === 'full' || isQueued(item)) return;
  if (level === 'metadata') item.hasRaw = false;
  for (const part of item.parts) {
    if (level === 'raw' && part.status === 'error' && !part.resolved) continue;
    part.bytes = undefined;
    part.reply = undefined;
  }
}

/** Whether there was any. */
export function dropContent(item: Item): boolean {
  const had = item.hasRaw || item.parts.some((part) => part.bytes || part.reply);
  item.hasRaw = false;
  for (const part of item.parts) {
    part.bytes = undefined;
    part.reply = undefined;
  }
  return had;
}
