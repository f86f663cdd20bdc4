import type { MessageStore, NewMessage, Part, PartChange, QueuedStatus } from '../store/message-store.ts';
import { analyst, channel, newMessage, refused, sentPart, settlement, start, undecodable } from './store-fixture.ts';

const channels = [channel, 'oru'] as const;
const types = ['ADT^A01', 'ADT^A08', 'ORU^R01', undefined] as const;
const hourMs = 3_600_000;

/** What the traffic came to. */
export interface Traffic {
  readonly appended: number;
  readonly duplicates: number;
}

/**
 * A few days of two channels, in random order: messages with and without a dedupe key, faults and replays; first passes with several
 * destinations and outputs; what is queued is sent, fails, waits; dead letters are retried, closed or left; some of it twice,
 * some of it again after the store was opened anew.
 */
export async function randomTraffic(
  opened: MessageStore,
  random: () => number,
  reopen: () => Promise<MessageStore>,
): Promise<Traffic> {
  let store = opened;
  let appended = 0;
  let duplicates = 0;
  const ids: string[] = [];
  const unrouted: { readonly of: string; readonly seq: number }[] = [];
  const parts: { readonly of: string; readonly seq: number; readonly part: Part }[] = [];
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

  const arrive = async () => {
    const of = pick(channels);
    const batch = Array.from({ length: 1 + Math.floor(random() * 4) }, (): NewMessage => {
      const key = `k${Math.floor(random() * 30)}`;
      return newMessage({
        receivedAt: start + Math.floor(random() * 90) * hourMs,
        ...(random() < 0.3 ? { dedupe: { key, contentHash: pick(['a', 'b']) } } : {}),
        ...(random() < 0.1 ? { fault: undecodable } : {}),
        ...(random() < 0.1 && ids.length > 0 ? { replayOf: pick(ids) } : {}),
      });
    });
    (await store.append(of, batch)).forEach((answer, index) => {
      if ('duplicateOf' in answer) {
        duplicates++;
        return;
      }
      appended++;
      ids.push(batch[index]!.id);
      if (!batch[index]!.fault) unrouted.push({ of, seq: answer.seq });
    });
  };
  const settle = async () => {
    const [next] = unrouted.splice(Math.floor(random() * unrouted.length), 1);
    if (!next) return;
    const type = pick(types);
    const failed = random() < 0.1;
    const made = failed ? [] : partsOf(random, pick);
    for (const part of made) parts.push({ ...next, part });
    const fields = { ...(type === undefined ? {} : { type }), ...(failed ? { error: undecodable } : {}) };
    const content = pick(['full', 'raw', 'metadata'] as const);
    const settled = settlement(next.seq, made, { ...fields, content });
    await store.settle(next.of, random() < 0.1 ? [settled, settled] : [settled]);
  };
  const change = async () => {
    if (parts.length === 0) return;
    const { of, seq, part } = pick(parts);
    const name = { destination: part.destination, n: part.n, seq };
    const changes = changesOf(name, pick([0, 1, 2, 3, 4, 5, 6]));
    await store.update(of, random() < 0.1 ? [...changes, ...changes] : changes);
  };
  for (let step = 0; step < 400; step++) {
    if (step % 130 === 129) store = await reopen();
    const chance = random();
    await (chance < 0.35 ? arrive() : chance < 0.65 ? settle() : change());
  }
  return { appended, duplicates };
}

function partsOf(random: () => number, pick: <T>(all: readonly T[]) => T): Part[] {
  const parts: Part[] = [];
  for (const destination of ['lab', 'ris', 'archive']) {
    const outputs = random() < 0.2 ? 2 : random() < 0.1 ? 0 : 1;
    for (let n = 0; n < outputs; n++) parts.push(partOf(destination, n, random(), pick));
  }
  return parts;
}

function partOf(destination: string, n: number, chance: number, pick: <T>(all: readonly T[]) => T): Part {
  const keys = [pick(['a', 'b', 'c'])];
  const bytes = new Uint8Array(8);
  if (chance < 0.3) return { destination, n, status: 'filtered' };
  if (chance < 0.5) return { ...sentPart(destination, n), attempts: pick([1, 2]) };
  if (chance < 0.65) return { destination, n, status: 'error', error: refused, attempts: 1, keys, bytes };
  const queued = pick<QueuedStatus>(['ready', 'waiting', 'blocked']);
  return { destination, n, status: 'queued', queued, attempts: 1, keys, bytes, retryAt: start };
}

function changesOf(name: Pick<PartChange, 'destination' | 'seq' | 'n'>, which: number): readonly PartChange[] {
  const failed = { ...name, from: 'queued', to: 'error', error: refused, attempts: 3 } as const;
  const closed = { ...name, from: 'error', to: 'resolved', by: analyst } as const;
  switch (which) {
    case 0:
    case 1:
      return [{ ...name, from: 'queued', to: 'sent', sentAt: start + 30 * hourMs, attempts: 2 }];
    case 2:
      return [failed];
    case 3:
      return [{ ...name, from: 'error', to: 'ready' }];
    case 4:
      return [{ ...name, from: 'queued', to: 'waiting', attempts: 2, retryAt: start }];
    case 5:
      return [closed];
    default:
      return [failed, closed];
  }
}
