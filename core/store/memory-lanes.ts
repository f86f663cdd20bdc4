import { isKeyOf, type Lane, type LanePart, type LaneQuery } from './lane.ts';
import type { MemoryContents } from './memory-contents.ts';
import { type Item, type MemoryPart, precedes } from './memory-message.ts';
import type { OpenError, OpenErrorPage, OpenErrorQuery } from './open-error.ts';

/** `MessageStore.openErrors`. */
export function openErrors(all: MemoryContents, query: OpenErrorQuery): OpenErrorPage {
  const { limit, cursor } = query;
  const places = new Map<string, OpenError[]>();
  for (const item of all.items.values()) {
    for (const error of errorsOf(all, item)) {
      if (query.channel !== undefined && error.channel !== query.channel) continue;
      if (query.destination !== undefined && error.destination !== query.destination) continue;
      const place = `${error.channel}\0${error.destination}`;
      places.set(place, [...(places.get(place) ?? []), error]);
    }
  }
  const errors = [...places.keys()].sort().flatMap((place) => places.get(place) ?? []);
  const start = cursor === undefined ? 0 : errors.findIndex((error) => cursorOf(error) > cursor);
  const page = start < 0 ? [] : errors.slice(start, start + limit);
  return page.length === limit ? { errors: page, cursor: cursorOf(page.at(-1)!) } : { errors: page };
}

function cursorOf({ channel, destination, seq, n }: OpenError): string {
  return [channel, destination, String(seq).padStart(16, '0'), String(n).padStart(16, '0')].join('\0');
}

function errorsOf(all: MemoryContents, item: Item): readonly OpenError[] {
  const { channel, seq, message, settlement, resolved, parts } = item;
  const type = settlement?.type;
  const known = {
    id: message.id,
    seq,
    channel,
    receivedAt: message.receivedAt,
    ...(type === undefined ? {} : { type }),
  };
  const own = resolved ? undefined : (message.fault ?? settlement?.error);
  const whole = own ? [{ ...known, destination: '', n: 0, attempts: 0, error: own, holds: [] }] : [];
  const dead = parts.flatMap((part) => {
    const { destination, n, status, attempts, error } = part;
    if (status !== 'error' || !error || part.resolved) return [];
    const holds = part.keys.filter((key) => {
      const [head] = all.queue(channel, destination).filter(({ keys }) => keys.includes(key));
      return head?.queued === 'blocked' && precedes(part, head);
    });
    return [{ ...known, destination, n, attempts, error, holds }];
  });
  return [...whole, ...dead];
}

/** `MessageStore.lanes`. */
export function lanes(all: MemoryContents, { key, channel, limit }: LaneQuery): readonly Lane[] {
  const found = new Map<string, { readonly lane: Lane; readonly parts: LanePart[]; readonly dead: LanePart[] }>();
  for (const item of all.items.values()) {
    if (channel !== undefined && item.channel !== channel) continue;
    for (const part of item.parts) {
      const queued = part.status === 'queued';
      if (!queued && (part.status !== 'error' || part.resolved)) continue;
      for (const each of part.keys) {
        if (!isKeyOf(key, each) && !(queued && each === '')) continue;
        const name = JSON.stringify([item.channel, part.destination, each]);
        const { destination } = part;
        const lane = { channel: item.channel, destination, key: each, queued: 0, parts: [], deadLetters: [] };
        const entry = found.get(name) ?? { lane, parts: [], dead: [] };
        found.set(name, entry);
        (queued ? entry.parts : entry.dead).push(lanePart(item, part));
      }
    }
  }
  return [...found.values()].map(({ lane, parts, dead }) => ({
    ...lane,
    queued: parts.length,
    parts: parts.sort(byPlace).slice(0, limit),
    deadLetters: dead.sort(byPlace).slice(0, limit),
  }));
}

function byPlace(a: LanePart, b: LanePart): number {
  return a.seq - b.seq || a.n - b.n;
}

function lanePart({ message, settlement }: Item, part: MemoryPart): LanePart {
  const { seq, n, attempts, keys, queued, queuedAt, retryAt, error } = part;
  return {
    ...{ id: message.id, seq, n, receivedAt: message.receivedAt, attempts, keys },
    ...(settlement?.type === undefined ? {} : { type: settlement.type }),
    ...(queued ? { queued, queuedAt } : {}),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(error ? { error } : {}),
  };
}
