// Over 300 lines: the life of one channel, whose parts (intake, pipeline, dispatchers, source) start and stop together.
// What it does with several hubs touches nearly all of that state; splitting it off is the next thing to do here.
import { isDeepStrictEqual } from 'node:util';
import type { ChannelDefinition } from '../channel.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Grant, LeaseHolder } from '../cluster/lease-keeper.ts';
import { fenced, type WorkStore } from '../cluster/work-store.ts';
import type { Clock, ComponentContext, ConnectionState, Log, TcpListener } from '../component.ts';
import type { Destination } from '../destination.ts';
import type { Endpoint } from '../endpoint.ts';
import { asHubError, describeThrown, type ErrorRecord, errorRecord, HubError } from '../errors.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Outgoing } from '../message.ts';
import type { Outcome, Receipt } from '../outcome.ts';
import type { Processing } from '../processing.ts';
import type { MessageStore, NewMessage, Part, StoredMessage } from '../store/message-store.ts';
import type { OutcomeElsewhere } from '../store/shared-store.ts';
import { type ChannelEvent, type ChannelState, nextState } from './channel-state.ts';
import { Collector } from './collect/collector.ts';
import { companionName } from './collect/companion.ts';
import { compile } from './compile.ts';
import type { CompiledChannel, CompiledDestination } from './compiled.ts';
import { componentContext } from './component-contexts.ts';
import { BatchDelivery } from './delivery.ts';
import type { Busy, Dispatch } from './dispatch/dispatch.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import type { HoldInForce } from './dispatch/operator-holds.ts';
import { Duplicates } from './duplicates.ts';
import type { ConnectionStatus } from './engine.ts';
import { FindingCounts } from './finding-counts.ts';
import { givenMessage } from './given-message.ts';
import { HeldSlots, inOrder } from './held-slots.ts';
import { ChannelIntake } from './intake.ts';
import { rowNotice } from './notices.ts';
import { Pipeline } from './pipeline.ts';
import { processingRefusal } from './processing-refusal.ts';
import { recoverCounted } from './recovery.ts';
import { withReplySteps } from './reply-steps.ts';
import { Slot } from './slot.ts';
import { SourceRunner } from './source-runner.ts';
import { Turns } from './turns.ts';

/** What a channel needs of the hub around it. */
export interface ChannelServices {
  readonly store: MessageStore;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly newId: () => string;
  endpoint(name: string): Endpoint | undefined;
  listen(endpoint: string): Promise<TcpListener>;
  /** Closes listening sockets that the channel no longer uses. */
  unlisten(endpoints: readonly string[]): Promise<void>;
  /** The disk or the whole store is full. */
  storeFull(): boolean;
  /** What the hub is for; undefined where it takes everything. */
  processing(): Processing | undefined;
  /** Stores a message of another channel; one that it has already is left alone. */
  inject(channel: string, message: NewMessage): Promise<void>;
  /** The same for a message that another channel gives; rejects while that one is not there or full. */
  give(channel: string, message: NewMessage): Promise<void>;
  remember(name: string, value: string): Promise<void>;
  recall(name: string): Promise<string | undefined>;
  /** The holds of operators at a destination of a channel. */
  holds(channel: string, destination: string): readonly HoldInForce[];
  /** False after a crash: messages in memory then may have been its cause (rule 21). */
  readonly cleanStart: boolean;
  /** The other hubs that have the store open; undefined where it is this hub's alone. */
  readonly cluster: Cluster | undefined;
}

/** What is done with a channel's messages beyond storing them; where hubs share a store, under a lease. */
interface Work {
  readonly store: WorkStore;
  /** The end, at once. */
  readonly over: AbortController;
  readonly lease: { readonly epoch: number; readonly until: number };
  /** Messages that may have been begun by whoever had the lease before have a seq up to it. */
  readonly olderUpTo: number;
  readonly clean: boolean;
  /** Another hub is to have the channel: what is in memory ends, and nothing new is taken. */
  yielding: boolean;
}

const recountMs = 1_000;
const refillBytes = 16 * 1024 * 1024;
/** So many messages in memory are what live traffic is like while it keeps up: 3,000 a second of 10 ms each. */
const fewInFlight = 32;
/** The hub that has the channel withdraws what is too late; so long it has for that, and for saying so in the store. */
const elsewhereMs = 1_000;
/** A replay that another hub has not begun after this holds up no job. */
const replayElsewhereMs = 60_000;

export class ChannelRuntime {
  readonly name: string;
  compiled: CompiledChannel;
  deployedAt: number;
  state: ChannelState = 'stopped';
  error: ErrorRecord | undefined;
  lastReceivedAt: number | undefined;
  source: ConnectionStatus = { state: 'stopped' };
  readonly connections = new Map<string, ConnectionStatus>();
  readonly counters = new Map<string, number>();
  /** What validation found, for whoever talks to the sender. */
  readonly findings = new FindingCounts();
  readonly dispatchers = new Map<string, Dispatch>();
  readonly #services: ChannelServices;
  readonly #cluster: Cluster | undefined;
  /** Beginning and ending work under a lease, in turn. */
  readonly #turns = new Turns();
  #work: Work | undefined;
  /** That of the work under way, or of the last one: then it refuses what is written. */
  #workStore: WorkStore;
  readonly #heldSlots = new HeldSlots();
  /** The last message that was read of a shared store. */
  #readUpTo = -1;
  readonly #pipeline: Pipeline;
  readonly #intake: ChannelIntake;
  readonly #duplicates: Duplicates;
  readonly #live = new Map<number, Slot>();
  #liveBytes = 0;
  #queuedBytes = 0;
  #cancelRecount: (() => void) | undefined;
  #unroutedBytes = 0;
  /** The lowest seq that this run of the channel stored. */
  #firstStored = Number.POSITIVE_INFINITY;
  /** Stored messages are waiting that are not in memory: what comes now goes behind them. */
  #overflow = true;
  #cursor = -1;
  #refilling = false;
  #storedWhileRefilling = false;
  #recovering = false;
  /** Messages of an earlier run are not all routed: the queues, which may hold newer ones, wait for them. */
  #olderToCome = false;
  readonly #parked = new Map<number, { readonly delivery: BatchDelivery; readonly index: number }>();
  #drain = new AbortController();
  #halt = new AbortController();
  #source: SourceRunner | undefined;
  #idle: (() => void)[] = [];
  /** Replays of jobs whose first pass is not over, with who waits for that. */
  readonly #replays = new Map<number, () => void>();

