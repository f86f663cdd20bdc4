import type { ChannelOptions } from '../channel.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Clock, Log } from '../component.ts';
import { asHubError, describeThrown } from '../errors.ts';
import { type Awaited, Behind, isAwaited } from './behind.ts';
import type { ChannelState } from './channel-state.ts';
import type { CompiledChannel } from './compiled.ts';
import { recoverCounted } from './recovery.ts';
import type { Slot } from './slot.ts';
import { inOrder, Slots } from './slots.ts';
import type { Work } from './work.ts';

export interface BacklogHost {
  readonly channel: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly cluster: Cluster | undefined;
  readonly options: ChannelOptions;
  readonly compiled: CompiledChannel;
  readonly state: ChannelState;
  /** What is under way; nothing where another hub has the channel. */
  readonly work: { readonly current: Work | undefined };
  /** Where the first pass of a message begins. */
  readonly pipeline: { push(slot: Slot): void };
  /** Who has to know that it is over. */
  readonly entrances: { left(seq: number): void };
  /** They wait until all that was stored before this run is routed. */
  readonly destinations: { olderCame(): void };
  /** There may be room again for what comes in. */
  roomAgain(): void;
}

/** Read in one go. */
export const refillBytes = 16 * 1024 * 1024;
const refillMessages = 1_000;
const againMs = 250;

/**
 * The messages of a channel whose first pass is not over: as many as have room are in memory, the others in the store, and they go on
 * in the order in which they were stored, whoever stored them.
 */
export class Backlog {
  /** In memory, on their first pass. */
  readonly live = new Slots();
  readonly #host: BacklogHost;
  readonly #behind = new Behind();
  #unroutedBytes = 0;
  /** The lowest seq that this run of the channel stored. */
  #firstStored = Number.POSITIVE_INFINITY;
  /** Stored messages are waiting that are not in memory: what comes now goes behind them. */
  #overflow = true;
  #cursor = -1;
  /** The last message that was read of a shared store. */
  #readUpTo = -1;
  /** Messages may wait in the store that this hub stored itself, and that are not in memory. */
  #ownInStore = true;
  #refilling = false;
  #storedWhileRefilling = false;
  #recovering = false;
  #olderToCome = false;
  #idle: (() => void)[] = [];

  constructor(host: BacklogHost) {
    this.#host = host;
  }

  /** Of messages that are stored and not routed, as far as this run knows of them. */
  get unroutedBytes(): number {
    return this.#unroutedBytes;
  }
  /** Messages whose senders may wait for more than `stored`. */
  get waiting(): number {
    return this.live.size + this.#behind.size;
  }
  /** More is to be done than what comes in. */
  get isBehind(): boolean {
    return this.#overflow || this.#recovering;
  }
  /** Messages of an earlier run are not all routed: the queues, which may hold newer ones, wait for them. */
  get olderToCome(): boolean {
    return this.#olderToCome;
  }
  /** Whether there is room for messages that other hubs stored. */
  get hasRoomForForeign(): boolean {
    return !this.#recovering && this.live.size <= this.#host.options.limits.maxInFlight / 2;
  }

