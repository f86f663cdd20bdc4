import type { ChannelOptions } from '../channel.ts';
import type { Log } from '../component.ts';
import { describeThrown, HubError } from '../errors.ts';
import type { MessageStore, NewMessage } from '../store/message-store.ts';
import { BatchDelivery } from './delivery.ts';
import { Slot } from './slot.ts';

export interface EntrancesHost {
  readonly channel: string;
  readonly store: Pick<MessageStore, 'append'>;
  readonly log: Log;
  readonly options: ChannelOptions;
  /** Whether what is stored here is processed here. */
  readonly lease: { readonly takes: boolean };
  /** The channel has stopped here. */
  halted(): boolean;
  stored(slots: readonly Slot[]): void;
  /** Where another hub has the channel: calls `done` when that has routed the message, or after a time. */
  readonly elsewhere: { untilRouted(seq: number, done: () => void): void };
}

/** The ways into a channel beside its source. */
export class Entrances {
  readonly #host: EntrancesHost;
  /** Replays of jobs whose first pass is not over, with who waits for that. */
  readonly #replays = new Map<number, () => void>();

  constructor(host: EntrancesHost) {
    this.#host = host;
  }

  /** Replays of jobs that are in memory. */
  get replays(): number {
    return this.#replays.size;
  }

  /** Stores a message as if it had arrived, e.g. a replay, and answers with its delivery; undefined where it has it already. */
  async inject(message: NewMessage): Promise<BatchDelivery | undefined> {
    const { channel, store, log } = this.#host;
    const delivery = new BatchDelivery(1, (thrown) =>
      log.error({ channel, error: describeThrown(thrown) }, 'a receipt handler failed'),
    );
    delivery.late = true;
    const [appended] = await store.append(channel, [message]);
    if (!appended || !('seq' in appended)) return undefined;
    const slot = newSlot(message, appended);
    slot.delivery = delivery;
    delivery.reach('stored', 0, slot.receipt({ status: 'stored' }));
    this.#host.stored([slot]);
    return delivery;
  }

  /**
   * Stores the replay of a job, for which nobody waits. Resolves when it is durable, with `left` for when its first pass is over;
   * undefined where it was stored before, which its `dedupe` tells.
   */
  async replay(message: NewMessage): Promise<{ readonly left: Promise<void> } | undefined> {
    const { channel, store, options } = this.#host;
    if (options.mode === 'query')
      throw new HubError('not-allowed', 'permanent', `replaying in ${channel}: queries are asked again instead`);
    const [appended] = await store.append(channel, [message]);
    if (!appended || !('seq' in appended)) return undefined;
    const { seq } = appended;
    const slot = newSlot(message, appended);
    const { promise: left, resolve } = Promise.withResolvers<void>();
    if (this.#host.lease.takes) this.#replays.set(seq, resolve);
    else this.#host.elsewhere.untilRouted(seq, resolve);
    this.#host.stored([slot]);
    if (this.#host.halted()) this.left(seq);
    return { left };
  }

  /** The first pass of a message is over. */
  left(seq: number): void {
    this.#replays.get(seq)?.();
    this.#replays.delete(seq);
  }

  /** Nothing is in memory any more. */
  forget(): void {
    for (const seq of this.#replays.keys()) this.left(seq);
  }
}

function newSlot(message: NewMessage, { seq, foreign }: { readonly seq: number; readonly foreign?: boolean }): Slot {
  const { id, raw, meta, receivedAt, key, replayOf, only } = message;
  const slot = new Slot(id, seq, raw, meta, receivedAt, key, replayOf, only);
  if (foreign) slot.behindForeign = true;
  return slot;
}