  constructor(definition: ChannelDefinition, version: string, services: ChannelServices) {
    this.name = definition.name;
    this.compiled = compile(definition, version);
    this.deployedAt = services.clock.now();
    this.#services = services;
    const { store, clock, log, cluster } = services;
    this.#cluster = cluster;
    this.#workStore = store;
    const workStore = () => this.#workStore;
    this.#pipeline = new Pipeline(this.compiled, {
      channel: this.name,
      get store() {
        return workStore();
      },
      leaseLost: () => this.#leaseLost(),
      clock,
      log,
      dispatchers: this.dispatchers,
      passed: (slots) => this.#passed(slots),
      found: (slot) => this.#found(slot),
      withdrawn: () => this.#recountSoon(),
    });
    this.#duplicates = new Duplicates({
      channel: this.name,
      store,
      answers: this.#pipeline.answers,
      rowsChanged: (destination, changed) => this.rowsChanged(destination, changed),
      compiled: () => this.compiled,
      live: (seq) => this.#live.get(seq),
      elsewhere: (of, delivery, index) => {
        if (this.#takes) return false;
        this.#waitElsewhere(of, delivery, index, true);
        return true;
      },
    });
    const runtime = this;
    this.#intake = new ChannelIntake({
      channel: this.name,
      store,
      clock,
      newId: services.newId,
      get format() {
        return runtime.compiled.format;
      },
      get detectDuplicates() {
        return runtime.#options.duplicates === 'detect';
      },
      get whenFull() {
        return runtime.#options.limits.whenFull;
      },
      get lastPoint() {
        return runtime.#options.ackAfter;
      },
      get draining() {
        return runtime.#drain.signal.aborted;
      },
      hasRoom: () => this.#hasRoom(),
      isFull: () => this.#isFull(),
      refusal: (raw) => this.#refusal(raw),
      stored: (slots) => this.#stored(slots),
      duplicate: (of, delivery, index) => {
        this.count('duplicates_total');
        void this.#duplicates.answer(of, delivery, index);
      },
      storeRefused: (error) => log.error({ channel: this.name, code: error.code }, error.message),
      onError: (thrown) => log.error({ channel: this.name, error: describeThrown(thrown) }, 'a receipt handler failed'),
    });
  }

  #found({ findings = [], id, receivedAt, error }: Slot): void {
    this.findings.note(findings, id, receivedAt);
    this.count('validation_findings_total', findings.length);
    this.count(error ? 'validation_rejected_total' : 'validation_reported_total');
  }

  /** Why a message is not for this hub. */
  #refusal(raw: Uint8Array): HubError | undefined {
    const processing = this.#services.processing();
    const error = processing && processingRefusal(this.compiled.format, processing, raw);
    if (error) this.count('processing_refused_total');
    return error;
  }

  get #options() {
    return this.compiled.definition.options;
  }
  get definition(): ChannelDefinition {
    return this.compiled.definition;
  }
  get inFlight(): number {
    return this.#live.size + this.#intake.appending;
  }
  get duplicates(): number {
    return this.counters.get('duplicates_total') ?? 0;
  }

  #hasRoom(): boolean {
    const { maxInFlight, maxInFlightBytes } = this.#options.limits;
    const appending = this.#intake.appending;
    // A late answer needs its message in memory; an early one only its way to the store.
    const elsewhere = this.#cluster?.answers.waitingFor(this.name) ?? 0;
    const waiting = this.#live.size + this.#parked.size + this.#heldSlots.size + elsewhere;
    const count = this.#options.ackAfter === 'stored' ? appending : appending + waiting;
    const size =
      this.#options.ackAfter === 'stored' ? this.#intake.appendingBytes : this.#intake.appendingBytes + this.#liveBytes;
    return count < maxInFlight && size < maxInFlightBytes;
  }

  #isFull(): boolean {
    return (
      this.#services.storeFull() ||
      this.#queuedBytes + this.#unroutedBytes + this.#intake.appendingBytes > this.#options.limits.maxBacklogBytes
    );
  }

  // --- messages -----------------------------------------------------------------------------------------------------------

  #stored(slots: readonly Slot[]): void {
    this.lastReceivedAt = this.#services.clock.now();
    if (this.#halt.signal.aborted) {
      // Too late for this run of the channel: the next one finds them in the store.
      for (const slot of slots)
        slot.delivery?.reach('settled', slot.index, { id: slot.id, outcome: { status: 'draining' } });
      return;
    }
    if (!this.#takes) {
      for (const { id, seq, delivery, index } of slots)
        if (delivery && (delivery.late || this.#options.ackAfter !== 'stored'))
          this.#waitElsewhere({ id, seq }, delivery, index, false);
      return;
    }
    const { maxInFlight, maxInFlightBytes } = this.#options.limits;
    for (const slot of slots) {
      if (slot.behindForeign) this.#overflow = true;
      this.#firstStored = Math.min(this.#firstStored, slot.seq);
      this.#unroutedBytes += slot.raw.length;
      const room =
        this.#live.size < maxInFlight &&
        (this.#liveBytes + slot.raw.length <= maxInFlightBytes || this.#live.size === 0);
      if (!this.#overflow && room) {
        this.#toPipeline(slot);
        continue;
      }
      this.#overflow = true;
      if (this.#refilling) this.#storedWhileRefilling = true;
      if (this.#cluster && this.#heldSlots.size < maxInFlight && this.#heldSlots.bytes < maxInFlightBytes) {
        this.#heldSlots.add(slot);
        continue;
      }
      if (slot.delivery && (slot.delivery.late || this.#options.ackAfter !== 'stored'))
        this.#parked.set(slot.seq, { delivery: slot.delivery, index: slot.index });
    }
    if (this.#overflow) this.#refill();
  }

  #toPipeline(slot: Slot, counted = slot.seq >= this.#firstStored): void {
    // What was stored by an earlier run, or another hub, is counted when it comes into memory.
    if (!counted) this.#unroutedBytes += slot.raw.length;
    this.#cursor = slot.seq;
    this.#live.set(slot.seq, slot);
    this.#liveBytes += slot.raw.length;
    this.#pipeline.push(slot);
  }

  #passed(slots: readonly Slot[]): void {
    for (const slot of slots) {
      if (!this.#live.delete(slot.seq)) continue;
      this.#replayLeft(slot.seq);
      this.#liveBytes -= slot.raw.length;
      this.#unroutedBytes -= slot.raw.length;
    }
    if (this.#overflow) this.#refill();
    this.#lookForOlder();
    this.#intake.wake();
    if (this.#live.size === 0) this.#nowIdle();
  }

  /** Whether all that an earlier run stored is routed now. It comes into memory first, in order. */
  #lookForOlder(): void {
    if (!this.#olderToCome || this.#recovering) return;
    if (this.#cluster) {
      const { olderUpTo } = this.#work!;
      if (this.#overflow && this.#readUpTo < olderUpTo) return;
      for (const seq of this.#live.keys()) if (seq <= olderUpTo) return;
    } else {
      if (this.#overflow && this.#cursor < this.#firstStored) return;
      const [first = Number.POSITIVE_INFINITY] = this.#live.keys();
      if (first < this.#firstStored) return;
    }
    this.#olderToCome = false;
    for (const dispatcher of this.dispatchers.values()) dispatcher.olderCame();
  }

  #nowIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const each of idle) each();
  }

  /** Takes stored messages into memory where there is room, in order, until none is left. */
  #refill(): void {
    const room = this.#options.limits.maxInFlight - this.#live.size;
    const start = this.#live.size <= this.#options.limits.maxInFlight / 2;
    const work = this.#work;
    if (this.#refilling || this.#recovering || !this.#overflow || !start || !work || work.over.signal.aborted) return;
    if (work.yielding || this.state === 'stopped') return;
    this.#refilling = true;
    this.#storedWhileRefilling = false;
    const bytes = Math.min(refillBytes, this.#options.limits.maxInFlightBytes);
    const page = Math.min(room, 1_000);
    const read = this.#cluster
      ? this.#readShared(this.#cluster, work, page, bytes)
      : this.#workStore.unrouted(this.name, this.#cursor, page, bytes).then((rows) => {
          if (work !== this.#work || work.over.signal.aborted) return false;
          for (const row of rows) this.#toPipeline(this.#slotOf(row));
          return rows.length === 0;
        });
    read.then(
      (isAll) => {
        if (work !== this.#work) return;
        this.#refilling = false;
        if (work.over.signal.aborted) return;
        if (isAll && !this.#storedWhileRefilling) {
          this.#overflow = false;
          this.#lookForOlder();
        } else this.#refill();
        this.#intake.wake();
      },
      (thrown) => {
        if (work !== this.#work) return;
        this.#refilling = false;
        this.#services.log.error(
          { channel: this.name, error: describeThrown(thrown) },
          'reading stored messages failed',
        );
        this.#services.clock.timer(250, () => this.#refill());
      },
    );
  }

  /** What of a shared store is not in memory, whoever stored it. Resolves with whether nothing is left. */
  async #readShared(cluster: Cluster, work: Work, limit: number, bytes: number): Promise<boolean> {
    const held = this.#heldSlots.all();
    const known = [...this.#live.keys(), ...held.map(({ seq }) => seq)];
    const rows = await cluster.store.unrouted(this.name, known, limit, bytes);
    if (work !== this.#work || work.over.signal.aborted) return false;
    const isAll = rows.length < limit && rows.reduce((sum, { raw }) => sum + raw.length, 0) < bytes;
    const slots = rows.map((row) => {
      const slot = this.#slotOf(row);
      slot.foreign = !row.own && row.seq > work.olderUpTo;
      return slot;
    });
    const counted = new Set(rows.filter(({ own, seq }) => own && seq >= this.#firstStored).map(({ seq }) => seq));
    for (const each of held) counted.add(each.seq);
    let left = false;
    for (const slot of inOrder(slots, held, isAll)) {
      left ||= this.#live.size >= this.#options.limits.maxInFlight;
      if (left) {
        if (slot.delivery && !held.includes(slot))
          this.#parked.set(slot.seq, { delivery: slot.delivery, index: slot.index });
        continue;
      }
      if (slot.foreign) cluster.foreignMessages += 1;
      this.#heldSlots.delete(slot);
      this.#readUpTo = slot.seq;
      this.#toPipeline(slot, counted.has(slot.seq));
    }
    if (isAll && !left) this.#readUpTo = Number.POSITIVE_INFINITY;
    return rows.length === 0 && !left;
  }

  #slotOf(row: StoredMessage): Slot {
    const slot = new Slot(row.id, row.seq, row.raw, row.meta, row.receivedAt, row.key, row.replayOf, row.only);
    const parked = this.#parked.get(row.seq);
    if (parked) {
      this.#parked.delete(row.seq);
      slot.delivery = parked.delivery;
      slot.index = parked.index;
    }
    return slot;
  }

  // --- life ---------------------------------------------------------------------------------------------------------------

  /** Starts the dispatchers, recovery and (unless paused) the source. Throws HubError where the source's listener cannot be had. */
  async start(paused: boolean): Promise<void> {
    if (this.state === 'running' || this.state === 'starting') return;
    if (this.state === 'paused' && !paused) {
      this.#event('start');
      if (this.#runsSource(this.#work !== undefined)) await this.#startSource();
      this.#event('started');
      return;
    }
    this.#event(paused ? 'pause' : 'start');
    this.#drain = new AbortController();
    this.#halt = new AbortController();
    this.error = undefined;
    try {
      if (!this.#cluster) {
        const { store, cleanStart } = this.#services;
        const lease = { epoch: store.epoch, until: Number.POSITIVE_INFINITY };
        await this.#begin(newWork(store, lease, cleanStart, -1));
      }
      if (!paused && this.#runsSource(this.#work !== undefined)) await this.#startSource();
      this.#event(paused ? 'pause' : 'started');
      this.#cluster?.keeper.want(this.#lease, this.#holder());
    } catch (thrown) {
      const error = asHubError(thrown, 'config-invalid', `starting ${this.name}`);
      this.error = errorRecord(error);
      this.#event('fail');
      throw error;
    }
  }

  /** Dispatchers and recovery: what was stored before goes first. */
  async #begin(work: Work): Promise<void> {
    this.#work = work;
    this.#workStore = work.store;
    // Until the dispatchers are there what comes waits in the store.
    this.#recovering = true;
    this.#overflow = true;
    this.#cursor = -1;
    this.#readUpTo = -1;
    this.#firstStored = Number.POSITIVE_INFINITY;
    try {
      this.#olderToCome = (await work.store.unrouted(this.name, -1, 1, 1)).length > 0;
      for (const destination of this.compiled.destinations) {
        if (work.over.signal.aborted) return;
        await this.#addDispatcher(this.compiled, destination.name);
      }
    } catch (thrown) {
      this.#recovering = false;
      throw thrown;
    }
    if (!work.over.signal.aborted) void this.#recover(work);
  }

  // --- with several hubs --------------------------------------------------------------------------------------------------

  /** One shard per channel: the keys of a message are known only after it is durable, and it may have several. */
  get #lease(): string {
    return `${this.name}/0`;
  }

  /** Whether messages that are stored here are processed here. */
  get #takes(): boolean {
    return !this.#cluster || (this.#work !== undefined && !this.#work.yielding && !this.#work.over.signal.aborted);
  }

  /** The hub that has the channel, where there are several. */
  get hub(): string | undefined {
    const { keeper } = this.#cluster ?? {};
    return keeper && keeper.hubs.length > 1 ? keeper.holderOf(this.#lease) : undefined;
  }

  /** Sources that listen run on every hub, others on the one that has the channel: what they read is there once. */
  #runsSource(withChannel: boolean): boolean {
    if (!this.#cluster || withChannel) return true;
    const { placement, replyFrom, mode, content } = this.#options;
    if (placement !== undefined) return placement === 'every';
    // The answer of another hub comes out of the store: it has to be kept there, and a question has no time for it.
    if (mode === 'query' || (replyFrom !== undefined && content !== 'full')) return false;
    return this.#listenEndpoints(this.definition.source.resources).length > 0;
  }

  #holder(): LeaseHolder {
    return {
      gained: (grant) => void this.#turns.take('work', () => this.#gained(grant)),
      lost: () => this.#lost(),
      giveUp: () => this.#turns.take('work', () => this.#giveUp()),
    };
  }

  async #gained(grant: Grant): Promise<void> {
    const { store, clock, log } = this.#services;
    const cluster = this.#cluster!;
    if (this.state !== 'running' && this.state !== 'paused') return await cluster.keeper.drop(this.#lease);
    try {
      const newest = await store.find({ channel: this.name, limit: 1 });
      const upTo = newest.messages[0]?.seq ?? -1;
      if (grant.until <= clock.monotonic()) return;
      await this.#begin(newWork(fenced(store, grant, upTo), writingUnder(grant), grant.clean, upTo));
      if (!this.#work || this.#work.over.signal.aborted) return await this.#forgetWork();
      if (!grant.clean) this.#tookOver(cluster);
      if (this.state === 'running' && !this.#source) await this.#startSource();
      log.info({ channel: this.name, epoch: grant.epoch, clean: grant.clean }, 'this hub has the channel now');
    } catch (thrown) {
      const error = asHubError(thrown, 'store-failed', `taking over ${this.name}`, 'transient');
      log.error({ channel: this.name, code: error.code }, error.message);
      this.error = errorRecord(error);
      this.#dropWork();
      await this.#forgetWork();
      await cluster.keeper.refuse(this.#lease);
    }
  }

  /** Counts what the hub that died may have sent without being able to say so. */
  #tookOver(cluster: Cluster): void {
    const { maxInFlight } = this.#options.limits;
    const states = [...this.dispatchers.keys()].map((name) => this.#workStore.queueState(this.name, name, 0));
    Promise.all([this.#workStore.unrouted(this.name, -1, maxInFlight, refillBytes), ...states]).then(
      ([unrouted, ...queues]) => {
        const ready = queues.reduce((sum, state) => sum + Math.min(state.ready, Math.ceil(maxInFlight / 2)), 0);
        cluster.maybeTwice += unrouted.length + ready;
      },
      () => undefined,
    );
  }

  /** At once: nothing is written, or sent, from here on. */
  #lost(): void {
    this.#dropWork();
    void this.#turns.take('work', () => this.#forgetWork());
  }

  #leaseLost(): void {
    if (!this.#work || this.#work.over.signal.aborted || !this.#cluster) return;
    this.#cluster.fencedWrites += 1;
    this.#lost();
    void this.#cluster.keeper.refuse(this.#lease);
  }

  /** Ends the work without a word to the store; who waits for its answers waits for those of the next hub. */
  #dropWork(): void {
    const work = this.#work;
    if (!work || work.over.signal.aborted) return;
    work.over.abort();
    for (const dispatcher of this.dispatchers.values()) dispatcher.abandon();
    this.#pipeline.abandon(this.#live.values());
    this.#handOver();
    this.#nowIdle();
  }

  /** Drains, so that the next hub finds nothing under way. */
  async #giveUp(): Promise<void> {
    const work = this.#work;
    if (!work || work.over.signal.aborted || this.#halt.signal.aborted) return;
    work.yielding = true;
    const cancel = this.#services.clock.timer(this.#options.limits.drainMs, () => work.over.abort());
    try {
      if (!this.#runsSource(false)) await this.#stopSource(work.over.signal);
      await this.#endWork(work);
    } finally {
      cancel();
    }
    await this.#forgetWork();
  }

  /** What is left of work that ended: the next one begins with nothing. */
  async #forgetWork(): Promise<void> {
    const work = this.#work;
    if (!work) return;
    if (!this.#runsSource(false)) await this.#stopSource(AbortSignal.abort());
    this.#handOver();
    await Promise.all([...this.dispatchers.values()].map((dispatcher) => dispatcher.dispose().catch(() => undefined)));
    this.dispatchers.clear();
    this.connections.clear();
    this.#forgetMessages();
    this.#work = undefined;
    this.#refilling = false;
    this.#recovering = false;
    this.#olderToCome = false;
    this.#intake.wake();
  }

  /** Whoever waits for a message that is in memory waits for what another hub makes of it. */
  #handOver(): void {
    for (const { slot, delivery, index, again } of this.#pipeline.answers.handOver(this.#live.values()))
      this.#waitElsewhere(slot, delivery, index, again);
    for (const slot of this.#heldSlots.all())
      if (slot.delivery) this.#waitElsewhere(slot, slot.delivery, slot.index, false);
    this.#heldSlots.clear();
    for (const [seq, { delivery, index }] of this.#parked)
      this.#waitElsewhere({ id: undefined, seq }, delivery, index, false);
    this.#parked.clear();
  }

  /** The answer to this sender comes from the hub that has the channel, by way of the store. */
  #waitElsewhere(
    { id, seq, answerBy }: { readonly id: string | undefined; readonly seq: number; readonly answerBy?: number },
    delivery: BatchDelivery,
    index: number,
    again: boolean,
  ): void {
    const { ackAfter, ackTimeoutMs, ackOn, replyFrom } = this.#options;
    const about = { ...(id !== undefined && { id }), ...(again && id !== undefined && { duplicateOf: id }) };
    const wait = (routedIsEnough: boolean) =>
      this.#cluster!.answers.wait({
        channel: this.name,
        seq,
        question: { ...(ackOn && { ackOn }), ...(replyFrom !== undefined && { replyFrom }) },
        routedIsEnough,
        until: (answerBy || this.#services.clock.monotonic() + ackTimeoutMs) + elsewhereMs,
        done: (outcome) => {
          const receipt = { ...about, ...this.#receiptElsewhere(outcome) };
          const over = outcome?.status !== 'queued';
          delivery.reach(over ? 'settled' : 'transformed', index, receipt);
          if (!over && delivery.late) wait(false);
          this.#intake.wake();
        },
      });
    wait(ackAfter === 'transformed');
  }

  /**
   * Without an outcome in time: the hub that has the channel withdraws what is too late (`onUnsettled: reject`), and that it did is an
   * outcome. So what has none may still be sent, and a negative answer would not be true (rule 9): it is positive where the channel
   * says `accept`, else there is none and the sender's own time-out decides.
   */
  #receiptElsewhere(outcome: OutcomeElsewhere | undefined): Pick<Receipt, 'outcome' | 'reply'> {
    if (!outcome) {
      const accept = this.#options.onUnsettled === 'accept' && this.#options.replyFrom === undefined;
      return { outcome: { status: accept && !this.#halt.signal.aborted ? 'queued' : 'draining' } };
    }
    const { status, error, reply } = outcome;
    const said: Outcome =
      status === 'error' && error
        ? { status, error }
        : { status: status === 'error' || status === 'queued' ? 'stored' : status };
    return { outcome: said, ...(reply && { reply }) };
  }

  /** Another hub does what is to be done with its messages, or is about to. */
  get isElsewhere(): boolean {
    return this.#cluster !== undefined && !this.#work && (this.state === 'running' || this.state === 'paused');
  }

  /** After notices were missed: the queues may have changed. */
  queuesChanged(): void {
    for (const dispatcher of this.dispatchers.values()) dispatcher.rowsChanged([{ seq: 0, n: 0, ready: true }]);
  }

  /** Whether it would take messages that other hubs stored, now. */
  get wantsForeign(): boolean {
    const few = this.#live.size <= this.#options.limits.maxInFlight / 2;
    return this.#cluster !== undefined && this.#work !== undefined && this.#takes && !this.#recovering && few;
  }

  /** Other hubs have stored messages. */
  foreignStored(): void {
    if (!this.#takes || !this.#work) return;
    this.#overflow = true;
    this.#refill();
  }

  /** Another hub was asked to start or stop a destination. */
  async switchChanged(name: string): Promise<void> {
    const dispatcher = this.dispatchers.get(name);
    if (!dispatcher) return;
    const enabled = await this.#wantsEnabled(name);
    if (enabled === dispatcher.enabled) return;
    if (enabled) dispatcher.enable();
    else await dispatcher.disable();
  }

  // --- destinations -------------------------------------------------------------------------------------------------------

  async #addDispatcher(compiled: CompiledChannel, name: string): Promise<void> {
    const enabled = await this.#wantsEnabled(name);
    const dispatcher = this.#created(compiled, name);
    await dispatcher.restore(enabled, this.#olderToCome);
  }

  /** A destination that collects from now on, or does not any more: the queue is what the two have in common. */
  async #swapDispatcher(before: Dispatch, compiled: CompiledChannel, name: string): Promise<void> {
    const enabled = await this.#wantsEnabled(name);
    await before.disable();
    const dispatcher = this.#created(compiled, name);
    // What comes from now on waits in the queue, behind what the other one had taken.
    await dispatcher.restore(false, this.#olderToCome);
    await this.#pipeline.flush();
    await before.dispose();
    if (enabled) dispatcher.enable();
  }

  async #wantsEnabled(name: string): Promise<boolean> {
    return (await this.#services.recall(this.#switchName(name))) !== 'stopped';
  }

  #created(compiled: CompiledChannel, name: string): Dispatch {
    const target = compiled.destinations.find((each) => each.name === name)!;
    const dispatcher = target.definition.to.collect ? this.#collector(target) : this.#dispatcher(compiled, target);
    this.dispatchers.set(name, dispatcher);
    this.#hold(name);
    return dispatcher;
  }

  #dispatcher(compiled: CompiledChannel, target: CompiledDestination): Dispatch {
    const { limits } = compiled.definition.options;
    return new Dispatcher(
      target,
      this.#destinationOf(compiled, target),
      {
        ...this.#dispatchHost(),
        random: this.#services.random,
        lease: this.#work!.lease,
        leaseLost: () => this.#leaseLost(),
        flush: () => void this.#pipeline.flush(),
        stopped: (destination) =>
          void this.#services.remember(this.#switchName(destination), 'stopped').catch(() => undefined),
      },
      { maxItems: Math.max(16, Math.ceil(limits.maxInFlight / 2)), maxHeldKeys: limits.maxHeldKeys },
    );
  }

  #destinationOf({ reply, definition }: CompiledChannel, target: CompiledDestination): Destination<unknown> {
    const destination = target.definition.to.create(this.#destinationContext(target.name));
    return reply && definition.options.replyFrom === target.name ? withReplySteps(destination, reply) : destination;
  }

  #collector(target: CompiledDestination): Dispatch {
    return new Collector(target, {
      ...this.#dispatchHost(),
      newId: this.#services.newId,
      flush: () => this.#pipeline.flush(),
      send: (collection) => this.#services.inject(companionName(this.name, target.name), collection),
    });
  }

  #dispatchHost() {
    const { clock, log } = this.#services;
    return {
      channel: this.name,
      store: this.#workStore,
      clock,
      log,
      firstPassEnded: (slot: Slot, part: Part) => this.#pipeline.firstPassEnded(slot, part),
      queuedEnded: (seq: number, error: ErrorRecord | undefined, reply: Uint8Array | undefined) =>
        this.#pipeline.answers.partEnded(seq, error, reply),
      queuedBytes: (delta: number) => {
        this.#queuedBytes = Math.max(0, this.#queuedBytes + delta);
      },
    };
  }

  /** After a change of rows that no dispatcher made: by people, for a repetition, for a sender that was answered negatively. */
  rowsChanged(
    destination: string,
    changed: readonly { readonly seq: number; readonly n: number; readonly ready: boolean }[],
  ): void {
    if (this.#cluster && !this.#work) {
      const rows = changed.map(({ seq, n, ready }) => rowNotice(this.name, destination, seq, n, ready));
      this.#cluster.announce(...rows).catch((thrown: unknown) => {
        this.#services.log.warn({ channel: this.name, error: describeThrown(thrown) }, 'telling other hubs failed');
      });
      return;
    }
    this.dispatchers.get(destination)?.rowsChanged(changed);
    this.#recountSoon();
  }

  /** The bytes of the backlog are added up as parts come and go; here they are what the store says. */
  #recountSoon(): void {
    this.#cancelRecount ??= this.#services.clock.timer(recountMs, () => {
      this.#cancelRecount = undefined;
      const states = [...this.dispatchers.keys()].map((name) => this.#services.store.queueState(this.name, name, 0));
      Promise.all(states).then(
        (all) => {
          this.#queuedBytes = all.reduce((sum, { bytes }) => sum + bytes, 0);
          this.#intake.wake();
        },
        () => this.#recountSoon(),
      );
    });
  }

  #switchName(destination: string): string {
    return `destination/${this.name}/${destination}`;
  }

  /** Stored messages that were never routed are processed again; after a crash those that may have been its cause with care. */
  async #recover(work: Work): Promise<void> {
    if (!work.clean) {
      try {
        await recoverCounted(
          {
            channel: this.name,
            store: work.store,
            log: this.#services.log,
            compiled: () => this.compiled,
            halted: () => work.over.signal.aborted,
            cursor: () => this.#cursor,
            process: (row) => this.#toPipeline(this.#slotOf(row)),
            passOver: (row) => {
              this.#cursor = row.seq;
            },
            untilPassed: () => this.#untilPassed(work.over.signal),
          },
          refillBytes,
        );
      } catch (thrown) {
        if (!work.over.signal.aborted)
          this.#services.log.error({ channel: this.name, error: describeThrown(thrown) }, 'recovery failed');
      }
      if (work !== this.#work) return;
    }
    this.#recovering = false;
    this.#refill();
    if (this.#live.size === 0) this.#nowIdle();
  }

  #untilPassed(over: AbortSignal): Promise<void> {
    if (this.#live.size === 0 || over.aborted) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #startSource(): Promise<void> {
    const { clock, random, log } = this.#services;
    const { source } = this.definition;
    // A port that cannot be had is known before the channel counts as started.
    for (const endpoint of this.#listenEndpoints(source.resources)) await this.#services.listen(endpoint);
    this.#source = new SourceRunner({
      channel: this.name,
      clock,
      random,
      log,
      create: () => this.definition.source.create(this.#sourceContext()),
      intake: this.#intake,
      failed: (error) => {
        this.error = errorRecord(error);
        if (error.kind === 'permanent') this.#event('fail');
        else this.source = { state: 'retrying' };
      },
    });
  }

  #listenEndpoints(resources: readonly string[]): readonly string[] {
    return resources
      .filter((each) => each.startsWith('endpoint:'))
      .map((each) => each.slice('endpoint:'.length))
      .filter((name) => this.#services.endpoint(name)?.kind === 'tcp-listen');
  }

  async #stopSource(halt: AbortSignal): Promise<void> {
    await this.#source?.stop(halt);
    this.#source = undefined;
    this.source = { state: 'stopped' };
  }

  async pause(): Promise<void> {
    this.#event('pause');
    await this.#stopSource(AbortSignal.timeout(this.#options.limits.drainMs));
    await this.#services.unlisten(this.#listenEndpoints(this.definition.source.resources));
  }

  /** Drains within `deadlineMs` (0: halts), then forgets what is in memory. Resolves with the number of messages left. */
  async stop(deadlineMs: number): Promise<number> {
    if (this.state === 'stopped') return 0;
    this.#event(deadlineMs === 0 ? 'halt' : 'stop');
    const cancel = deadlineMs > 0 ? this.#services.clock.timer(deadlineMs, () => this.#deadline()) : undefined;
    if (deadlineMs === 0) this.#deadline();
    this.#drain.abort();
    this.#intake.wake();
    const source = this.#stopSource(this.#halt.signal);
    await Promise.race([source, aborted(this.#halt.signal)]);
    const left = await this.#turns.take('work', async () => (this.#work ? this.#endWork(this.#work) : 0));
    this.#deadline();
    await source;
    cancel?.();
    await Promise.all([...this.dispatchers.values()].map((dispatcher) => dispatcher.dispose()));
    this.dispatchers.clear();
    this.connections.clear();
    await this.#services.unlisten(this.#listenEndpoints(this.definition.source.resources));
    this.#forgetMessages();
    this.#work = undefined;
    this.#refilling = false;
    await this.#cluster?.keeper.drop(this.#lease);
    this.#event('drained');
    return left;
  }

  /** What is in memory ends; what is only stored waits for the next start. Resolves with the messages left. */
  async #endWork(work: Work): Promise<number> {
    const { signal } = work.over;
    await Promise.race([this.#untilIdle(), aborted(signal)]);
    await Promise.all([...this.dispatchers.values()].map((dispatcher) => dispatcher.drain(signal)));
    if (this.#drain.signal.aborted) this.#deadline();
    else work.over.abort();
    await this.#pipeline.halt(this.#live.values());
    return this.#live.size;
  }

  #forgetMessages(): void {
    this.#live.clear();
    this.#heldSlots.clear();
    for (const seq of this.#replays.keys()) this.#replayLeft(seq);
    this.#nowIdle();
    this.#liveBytes = 0;
    this.#unroutedBytes = 0;
    this.#firstStored = Number.POSITIVE_INFINITY;
    this.#queuedBytes = 0;
    this.#cancelRecount?.();
    this.#cancelRecount = undefined;
  }

  /** The end of a drain: late receipts resolve `draining`, writes are aborted, sources return. */
  #deadline(): void {
    if (this.#halt.signal.aborted) return;
    this.#pipeline.answers.abandon(this.#live.values());
    for (const [seq, { delivery, index }] of this.#parked) {
      delivery.reach('settled', index, { outcome: { status: 'draining' } });
      this.#parked.delete(seq);
    }
    for (const slot of this.#heldSlots.all())
      slot.delivery?.reach('settled', slot.index, { id: slot.id, outcome: { status: 'draining' } });
    this.#halt.abort();
    this.#work?.over.abort();
    this.#cluster?.answers.abandon(this.name);
  }

  #untilIdle(): Promise<void> {
    if (this.#live.size === 0 && !this.#recovering) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /**
   * Puts a new definition to work. With the same source it takes over behind the intake and no socket closes (rule 24); a
   * message in memory ends under the definition it began with.
   */
  async replace(definition: ChannelDefinition, version: string): Promise<void> {
    await this.#turns.take('work', () => this.#replace(definition, version));
  }

  async #replace(definition: ChannelDefinition, version: string): Promise<void> {
    const next = compile(definition, version);
    const old = this.compiled;
    await this.#refuseLostQueues(next);
    const sameSource =
      old.definition.source.type === definition.source.type &&
      isDeepStrictEqual(old.definition.source.config, definition.source.config) &&
      old.definition.options.ackAfter === definition.options.ackAfter &&
      old.definition.options.replyFrom === definition.options.replyFrom;
    const running = this.state === 'running' || this.state === 'paused';
    if (running && !sameSource) await this.#stopSource(AbortSignal.timeout(this.#options.limits.drainMs));
    if (running && this.#work) {
      for (const target of next.destinations) {
        const dispatcher = this.dispatchers.get(target.name);
        const before = dispatcher?.compiled.definition.to;
        const { collect } = target.definition.to;
        if (!dispatcher || !before) {
          await this.#addDispatcher(next, target.name);
          continue;
        }
        if (!before.collect !== !collect) {
          await this.#swapDispatcher(dispatcher, next, target.name);
          continue;
        }
        const answers = old.reply ?? next.reply;
        const same =
          before.type === target.definition.to.type &&
          isDeepStrictEqual(before.config, target.definition.to.config) &&
          !(answers && answersSender(target, old, next));
        await dispatcher.replace(target, same || collect ? undefined : this.#destinationOf(next, target));
      }
    }
    this.compiled = next;
    this.#pipeline.compiled = next;
    this.deployedAt = this.#services.clock.now();
    this.holdsChanged();
    if (!running) return;
    for (const [name, dispatcher] of this.dispatchers) {
      if (next.destinations.some((each) => each.name === name)) continue;
      await dispatcher.disable();
      await dispatcher.dispose();
      this.dispatchers.delete(name);
      this.connections.delete(name);
    }
    if (sameSource) return;
    const unused = this.#listenEndpoints(old.definition.source.resources).filter(
      (each) => !definition.source.resources.includes(`endpoint:${each}`),
    );
    await this.#services.unlisten(unused);
    if (this.state === 'running' && this.#runsSource(this.#work !== undefined)) await this.#startSource();
  }

  async #refuseLostQueues(next: CompiledChannel): Promise<void> {
    for (const { name } of this.compiled.destinations) {
      if (next.destinations.some((each) => each.name === name)) continue;
      const { ready, waiting, blocked } = await this.#services.store.queueState(this.name, name);
      const queued = ready + waiting + blocked;
      if (queued > 0)
        throw new HubError(
          'config-invalid',
          'permanent',
          `deploying ${this.name}: destination ${name} is gone but has ${queued} queued messages`,
        );
    }
  }

  #event(event: ChannelEvent): void {
    this.state = nextState(this.state, event);
  }

  // --- entrances beside the source ------------------------------------------------------------------------------------------

  /** Stores a message as if it had arrived, e.g. a replay, and answers with its delivery; undefined where it has it already. */
  async inject(message: NewMessage): Promise<BatchDelivery | undefined> {
    const delivery = new BatchDelivery(1, (thrown) =>
      this.#services.log.error({ channel: this.name, error: describeThrown(thrown) }, 'a receipt handler failed'),
    );
    delivery.late = true;
    const [appended] = await this.#services.store.append(this.name, [message]);
    if (!appended || !('seq' in appended)) return undefined;
    const slot = newSlot(message, appended);
    slot.delivery = delivery;
    delivery.reach('stored', 0, slot.receipt({ status: 'stored' }));
    this.#stored([slot]);
    return delivery;
  }

  /**
   * Stores the replay of a job, for which nobody waits. Resolves when it is durable, with `left` for when its first pass is over;
   * undefined where it was stored before, which its `dedupe` tells.
   */
  async replay(message: NewMessage): Promise<{ readonly left: Promise<void> } | undefined> {
    if (this.#options.mode === 'query')
      throw new HubError('not-allowed', 'permanent', `replaying in ${this.name}: queries are asked again instead`);
    const [appended] = await this.#services.store.append(this.name, [message]);
    if (!appended || !('seq' in appended)) return undefined;
    const { seq } = appended;
    const slot = newSlot(message, appended);
    const { promise: left, resolve } = Promise.withResolvers<void>();
    if (this.#takes) this.#replays.set(seq, resolve);
    else this.#leftElsewhere(seq, resolve);
    this.#stored([slot]);
    if (this.#halt.signal.aborted) this.#replayLeft(seq);
    return { left };
  }

  /** Another hub has the channel. */
  #leftElsewhere(seq: number, done: () => void): void {
    const until = this.#services.clock.monotonic() + replayElsewhereMs;
    this.#cluster!.answers.wait({ channel: this.name, seq, question: {}, routedIsEnough: true, until, done });
  }

  #replayLeft(seq: number): void {
    this.#replays.get(seq)?.();
    this.#replays.delete(seq);
  }

  /** Why a job has to wait before it adds to this channel's work; undefined: it need not. Its own messages do not count. */
  get busy(): Busy | undefined {
    if (this.state !== 'running' && this.state !== 'paused') return 'stopped';
    if (this.#isFull()) return 'full';
    const few = Math.min(fewInFlight, this.#options.limits.maxInFlight / 4);
    const live = this.inFlight - this.#replays.size;
    return this.#overflow || this.#recovering || live > few ? 'live-traffic' : undefined;
  }

  /** The holds of operators have changed, or what they are about has. */
  holdsChanged(): void {
    for (const name of this.dispatchers.keys()) this.#hold(name);
  }

  #hold(destination: string): void {
    // The sender of a query waits for this answer: it is never queued.
    const holds = destination === this.#options.replyFrom ? [] : this.#services.holds(this.name, destination);
    this.dispatchers.get(destination)?.hold?.(holds);
  }

  get intake(): ChannelIntake {
    return this.#intake;
  }

  async switchDestination(name: string, on: boolean): Promise<void> {
    const dispatcher = this.dispatchers.get(name);
    await this.#services.remember(this.#switchName(name), on ? 'started' : 'stopped');
    if (on) dispatcher?.enable();
    else await dispatcher?.disable();
  }

  count(name: string, by = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + by);
  }

  #context(report: (state: ConnectionState, connections?: number) => void): ComponentContext {
    return componentContext(this.name, { ...this.#services, count: (name, by) => this.count(name, by) }, report);
  }

  #sourceContext() {
    const context = this.#context((state, connections) => {
      this.source = connections === undefined ? { state } : { state, connections };
      if (state !== 'retrying') this.error = undefined;
    });
    return {
      ...context,
      ackAfter: this.#options.ackAfter,
      listen: (endpoint: string) => this.#services.listen(endpoint),
      events: this.#services.events,
    };
  }

  #destinationContext(destination: string) {
    const context = this.#context((state, connections) => {
      this.connections.set(destination, connections === undefined ? { state } : { state, connections });
    });
    const give = (channel: string, message: Outgoing<unknown>) =>
      this.#services.give(channel, givenMessage(this.name, message, this.#services));
    return { ...context, destination, events: this.#services.events, give };
  }
}

function newWork(store: WorkStore, lease: Work['lease'], clean: boolean, olderUpTo: number): Work {
  return { store, lease, clean, olderUpTo, over: new AbortController(), yielding: false };
}

function writingUnder(grant: Grant): Work['lease'] {
  return {
    epoch: grant.epoch,
    get until() {
      return grant.writeUntil;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function newSlot(message: NewMessage, { seq, foreign }: { readonly seq: number; readonly foreign?: boolean }): Slot {
  const { id, raw, meta, receivedAt, key, replayOf, only } = message;
  const slot = new Slot(id, seq, raw, meta, receivedAt, key, replayOf, only);
  if (foreign) slot.behindForeign = true;
  return slot;
}

function answersSender({ name }: CompiledDestination, ...channels: readonly CompiledChannel[]): boolean {
  return channels.some(({ definition }) => definition.options.replyFrom === name);
}
