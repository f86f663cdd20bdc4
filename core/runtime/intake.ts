import { hash } from 'node:crypto';
import type { ChannelOptions } from '../channel.ts';
import type { Clock, Log } from '../component.ts';
import { asHubError, describeThrown, errorRecord, HubError } from '../errors.ts';
import { noMeta } from '../format.ts';
import type { Arrival } from '../message.ts';
import type { Delivery, Intake } from '../source.ts';
import type { Appended, MessageStore, NewMessage } from '../store/message-store.ts';
import type { CompiledChannel } from './compiled.ts';
import { BatchDelivery } from './delivery.ts';
import type { DuplicateOf } from './duplicates.ts';
import { Slot } from './slot.ts';

export interface IntakeHost {
  readonly channel: string;
  readonly store: MessageStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly services: { readonly newId: () => string };
  readonly compiled: CompiledChannel;
  readonly options: ChannelOptions;
  /** `isThere`: memory has room for another batch now; `isFull`: the quota of the backlog, or the store, is used up. */
  readonly room: { readonly isThere: boolean; readonly isFull: boolean };
  /** The channel is stopping. */
  draining(): boolean;
  /** Why a message is not for this hub at all: it is kept as a fault. */
  refusal(raw: Uint8Array): HubError | undefined;
  /** Stored messages in seq order, and faults, which are done. */
  stored(slots: readonly Slot[]): void;
  duplicate(of: DuplicateOf, delivery: BatchDelivery, index: number): void;
}

/** Values at least this long are kept beside their row. */
const largeBytes = 64 * 1024;

interface Waiter {
  readonly go: () => void;
  readonly fail: (error: unknown) => void;
}

/** A channel's intake: commit 1 of rule 5, and the room that senders wait for. */
export class ChannelIntake implements Intake {
  readonly #host: IntakeHost;
  #waiters: Waiter[] = [];
  /** Messages on their way to the store. */
  appending = 0;
  appendingBytes = 0;
  dropped = 0;

  constructor(host: IntakeHost) {
    this.#host = host;
  }

  async accept(batch: readonly Arrival[], signal: AbortSignal): Promise<Delivery> {
    this.#refuse();
    // Without a place in the queue of waiters nobody overtakes: seq follows call order.
    while (this.#waiters.length > 0 || this.#host.room.isFull) {
      await this.#room(signal);
      this.#refuse();
    }
    const delivery = this.#append(batch);
    if (!this.#host.room.isThere) await this.#room(signal);
    return delivery;
  }

  tryAccept(batch: readonly Arrival[]): Delivery | undefined {
    if (this.#host.draining() || this.#waiters.length > 0 || this.#host.room.isFull || !this.#host.room.isThere) {
      this.dropped += batch.length;
      return undefined;
    }
    return this.#append(batch);
  }

  #refuse(): void {
    const { channel } = this.#host;
    if (this.#host.draining())
      throw new HubError('draining', 'transient', `accepting for ${channel}: the channel is stopping`);
    if (this.#host.options.limits.whenFull === 'reject' && this.#host.room.isFull)
      throw new HubError('store-full', 'transient', `accepting for ${channel}: the message store is full`);
  }

  #room(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters = this.#waiters.filter((each) => each !== waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        go: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
        fail: (error) => {
          signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  readonly #onError = (thrown: unknown): void => {
    const { channel, log } = this.#host;
    log.error({ channel, error: describeThrown(thrown) }, 'a receipt handler failed');
  };

  /** There may be room again. */
  wake(): void {
    while (this.#waiters.length > 0 && (this.#host.draining() || (this.#host.room.isThere && !this.#host.room.isFull)))
      this.#waiters.shift()!.go();
  }

  #append(batch: readonly Arrival[]): BatchDelivery {
    const host = this.#host;
    const delivery = new BatchDelivery(batch.length, this.#onError);
    const receivedAt = host.clock.now();
    let size = 0;
    const messages: NewMessage[] = [];
    for (const arrival of batch) {
      size += arrival.raw.length;
      messages.push(this.#newMessage(arrival, receivedAt));
    }
    this.appending += batch.length;
    this.appendingBytes += size;
    host.store.append(host.channel, messages).then(
      (appended) => {
        this.appending -= batch.length;
        this.appendingBytes -= size;
        this.#appended(batch, messages, appended, delivery);
        this.wake();
      },
      (thrown) => {
        this.appending -= batch.length;
        this.appendingBytes -= size;
        const error = asHubError(thrown, 'store-failed', `storing for ${host.channel}`, 'transient');
        host.log.error({ channel: host.channel, code: error.code, scope: error.scope }, error.message);
        for (let index = 0; index < batch.length; index++)
          delivery.reach('settled', index, { outcome: { status: 'error', error: errorRecord(error) } });
        this.wake();
      },
    );
    return delivery;
  }

  #newMessage(arrival: Arrival, receivedAt: number): NewMessage {
    const { raw } = arrival;
    const message: { -readonly [K in keyof NewMessage]: NewMessage[K] } = {
      id: this.#host.services.newId(),
      raw,
      meta: arrival.meta ?? noMeta,
      receivedAt,
    };
    if (arrival.key !== undefined) message.key = arrival.key;
    const fault = arrival.fault ?? this.#host.refusal(raw);
    if (fault) message.fault = errorRecord(fault);
    else if (this.#host.options.duplicates === 'detect' && arrival.dedupeKey !== undefined)
      message.dedupe = { key: arrival.dedupeKey, contentHash: arrival.contentHash ?? hash('sha256', raw) };
    const { format } = this.#host.compiled;
    if (raw.length >= largeBytes && format.largeValues) {
      const large = format.largeValues(raw, largeBytes);
      if (large.length > 0) message.large = large;
    }
    return message;
  }

  #appended(
    batch: readonly Arrival[],
    messages: readonly NewMessage[],
    appended: readonly Appended[],
    delivery: BatchDelivery,
  ): void {
    const slots: Slot[] = [];
    for (let index = 0; index < batch.length; index++) {
      const result = appended[index]!;
      if ('duplicateOf' in result) {
        this.#host.duplicate(result.duplicateOf, delivery, index);
        continue;
      }
      const message = messages[index]!;
      const { fault } = message;
      if (fault) {
        delivery.reach('settled', index, { id: message.id, outcome: { status: 'error', error: fault } });
        continue;
      }
      const slot = new Slot(
        message.id,
        result.seq,
        message.raw,
        message.meta,
        message.receivedAt,
        message.key,
        message.replayOf,
        message.only,
      );
      if (result.foreign) slot.behindForeign = true;
      slots.push(slot);
      delivery.reach('stored', index, slot.receipt({ status: 'stored' }));
      // What is over is let go: until the message is settled it would be the most of it that garbage collection moves about.
      if (delivery.isOver(this.#host.options.ackAfter)) continue;
      slot.delivery = delivery;
      slot.index = index;
    }
    if (slots.length > 0) this.#host.stored(slots);
  }
}
