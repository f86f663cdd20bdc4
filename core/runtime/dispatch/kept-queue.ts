import type { WorkStore } from '../../cluster/work-store.ts';
import { positionOf } from '../position.ts';
import type { HeldKeys } from './held-keys.ts';
import type { QueueWindow } from './queue-window.ts';

const noKeys: readonly string[] = [];

/** A destination's queue as the store keeps it: what is read of it at a start, and after writes that had failed. */
export interface KeptQueue {
  readonly store: WorkStore;
  readonly channel: string;
  readonly name: string;
  readonly held: HeldKeys;
  readonly window: QueueWindow;
}

export async function readQueue({ store, channel, name, held, window }: KeptQueue, maxHeldKeys: number) {
  const state = await store.queueState(channel, name, maxHeldKeys + 1);
  for (const { key, head } of state.held) held.restore(key, positionOf(head));
  if (state.ready > 0) window.added(0);
  if (state.nextRetryAt !== undefined) window.dueAt(state.nextRetryAt);
  return state;
}

/** `hold-key` holds over a restart too. */
export async function restoreDeadLetters({ store, channel, name, held }: KeptQueue, maxHeldKeys: number) {
  const query = { channel, destination: name, status: 'open-error', limit: 500 } as const;
  for (let cursor: string | undefined; ; ) {
    const page = await store.find(cursor === undefined ? query : { ...query, cursor });
    for (const { seq, parts } of page.messages) {
      for (const { destination, n, status, resolved, keys = noKeys } of parts) {
        if (destination !== name || status !== 'error' || resolved) continue;
        held.holdDead({ position: positionOf({ seq, n }), laneKeys: keys });
      }
    }
    cursor = page.cursor;
    if (cursor === undefined || held.size > maxHeldKeys) return;
  }
}
