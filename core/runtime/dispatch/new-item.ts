import type { Erased } from '../../channel.ts';
import type { Format } from '../../format.ts';
import type { QueuedPart } from '../../store/message-store.ts';
import { positionOf } from '../position.ts';
import { OutgoingMessage, type Slot } from '../slot.ts';
import type { Item } from './item.ts';

/** Where a part goes. */
export interface PartTo {
  readonly channel: string;
  readonly destination: string;
  readonly format: Format<Erased>;
}

/** A part on its first pass. */
export function offeredItem(
  { channel, destination, format }: PartTo,
  slot: Slot,
  n: number,
  payload: unknown,
  laneKeys: readonly string[],
  now: number,
): Item {
  const identity = {
    id: slot.id,
    seq: slot.seq,
    channel,
    keys: slot.keys,
    receivedAt: slot.receivedAt,
    version: slot.compiled!.version,
    replayOf: slot.replayOf,
    meta: slot.meta,
  };
  return {
    seq: slot.seq,
    n,
    position: positionOf({ seq: slot.seq, n }),
    message: new OutgoingMessage(identity, destination, n, format, { payload }),
    laneKeys,
    lanesAhead: 0,
    attempts: 0,
    firstQueuedAt: now,
    slot,
    backed: false,
    state: 'limbo',
  };
}

/** A part that is a row of the store's queue, with its frozen bytes. */
export function itemOfRow({ channel, destination, format }: PartTo, row: QueuedPart): Item {
  const identity = { ...row, channel, replayOf: row.replayOf };
  return {
    seq: row.seq,
    n: row.n,
    position: positionOf(row),
    message: new OutgoingMessage(identity, destination, row.n, format, { bytes: row.bytes }),
    laneKeys: row.keys,
    lanesAhead: 0,
    attempts: row.attempts,
    firstQueuedAt: row.firstQueuedAt,
    slot: undefined,
    backed: true,
    state: 'lane',
  };
}