  /** This hub has stored them: what has room goes on, the rest comes in its turn. */
  add(slots: readonly Slot[]): void {
    const { maxInFlight, maxInFlightBytes } = this.#host.options.limits;
    const { held } = this.#behind;
    for (const slot of slots) {
      if (slot.behindForeign) this.#overflow = true;
      this.#firstStored = Math.min(this.#firstStored, slot.seq);
      this.#unroutedBytes += slot.raw.length;
      const room =
        this.live.size < maxInFlight && (this.live.bytes + slot.raw.length <= maxInFlightBytes || this.live.size === 0);
      if (!this.#overflow && room) {
        this.#process(slot);
        continue;
      }
      this.#overflow = true;
      if (this.#refilling) this.#storedWhileRefilling = true;
      if (this.#host.cluster && held.size < maxInFlight && held.bytes < maxInFlightBytes) {
        held.add(slot);
        continue;
      }
      this.#ownInStore = true;
      if (isAwaited(slot.delivery, this.#host.options)) this.#behind.park(slot);
    }
    if (this.#overflow) this.#refill();
  }

  /** Other hubs have stored messages. */
  foreignStored(): void {
    this.#overflow = true;
    this.#refill();
  }

  #process(slot: Slot, counted = slot.seq >= this.#firstStored): void {
    // What was stored by an earlier run, or another hub, is counted when it comes into memory.
    if (!counted) this.#unroutedBytes += slot.raw.length;
    this.#cursor = slot.seq;
    this.live.add(slot);
    this.#host.pipeline.push(slot);
  }

  /** The first pass of these is over and committed. */
  passed(slots: readonly Slot[]): void {
    for (const slot of slots) {
      if (!this.live.delete(slot)) continue;
      this.#host.entrances.left(slot.seq);
      this.#unroutedBytes -= slot.raw.length;
    }
    if (this.#overflow) this.#refill();
    this.#lookForOlder();
    this.#host.roomAgain();
    if (this.live.size === 0) this.wakeIdle();
  }

  /** Whether all that an earlier run stored is routed now. It comes into memory first, in order. */
  #lookForOlder(): void {
    if (!this.#olderToCome || this.#recovering) return;
    if (this.#host.cluster) {
      const { olderUpTo } = this.#host.work.current!;
      if (this.#overflow && this.#readUpTo < olderUpTo) return;
      for (const seq of this.live.seqs()) if (seq <= olderUpTo) return;
    } else {
      if (this.#overflow && this.#cursor < this.#firstStored) return;
      const [first = Number.POSITIVE_INFINITY] = this.live.seqs();
      if (first < this.#firstStored) return;
    }
    this.#olderToCome = false;
    this.#host.destinations.olderCame();
  }

  /** Takes stored messages into memory where there is room, in order, until none is left. */
  #refill(): void {
    const { channel, clock, log, cluster, options } = this.#host;
    const { maxInFlight, maxInFlightBytes } = options.limits;
    const work = this.#host.work.current;
    if (this.#refilling || this.#recovering || !this.#overflow || this.live.size > maxInFlight / 2) return;
    if (!work || work.over.signal.aborted || work.yielding || this.#host.state === 'stopped') return;
    this.#refilling = true;
    this.#storedWhileRefilling = false;
    const bytes = Math.min(refillBytes, maxInFlightBytes);
    const limit = Math.min(maxInFlight - this.live.size, refillMessages);
    const read = cluster ? this.#readShared(cluster, work, limit, bytes) : this.#read(work, limit, bytes);
    read.then(
      () => {
        if (work !== this.#host.work.current) return;
        this.#refilling = false;
        if (work.over.signal.aborted) return;
        if (this.#overflow) this.#refill();
        else this.#lookForOlder();
        this.#host.roomAgain();
      },
      (thrown) => {
        if (work !== this.#host.work.current) return;
        this.#refilling = false;
        this.#ownInStore = true;
        const error = asHubError(thrown, 'store-failed', 'reading stored messages', 'transient');
        log.error({ channel, code: error.code, scope: error.scope }, error.message);
        clock.timer(againMs, () => this.#refill());
      },
    );
  }

  async #read(work: Work, limit: number, bytes: number): Promise<void> {
    const rows = await work.store.unrouted(this.#host.channel, this.#cursor, limit, bytes);
    if (work !== this.#host.work.current || work.over.signal.aborted) return;
    for (const row of rows) this.#process(this.#behind.slotOf(row));
    // At this moment: what is stored in the next one begins at once.
    if (rows.length === 0 && !this.#storedWhileRefilling) this.#overflow = false;
  }

  /** What of a shared store is not in memory, whoever stored it. */
  async #readShared(cluster: Cluster, work: Work, limit: number, bytes: number): Promise<void> {
    const { held: behind } = this.#behind;
    const of = this.#ownInStore ? 'all' : 'foreign';
    // True again where one is not kept in memory.
    this.#ownInStore = false;
    const known = () => (of === 'all' ? [...this.live.seqs(), ...behind.seqs()] : [...this.live.seqs()]);
    const rows = await cluster.store.unrouted(this.#host.channel, { of, known, limit, maxBytes: bytes });
    if (work !== this.#host.work.current || work.over.signal.aborted) return;
    const isAll = rows.length < limit && rows.reduce((sum, { raw }) => sum + raw.length, 0) < bytes;
    const slots = rows.map((row) => {
      // What was stored while the page was read is among those that are held, with whoever waits for it.
      const slot = behind.get(row.seq) ?? this.#behind.slotOf(row);
      slot.foreign = !row.own && row.seq > work.olderUpTo;
      return slot;
    });
    // What is held was stored before the page was read: later writes are heard of after it.
    const read = new Set(slots);
    const held = behind.all().filter((slot) => !read.has(slot));
    const counted = new Set(rows.filter(({ own, seq }) => own && seq >= this.#firstStored).map(({ seq }) => seq));
    for (const each of held) counted.add(each.seq);
    let left = false;
    for (const slot of inOrder(slots, held, isAll)) {
      left ||= this.live.size >= this.#host.options.limits.maxInFlight;
      if (left) {
        if (slot.delivery && behind.get(slot.seq) !== slot) this.#behind.park(slot);
        continue;
      }
      if (slot.foreign) cluster.foreignMessages += 1;
      behind.delete(slot);
      this.#readUpTo = slot.seq;
      this.#process(slot, counted.has(slot.seq));
    }
    if (isAll && !left) this.#readUpTo = Number.POSITIVE_INFINITY;
    else if (of === 'all') this.#ownInStore = true;
    if (isAll && !left && !this.#ownInStore) this.#overflow = false;
  }

  /** A run begins: what was stored before goes first. Until `recover` what comes waits in the store. */
  async begin(work: Work): Promise<void> {
    this.#recovering = true;
    this.#overflow = true;
    this.#ownInStore = true;
    this.#cursor = -1;
    this.#readUpTo = -1;
    this.#firstStored = Number.POSITIVE_INFINITY;
    this.#olderToCome = (await work.store.unrouted(this.#host.channel, -1, 1, 1)).length > 0;
  }

  /** Stored messages that were never routed are processed again; after a crash those that may have been its cause with care. */
  async recover(work: Work): Promise<void> {
    const { channel, log } = this.#host;
    const halted = () => work.over.signal.aborted;
    if (work.afterCrash) {
      try {
        await recoverCounted(
          {
            ...{ channel, store: work.store, log, halted },
            compiled: () => this.#host.compiled,
            cursor: () => this.#cursor,
            process: (row) => this.#process(this.#behind.slotOf(row)),
            passOver: (row) => {
              this.#cursor = row.seq;
            },
            untilPassed: () => this.#until(() => this.live.size === 0 || halted()),
          },
          refillBytes,
        );
      } catch (thrown) {
        if (!halted()) log.error({ channel, error: describeThrown(thrown) }, 'recovery failed');
      }
      if (work !== this.#host.work.current) return;
    }
    this.#recovering = false;
    this.#refill();
    if (this.live.size === 0) this.wakeIdle();
  }

  /** Resolves when nothing is in memory and nothing is being recovered. */
  untilIdle(): Promise<void> {
    return this.#until(() => this.live.size === 0 && !this.#recovering);
  }

  #until(now: () => boolean): Promise<void> {
    return now() ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Whoever waits for messages in memory waits no more. */
  wakeIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const each of idle) each();
  }

  /** Hands over who waits for messages that are not on their first pass, and forgets those. */
  handOver(): readonly Awaited[] {
    return this.#behind.handOver();
  }

  /** The end of a drain: whoever waits for such a message learns that no answer will come. */
  abandon(): void {
    this.#behind.abandon();
  }

  /** What is in memory is forgotten: it is in the store. */
  forget(): void {
    this.live.clear();
    this.#behind.held.clear();
    this.wakeIdle();
    this.#unroutedBytes = 0;
    this.#firstStored = Number.POSITIVE_INFINITY;
    this.#refilling = false;
    this.#recovering = false;
    this.#olderToCome = false;
  }
}
