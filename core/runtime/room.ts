import type { ChannelOptions } from '../channel.ts';
import type { Clock } from '../component.ts';
import type { MessageStore } from '../store/message-store.ts';
import type { Backlog } from './backlog.ts';
import type { ChannelServices } from './channel-services.ts';
import type { CompiledChannel } from './compiled.ts';
import type { Slot } from './slot.ts';

export interface RoomHost {
  readonly channel: string;
  readonly clock: Clock;
  readonly store: Pick<MessageStore, 'queueState' | 'counts'>;
  readonly compiled: CompiledChannel;
  readonly options: ChannelOptions;
  /** What is on its way to the store. */
  readonly intake: { readonly appending: number; readonly appendingBytes: number };
  readonly backlog: Pick<Backlog, 'waiting' | 'live' | 'unroutedBytes'>;
  /** Senders of messages that another hub has. */
  readonly elsewhere: { readonly waiting: number };
  /** Whether another hub processes what this one stores. */
  readonly lease: { readonly isElsewhere: boolean };
  readonly services: Pick<ChannelServices, 'storeFull'>;
  roomAgain(): void;
}

const recountMs = 1_000;

/** Whether a channel takes more: what memory has room for, and the quota of its backlog (rule 26). */
export class Room {
  readonly #host: RoomHost;
  #queuedBytes = 0;
  /** Of messages that are stored and not routed, where another hub has the channel. */
  #unroutedElsewhere = 0;
  /** Of what this hub has stored while another one has the channel: how large a message is. */
  readonly #stored = { messages: 0, bytes: 0 };
  /** Rises when what was counted before is of no use any more. */
  #run = 0;
  #cancelRecount: (() => void) | undefined;

  constructor(host: RoomHost) {
    this.#host = host;
  }

  /** Memory has room for another batch. */
  get isThere(): boolean {
    const { intake, backlog, elsewhere, options } = this.#host;
    const { maxInFlight, maxInFlightBytes } = options.limits;
    let { appending: count, appendingBytes: size } = intake;
    // A late answer needs its message in memory; an early one only its way to the store.
    if (options.ackAfter !== 'stored') {
      count += backlog.waiting + elsewhere.waiting;
      size += backlog.live.bytes;
    }
    return count < maxInFlight && size < maxInFlightBytes;
  }

  /** The quota, or the store, is used up. */
  get isFull(): boolean {
    const { intake, backlog, services, options } = this.#host;
    const unrouted = backlog.unroutedBytes + this.#unroutedElsewhere;
    const bytes = this.#queuedBytes + unrouted + intake.appendingBytes;
    return services.storeFull() || bytes > options.limits.maxBacklogBytes;
  }

  /** The queues hold so many bytes more, or fewer. */
  queued(delta: number): void {
    this.#queuedBytes = Math.max(0, this.#queuedBytes + delta);
  }

  /** The bytes of the queues are added up as parts come and go; here they are what the store says. */
  recountSoon(): void {
    this.#cancelRecount ??= this.#host.clock.timer(recountMs, () => {
      this.#cancelRecount = undefined;
      this.#recount().then(
        () => this.#host.roomAgain(),
        () => this.recountSoon(),
      );
    });
  }

  async #recount(): Promise<void> {
    const { channel, store, compiled, lease } = this.#host;
    const states = compiled.destinations.map(({ name }) => store.queueState(channel, name, 0));
    const run = this.#run;
    const queued = (await Promise.all(states)).reduce((sum, { bytes }) => sum + bytes, 0);
    const unrouted = lease.isElsewhere ? await this.#unrouted() : 0;
    if (run !== this.#run) return;
    this.#queuedBytes = queued;
    this.#unroutedElsewhere = unrouted;
    if (lease.isElsewhere && this.isFull) this.recountSoon();
  }

  /** Another hub has the channel: the quota counts what that one has to do, once a second while messages come in, or none may. */
  storedForOthers(slots: readonly Slot[]): void {
    this.#stored.messages += slots.length;
    for (const { raw } of slots) this.#stored.bytes += raw.length;
    this.recountSoon();
  }

  /** The store counts messages that are not routed, not their bytes: each is taken to be as large as those that came in here. */
  async #unrouted(): Promise<number> {
    const { channel, store } = this.#host;
    const { messages, bytes } = this.#stored;
    const all = await store.counts();
    const count = all.find((each) => each.channel === channel)?.unrouted ?? 0;
    return messages === 0 ? 0 : Math.round((count * bytes) / messages);
  }

  /** Work begins or ends: nothing is queued, as far as anybody here knows. */
  forget(): void {
    this.#run += 1;
    this.#stored.messages = 0;
    this.#stored.bytes = 0;
    this.#queuedBytes = 0;
    this.#unroutedElsewhere = 0;
    this.#cancelRecount?.();
    this.#cancelRecount = undefined;
  }
}
