import type { MessageQuery, MessageStatus, MessageSummary, PartStatus, PartSummary } from './message-store.ts';

const rank: Record<MessageStatus, number> = { filtered: 0, sent: 1, queued: 2, error: 3, received: 4 };

/** How a message stands whose first pass has ended: the worst of its parts, `error` where it failed before it had any. */
export function standing(failed: boolean, parts: readonly { readonly status: PartStatus }[]): MessageStatus {
  let worst: MessageStatus = failed ? 'error' : 'filtered';
  for (const part of parts) if (rank[part.status] > rank[worst]) worst = part.status;
  return worst;
}

/** A part, or a message that failed before it had parts, that is in error and that nobody has closed. */
export function isOpenError(it: Pick<PartSummary, 'error' | 'resolved'> & { readonly status: string }): boolean {
  return it.status === 'error' && it.error !== undefined && it.resolved === undefined;
}

/** Whether a message is one that the query asks for. `status` is the destination's where one is named, else the message's. */
export function matches(query: MessageQuery, message: MessageSummary): boolean {
  if (query.channel !== undefined && query.channel !== message.channel) return false;
  if (query.id !== undefined && query.id !== message.id) return false;
  if (query.replayOf !== undefined && query.replayOf !== message.replayOf) return false;
  if (query.from !== undefined && message.receivedAt < query.from) return false;
  if (query.to !== undefined && message.receivedAt >= query.to) return false;
  for (const name in query.meta) if (message.meta[name] !== query.meta[name]) return false;
  const { destination, status } = query;
  if (destination === undefined) return status === undefined || statusMatches(status, message);
  const parts = message.parts.filter((part) => part.destination === destination);
  return parts.some((part) => status === undefined || statusOfPartMatches(status, part));
}

function statusMatches(status: NonNullable<MessageQuery['status']>, message: MessageSummary): boolean {
  if (status !== 'open-error') return message.status === status;
  const own = message.error !== undefined && message.resolved === undefined;
  return own || message.parts.some(isOpenError);
}

function statusOfPartMatches(status: NonNullable<MessageQuery['status']>, part: PartSummary): boolean {
  return status === 'open-error' ? isOpenError(part) : part.status === status;
}
