import type { ChannelOptions } from '../channel.ts';
import type { StoredMessage } from '../store/message-store.ts';
import type { BatchDelivery } from './delivery.ts';
import { Slot } from './slot.ts';
import { Slots } from './slots.ts';

/** Somebody waits for what becomes of a message that is stored. */
export interface Awaited {
  readonly id: string | undefined;
  readonly seq: number;
  readonly delivery: BatchDelivery;
  readonly index: number;
}

/** Messages of this hub that wait behind others until their first pass begins, and the way back to their senders. */
export class Behind {
  /** In memory, until what other hubs stored before them has been read. */
  readonly held = new Slots();
  /** Of messages that are in the store only. */
  readonly #parked = new Map<number, { readonly delivery: BatchDelivery; readonly index: number }>();

  get size(): number {
    return this.#parked.size + this.held.size;
  }

  /** The message is in the store only; whoever waits for it has its delivery again when it comes back. */
  park({ seq, delivery, index }: Slot): void {
    if (delivery) this.#parked.set(seq, { delivery, index });
  }

  /** A stored message comes into memory. */
  slotOf(row: StoredMessage): Slot {
    const slot = new Slot(row.id, row.seq, row.raw, row.meta, row.receivedAt, row.key, row.replayOf, row.only);
    const parked = this.#parked.get(row.seq);
    if (parked) {
      this.#parked.delete(row.seq);
      slot.delivery = parked.delivery;
      slot.index = parked.index;
    }
    return slot;
  }

  /** Hands over who waits for what, and forgets them and the messages: those are in the store. */
  handOver(): readonly Awaited[] {
    const awaited: Awaited[] = [];
    for (const { id, seq, delivery, index } of this.held.all())
      if (delivery) awaited.push({ id, seq, delivery, index });
    for (const [seq, { delivery, index }] of this.#parked) awaited.push({ id: undefined, seq, delivery, index });
    this.held.clear();
    this.#parked.clear();
    return awaited;
  }

  /** The end of a drain: whoever waits learns that no answer will come. */
  abandon(): void {
    for (const { delivery, index } of this.#parked.values())
      delivery.reach('settled', index, { outcome: { status: 'draining' } });
    this.#parked.clear();
    for (const { id, delivery, index } of this.held.all())
      delivery?.reach('settled', index, { id, outcome: { status: 'draining' } });
  }
}

/** Whether anybody waits for more than its being stored. */
export function isAwaited(
  delivery: BatchDelivery | undefined,
  { ackAfter }: ChannelOptions,
): delivery is BatchDelivery {
  return delivery !== undefined && (delivery.late || ackAfter !== 'stored');
}
