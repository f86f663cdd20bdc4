import type { MessageStore, MessageSummary, PartSummary } from '../../store/message-store.ts';
import { isAbout } from '../dispatch/operator-holds.ts';
import type { Hold } from './job.ts';
import { Interrupted } from './turn.ts';
import { busyOf, type Run, type WorkHost } from './work.ts';

const countPage = 1_000;
const workPage = 500;

/** The parts of a message that this hold holds back, or that wait for one which it does. */
export function heldParts(hold: Hold, { seq, meta, parts }: MessageSummary): readonly PartSummary[] {
  if (seq <= hold.upTo) return [];
  return parts.filter(
    (part) =>
      part.queued === 'blocked' &&
      (hold.destination === undefined || part.destination === hold.destination) &&
      isAbout(hold, { meta, ...(part.keys && { keys: part.keys }) }),
  );
}

/** What a hold holds back, in order of seq, page by page; each page with the cursor that leads to it. */
export async function* heldBy(store: MessageStore, hold: () => Hold, limit: number, from?: string) {
  const { channel, destination } = hold();
  const query = { channel, status: 'queued', ascending: true, limit } as const;
  for (let cursor = from; ; ) {
    const found = await store.find({
      ...query,
      ...(destination !== undefined && { destination }),
      ...(cursor !== undefined && { cursor }),
    });
    yield { messages: found.messages.filter((message) => heldParts(hold(), message).length > 0), cursor };
    if (found.cursor === undefined) return;
    cursor = found.cursor;
  }
}

/** Lets go what a hold holds back, in order of seq, until nothing is left; then ends the hold. */
export async function workOnHold(host: WorkHost, run: Run): Promise<void> {
  const { order, progress, signal } = run;
  const hold = () => host.holds.get(order.hold!);
  if (!host.holds.list().some(({ id }) => id === order.hold)) return;
  if (progress.matched === undefined) {
    let matched = 0;
    for await (const { messages } of heldBy(host.store, hold, countPage)) matched += messages.length;
    progress.matched = matched;
    await run.reached();
  }
  // What arrives meanwhile is held back too, and found the next time.
  for (let [cursor, found] = [undefined as string | undefined, true]; found; ) {
    found = false;
    for await (const { messages, cursor: own } of heldBy(host.store, hold, workPage, cursor)) {
      if (signal.aborted) throw new Interrupted();
      for (const message of messages) {
        await run.turn.take(() => busyOf(host.channel(message.channel), destinationsOf(hold(), message)));
        await letGo(host, hold(), message);
        progress.add({ to: 'done' });
        progress.matched = Math.max(progress.matched, progress.handled);
        found = true;
        cursor = own;
      }
      if (messages.length > 0) await run.reached();
    }
  }
  await host.holds.remove(order.hold!);
}

function destinationsOf(hold: Hold, message: MessageSummary): readonly string[] {
  return heldParts(hold, message).map((part) => part.destination);
}

async function letGo({ store, holds, channel }: WorkHost, hold: Hold, message: MessageSummary): Promise<void> {
  const parts = heldParts(hold, message).map(({ destination, n }) => ({ destination, n, seq: message.seq }));
  holds.advance(hold.id, message.seq);
  await store.update(
    message.channel,
    parts.map((part) => ({ ...part, from: 'queued', to: 'ready' })),
  );
  for (const { destination, ...part } of parts)
    channel(message.channel)?.rowsChanged(destination, [{ ...part, ready: true }]);
}
