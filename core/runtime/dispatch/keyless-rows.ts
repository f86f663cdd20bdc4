import type { WorkStore } from '../../cluster/work-store.ts';
import type { PartPosition } from '../../store/message-store.ts';
import type { OperatorHolds } from './operator-holds.ts';

const page = 500;

/**
 * Makes blocked parts without keys ready that no operator holds: where a destination keeps no order nothing else in the store
 * would ever unblock them. Resolves with what it made ready.
 */
export async function freeKeyless(
  store: WorkStore,
  channel: string,
  destination: string,
  holds: OperatorHolds,
): Promise<readonly PartPosition[]> {
  // Answered after every write before it: what was blocked just now is found below.
  const { blocked } = await store.queueState(channel, destination, 1);
  const freed: PartPosition[] = [];
  if (blocked === 0) return freed;
  const query = { channel, destination, status: 'queued', ascending: true, limit: page } as const;
  for (let cursor: string | undefined; ; ) {
    const found = await store.find(cursor === undefined ? query : { ...query, cursor });
    const free = found.messages.flatMap(({ seq, meta, parts }) =>
      parts
        .filter(
          (part) =>
            part.destination === destination &&
            part.queued === 'blocked' &&
            (part.keys ?? []).length === 0 &&
            !holds.blocks(seq, { meta }),
        )
        .map(({ n }) => ({ seq, n })),
    );
    if (free.length > 0)
      await store.update(
        channel,
        free.map((each) => ({ ...each, destination, from: 'queued', to: 'ready' })),
      );
    freed.push(...free);
    cursor = found.cursor;
    if (cursor === undefined) return freed;
  }
}
