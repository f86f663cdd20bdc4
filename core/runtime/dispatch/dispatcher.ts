// Over 300 lines: the one state machine of a destination. What it is made of stands beside it: holds, the window on the store's
// queue, the circuit, narrowing of batches, changes of rows.
import { isLeaseLost, leaseLost, type WorkStore } from '../../cluster/work-store.ts';
import type { Clock, Log } from '../../component.ts';
import type { Destination, WriteOutcome } from '../../destination.ts';
import { asHubError, describeThrown, type ErrorRecord, errorRecord, HubError } from '../../errors.ts';
import type { Part, QueuedPart, QueuedStatus } from '../../store/message-store.ts';
import { backoff } from '../backoff.ts';
import type { CompiledDestination } from '../compiled.ts';
import { Lanes } from '../lanes.ts';
import { atPosition, positionOf } from '../position.ts';
import { OutgoingMessage, type Slot } from '../slot.ts';
import { Circuit } from './circuit.ts';
import type { Busy } from './dispatch.ts';
import { HeldKeys } from './held-keys.ts';
import { byPosition, type Item } from './item.ts';
import { freeKeyless } from './keyless-rows.ts';
import { LastSent } from './last-sent.ts';
import { writeNarrowing } from './narrow.ts';
import { type HoldInForce, OperatorHolds } from './operator-holds.ts';
import { type Changed, PartChanges } from './part-changes.ts';
import { QueueWindow } from './queue-window.ts';

export interface DispatcherHost {
  readonly channel: string;
  readonly store: WorkStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Under which it writes: none begins after `until`, which is on the monotonic clock and moves on with the lease. */
  readonly lease: { readonly epoch: number; readonly until: number };
  /** The store says that another hub has the channel. */
  leaseLost(): void;
  /** A part's first pass ended. The host writes the settlement when all parts of the message did, or at once when one is queued. */
  firstPassEnded(slot: Slot, part: Part): void;
  /** Writes out settlements that are gathered, so that a read of the queue sees them. */
  flush(): void;
  /** A queued part reached its end, and that is committed. */
  queuedEnded(seq: number, error: ErrorRecord | undefined, reply: Uint8Array | undefined): void;
  /** Bytes that entered (positive) or left the queue, for the backlog's quota. */
  queuedBytes(delta: number): void;
  /** The destination stopped by itself and wants to stay so. */
  stopped(destination: string, error: ErrorRecord): void;
}

export interface DispatchLimits {
  /** Parts in memory; beyond it they go to the store's queue, so that a slow destination holds back no other. */
  readonly maxItems: number;
  readonly maxHeldKeys: number;
}

const loadBytes = 8 * 1024 * 1024;
const unblockPage = 64;
/** So many parts that are ready to be sent are work enough: jobs wait. */
const fewReady = 8;
/** Keys are held back for an operator beyond maxHeldKeys: nothing fails there. About 200 bytes a key. */
const heldForOperators = 10;
const loadPage = 512;
const uncertainBeforeOpen = 3;
/** A destination that ignores its signal does not hold up a halt for ever. */
const haltPatienceMs = 2_000;
const retryStoreMs = 250;
const noTimeMs = 100;
type Failure = Extract<WriteOutcome, { readonly status: 'uncertain' | 'error' }>;
const strictKeys: readonly string[] = [''];
const noKeys: readonly string[] = [];

/** Sends one destination's parts: in order per key, with retries, a circuit, and the store's queue behind it. */
export class Dispatcher {
  readonly name: string;
  #compiled: CompiledDestination;
  #destination: Destination<unknown>;
  #enabled = true;
  /** Nothing more is taken from the store. */
  #stopping = false;
  /** Messages that may be older than what the queue holds are still to be offered. */
  #olderToCome = false;
  readonly #host: DispatcherHost;
  readonly #limits: DispatchLimits;
  readonly #lanes = new Lanes<Item>();
  readonly #held: HeldKeys;
  readonly #window: QueueWindow;
  readonly #circuit: Circuit;
  readonly #changes: PartChanges;
  readonly #lastSent = new LastSent();
  readonly #operators = new OperatorHolds();
  #ready: Item[] = [];
  #undecided: Item[] = [];
  readonly #inMemory = new Map<number, Item>();
  #pumpScheduled = false;
  #writes = 0;
  #uncertainInRow = 0;
  #abandoned = false;
  #waitsForLease = false;
  #halt = new AbortController();
  #waiters: (() => void)[] = [];
  #stopError: ErrorRecord | undefined;

  constructor(
    compiled: CompiledDestination,
    destination: Destination<unknown>,
    host: DispatcherHost,
    limits: DispatchLimits,
  ) {
    this.name = compiled.name;
    this.#compiled = compiled;
    this.#destination = destination;
    this.#host = host;
    this.#limits = limits;
    const { channel, clock, store } = host;
    const failed = (thrown: unknown, again: () => void) => this.#storeFailed(thrown, again);
    const timer = (ms: number, run: () => void) => clock.timer(ms, run);
    this.#changes = new PartChanges({
      flushSettlements: () => host.flush(),
      update: (changes) => store.update(channel, changes),
      committed: (changed) => this.#committed(changed),
      failed,
    });
    this.#held = new HeldKeys({
      unblock: (key) => {
        this.flushAll();
        // What an operator holds comes back as blocked: one at a time, so that little is moved for nothing.
        return store.unblock(channel, this.name, key, this.#operators.mayBlock(key) ? 1 : unblockPage);
      },
      unblocked: (keys, first) => this.#unblocked(keys, first),
      answered: () => this.#decide(),
      failed: (thrown) => failed(thrown, () => this.#held.askAll()),
    });
    this.#window = new QueueWindow({
      ready: (after, limit) => {
        this.flushAll();
        return store.ready(channel, this.name, after, limit, loadBytes);
      },
      due: (limit) => {
        this.flushAll();
        return store.due(channel, this.name, clock.now(), limit);
      },
      wanted: () => this.#wanted(),
      room: () => this.#room(),
      has: (position) => this.#inMemory.has(position),
      take: (row) => this.#take(row),
      enter: (item) => this.#admit(item),
      park: (item) => this.#park(item, 'ready'),
      caughtUp: () => this.#endEmptyProbe(),
      now: () => clock.now(),
      timer,
      failed,
    });
    this.#circuit = new Circuit({
      timer,
      now: () => clock.monotonic(),
      random: host.random,
      retry: () => this.#compiled.definition.options.retry,
      probe: () => this.#probe(),
    });
  }

  get circuit(): 'open' | 'closed' {
    return this.#circuit.isOpen ? 'open' : 'closed';
  }
  get heldKeys(): number {
    return this.#held.size;
  }
  get enabled(): boolean {
    return this.#enabled;
  }
  get inMemory(): number {
    return this.#inMemory.size;
  }
  get compiled(): CompiledDestination {
    return this.#compiled;
  }
  get lastSentAt(): number | undefined {
    return this.#lastSent.at;
  }
  /** Why it stopped by itself, or why its circuit is open. */
  get error(): ErrorRecord | undefined {
    return this.#stopError ?? this.#circuit.error;
  }

  /** Takes over what an earlier run left in the queue. Before any message is offered. */
  async restore(enabled: boolean, olderToCome: boolean): Promise<void> {
    this.#enabled = enabled;
    this.#olderToCome = olderToCome;
    if (olderToCome) this.#window.added(0);
    const { bytes, blocked } = await this.#readQueue();
    this.#host.queuedBytes(bytes);
    if (blocked > 0) await this.#freeKeyless();
    if (this.#compiled.definition.options.afterDeadLetter === 'hold-key') await this.#restoreDeadLetters();
    this.#held.askAll();
    this.#window.load();
  }

  olderCame(): void {
    if (!this.#olderToCome) return;
    this.#olderToCome = false;
    this.#held.askAll();
    this.#goOn();
  }

  get #maxHeldKeys(): number {
    return this.#limits.maxHeldKeys * (this.#operators.any ? heldForOperators : 1);
  }

  async #readQueue() {
    const state = await this.#host.store.queueState(this.#host.channel, this.name, this.#maxHeldKeys + 1);
    for (const { key, head } of state.held) this.#held.restore(key, positionOf(head));
    if (state.ready > 0) this.#window.added(0);
    if (state.nextRetryAt !== undefined) this.#window.dueAt(state.nextRetryAt);
    return state;
  }

  /** `hold-key` holds over a restart too. */
  async #restoreDeadLetters(): Promise<void> {
    const query = { channel: this.#host.channel, destination: this.name, status: 'open-error', limit: 500 } as const;
    for (let cursor: string | undefined; ; ) {
      const page = await this.#host.store.find(cursor === undefined ? query : { ...query, cursor });
      for (const { seq, parts } of page.messages) {
        for (const { destination, n, status, resolved, keys = noKeys } of parts) {
          if (destination !== this.name || status !== 'error' || resolved) continue;
          this.#held.holdDead({ position: positionOf({ seq, n }), laneKeys: keys });
        }
      }
      cursor = page.cursor;
      if (cursor === undefined || this.#held.size > this.#maxHeldKeys) return;
    }
  }

  hold(holds: readonly HoldInForce[]): void {
    if (!this.#operators.set(holds)) return;
    this.#held.askAll();
    void this.#freeKeyless();
  }

  async #freeKeyless(): Promise<void> {
    if (this.#compiled.definition.options.order !== 'none') return;
    this.flushAll();
    try {
      const freed = await freeKeyless(this.#host.store, this.#host.channel, this.name, this.#operators);
      this.rowsChanged(freed.map((each) => ({ ...each, ready: true })));
    } catch (thrown) {
      this.#storeFailed(thrown, () => void this.#freeKeyless());
    }
  }

  get busy(): Busy | undefined {
    if (!this.#enabled) return 'stopped';
    if (this.#circuit.isOpen) return 'away';
    return this.#window.behind || this.#ready.length + this.#writes > fewReady ? 'live-traffic' : undefined;
  }

  /** A part on its first pass. */
  offer(slot: Slot, n: number, payload: unknown): void {
    const { definition } = this.#compiled;
    const compiled = slot.compiled!;
    const identity = {
      id: slot.id,
      seq: slot.seq,
      channel: this.#host.channel,
      keys: slot.keys,
      receivedAt: slot.receivedAt,
      version: compiled.version,
      replayOf: slot.replayOf,
      meta: slot.meta,
    };
    const message = new OutgoingMessage(identity, this.name, n, definition.format, { payload });
    const item: Item = {
      seq: slot.seq,
      n,
      position: positionOf({ seq: slot.seq, n }),
      message,
      laneKeys: this.#laneKeys(slot.keys, compiled.definition.options.replyFrom === this.name),
      lanesAhead: 0,
      attempts: 0,
      firstQueuedAt: this.#host.clock.now(),
      slot,
      backed: false,
      state: 'limbo',
    };
    this.#inMemory.set(item.position, item);
    if (!this.#mayTake || this.#circuit.isOpen || this.#inMemory.size > this.#limits.maxItems) {
      this.#window.parkLimbo();
      this.#park(item, 'ready');
      return;
    }
    const place = this.#window.place(item);
    if (place === 'free') this.#admit(item);
    else if (place === 'row') this.#park(item, 'ready');
  }

  #laneKeys(keys: readonly string[], bypass: boolean): readonly string[] {
    const { order } = this.#compiled.definition.options;
    if (bypass || order === 'none') return noKeys;
    return order === 'strict' ? strictKeys : keys;
  }

  #admit(item: Item): void {
    if (this.#verdict(item) === 'blocked') {
      this.#park(item, 'blocked');
      return;
    }
    item.state = 'lane';
    // In-order destinations take their queue as it comes; only independent writes need a lane per key.
    if (this.#compiled.definition.to.batching !== 'independent' || this.#lanes.enter(item)) this.#makeReady(item);
  }

  #verdict(item: Item): 'free' | 'blocked' | 'asking' {
    return this.#operators.any && this.#operators.blocks(item.seq, item.message) ? 'blocked' : this.#held.verdict(item);
  }

  #makeReady(item: Item): void {
    item.state = 'ready';
    this.#ready.push(item);
    this.#schedulePump();
  }

  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    queueMicrotask(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { to, options } = this.#compiled.definition;
    const inOrder = to.batching !== 'independent';
    const probing = this.#circuit.isProbing;
    const concurrency = options.order === 'strict' || (inOrder && options.order !== 'none') ? 1 : to.concurrency;
    const maxBatch = probing || (options.order === 'strict' && !inOrder) ? 1 : to.maxBatch;
    while (this.#mayWrite && this.#hasTime && this.#ready.length > 0 && this.#writes < (probing ? 1 : concurrency)) {
      const batch = this.#nextBatch(maxBatch, inOrder);
      if (batch.length === 0) break;
      void this.#write(batch);
    }
    if (this.#ready.length === 0) this.#window.load();
    else if (!this.#hasTime) this.#awaitLease();
  }

  get #hasTime(): boolean {
    const { lease, clock } = this.#host;
    return lease.until === Number.POSITIVE_INFINITY || lease.until > clock.monotonic();
  }

  #awaitLease(): void {
    if (this.#waitsForLease || this.#abandoned) return;
    this.#waitsForLease = true;
    this.#host.clock.timer(noTimeMs, () => {
      this.#waitsForLease = false;
      this.#schedulePump();
    });
  }

  get #mayTake(): boolean {
    return this.#enabled && !this.#olderToCome;
  }

  get #mayWrite(): boolean {
    return this.#mayTake && (!this.#circuit.isOpen || this.#circuit.isProbing);
  }

  #nextBatch(maxBatch: number, inOrder: boolean): readonly Item[] {
    const batch: Item[] = [];
    const blocked: Item[] = [];
    let taken = 0;
    for (const item of this.#ready) {
      if (batch.length >= maxBatch) break;
      if (item.state === 'ready') {
        const verdict = this.#verdict(item);
        if (verdict === 'free') {
          item.state = 'writing';
          batch.push(item);
        } else if (verdict === 'blocked') {
          // The hold has to be known before the next item of the key is looked at.
          this.#held.hold(item);
          blocked.push(item);
        } else if (inOrder) break;
        else {
          item.state = 'undecided';
          this.#undecided.push(item);
        }
      }
      taken += 1;
    }
    this.#ready = taken === this.#ready.length ? [] : this.#ready.slice(taken);
    for (const item of blocked) this.#park(item, 'blocked');
    return batch.length > 0 || taken === 0 || this.#ready.length === 0 ? batch : this.#nextBatch(maxBatch, inOrder);
  }

  /** The store was asked which parts of a key may go: what waited for that is looked at again. */
  #decide(): void {
    const undecided = this.#undecided.filter((item) => item.state === 'undecided');
    this.#undecided = [];
    for (const item of undecided) item.state = 'ready';
    if (undecided.length > 0) this.#ready = [...undecided, ...this.#ready];
    this.#schedulePump();
  }

  async #write(batch: readonly Item[]): Promise<void> {
    this.#writes += 1;
    const { name } = this;
    const timeoutMs = this.#compiled.definition.options.writeTimeoutMs;
    const timeout = new AbortController();
    const onHalt = () => timeout.abort(this.#halt.signal.reason);
    this.#halt.signal.addEventListener('abort', onHalt, { once: true });
    const cancelTimer = this.#host.clock.timer(timeoutMs, () =>
      timeout.abort(
        new HubError('reply-timeout', 'transient', `writing to ${name}: it took longer than ${timeoutMs} ms`),
      ),
    );
    const messages = batch.map((item) => {
      item.message.attempt = item.attempts + 1;
      return item.message;
    });
    const { lease } = this.#host;
    const context = { signal: timeout.signal, epoch: lease.epoch, notAfter: lease.until };
    const destination = this.#destination;
    // The halves of a batch that failed begin later than it did.
    const write = async (part: readonly OutgoingMessage[]) =>
      this.#hasTime ? destination.write(part, context) : part.map(() => ({ status: 'untried' as const }));
    const outcomes = await writeNarrowing(messages, write, name, timeout.signal);
    cancelTimer();
    this.#halt.signal.removeEventListener('abort', onHalt);
    this.#writes -= 1;
    if (this.#abandoned) {
      this.#wake();
      return;
    }
    try {
      this.#handle(batch, outcomes);
    } catch (thrown) {
      this.#host.log.error(
        { channel: this.#host.channel, destination: name, error: describeThrown(thrown) },
        'handling outcomes failed',
      );
    }
    this.#schedulePump();
    this.#wake();
  }

  #handle(batch: readonly Item[], outcomes: readonly WriteOutcome[]): void {
    let away: HubError | undefined;
    let awayMs = 0;
    let progressed = false;
    const back: Item[] = [];
    batch.forEach((item, at) => {
      const outcome = outcomes[at]!;
      if (outcome.status === 'untried') {
        back.push(item);
        return;
      }
      if (outcome.status === 'error' && outcome.error.scope === 'destination') {
        away ??= outcome.error;
        awayMs = Math.max(awayMs, outcome.retryAfterMs ?? 0);
        back.push(item);
        return;
      }
      progressed = true;
      if (outcome.status === 'sent') this.#sent(item, outcome.reply);
      else if (outcome.status === 'uncertain' && this.#halt.signal.aborted) back.push(item);
      else this.#failed(item, outcome);
    });
    if (!progressed && !away && !this.#halt.signal.aborted && this.#hasTime)
      away = new HubError('write-failed', 'transient', `writing to ${this.name}: nothing was tried`, {
        scope: 'destination',
      });
    for (const item of back) item.state = 'ready';
    if (back.length > 0) this.#ready = [...back, ...this.#ready];
    if (away) this.#openCircuit(away, awayMs);
    else if (this.#circuit.mayClose && progressed && this.#uncertainInRow === 0) this.#closeCircuit();
    else if (this.#uncertainInRow >= uncertainBeforeOpen || (this.#circuit.isProbing && this.#uncertainInRow > 0))
      this.#openCircuit(
        new HubError('reply-timeout', 'transient', `writing to ${this.name}: no answer`, { scope: 'destination' }),
      );
  }

  #sent(item: Item, reply: Uint8Array | undefined): void {
    this.#uncertainInRow = 0;
    const sentAt = this.#host.clock.now();
    this.#lastSent.add(item, sentAt);
    const attempts = item.attempts + 1;
    if (item.backed)
      this.#changes.add(
        { ...this.#named(item), from: 'queued', to: 'sent', sentAt, attempts, ...(reply && { reply }) },
        item,
      );
    else {
      const part = { destination: this.name, n: item.n, status: 'sent' as const, sentAt, attempts };
      this.#firstPass(item, withContent(part, item.message.encoded, reply));
    }
    this.#leave(item);
    this.#held.release(item);
  }

  #failed(item: Item, { status, error, reply, retryAfterMs = 0 }: Failure): void {
    const uncertain = status === 'uncertain';
    const { retry, afterDeadLetter } = this.#compiled.definition.options;
    item.attempts += 1;
    this.#uncertainInRow = uncertain ? this.#uncertainInRow + 1 : 0;
    const now = this.#host.clock.now();
    const noQueue =
      item.slot !== undefined && !item.backed && item.slot.compiled?.definition.options.replyFrom === this.name;
    const exhausted =
      (retry.maxAttempts !== undefined && item.attempts >= retry.maxAttempts) ||
      (retry.maxAgeMs !== undefined && now - item.firstQueuedAt >= retry.maxAgeMs);
    if ((error.kind === 'transient' || uncertain) && !exhausted && !noQueue) {
      const pause = backoff(item.attempts + 1, retry.initialMs, retry.maxMs, this.#host.random);
      const retryAt = now + Math.max(pause, retryAfterMs);
      this.#park(item, 'waiting', { error: errorRecord(error), retryAt });
      this.#window.dueAt(retryAt);
      return;
    }
    this.#deadLetter(item, errorRecord(error), reply);
    if (afterDeadLetter === 'hold-key') this.#held.holdDead(item);
    else this.#held.release(item);
    if (afterDeadLetter === 'stop') this.#stopItself(errorRecord(error));
  }

  #deadLetter(item: Item, error: ErrorRecord, reply: Uint8Array | undefined): void {
    const { attempts } = item;
    if (item.backed)
      this.#changes.add(
        { ...this.#named(item), from: 'queued', to: 'error', error, attempts, ...(reply && { reply }) },
        item,
      );
    else {
      const { laneKeys: keys, n } = item;
      const part = { destination: this.name, n, status: 'error' as const, error, attempts, keys };
      this.#firstPass(item, withContent(part, this.#bytesOf(item), reply));
    }
    this.#leave(item);
  }

  #bytesOf(item: Item): Uint8Array | undefined {
    try {
      return item.message.bytes;
    } catch {
      return undefined;
    }
  }

  get #notEncoded(): ErrorRecord {
    const message = `encoding for ${this.name} failed`;
    return { code: 'encode-failed', kind: 'permanent', scope: 'message', message };
  }

  /** Puts a part (back) into the store's queue. */
  #park(
    item: Item,
    queued: QueuedStatus,
    more: { readonly error?: ErrorRecord; readonly retryAt?: number } = {},
  ): void {
    const { error, retryAt } = more;
    if (queued === 'ready') this.#window.added(item.position);
    else this.#held.hold(item);
    if (item.backed) this.#parkRow(item, queued, more);
    else {
      const bytes = this.#bytesOf(item);
      if (bytes === undefined) {
        this.#deadLetter(item, this.#notEncoded, undefined);
        this.#held.release(item);
        return;
      }
      this.#host.queuedBytes(bytes.length);
      this.#firstPass(item, {
        destination: this.name,
        n: item.n,
        status: 'queued',
        queued,
        attempts: item.attempts,
        keys: item.laneKeys,
        bytes,
        ...(retryAt !== undefined && { retryAt }),
        ...(error && { error }),
      });
    }
    this.#leave(item);
    if (this.#held.size > this.#maxHeldKeys) {
      const message = `holding back ${this.#held.size} keys at ${this.name}: more than maxHeldKeys`;
      this.#stopItself({ code: 'write-failed', kind: 'permanent', scope: 'destination', message });
    }
  }

  #parkRow(
    item: Item,
    queued: QueuedStatus,
    { error, retryAt }: { readonly error?: ErrorRecord; readonly retryAt?: number },
  ): void {
    const name = this.#named(item);
    const { attempts } = item;
    if (queued === 'waiting')
      this.#changes.add(
        { ...name, from: 'queued', to: 'waiting', attempts, retryAt: retryAt!, ...(error && { error }) },
        item,
      );
    else if (queued === 'blocked') this.#changes.add({ ...name, from: 'queued', to: 'blocked' }, item);
    else {
      // Its row is ready as it was, or waits for a time that has come.
      this.#inMemory.delete(item.position);
      this.#window.dueAt(this.#host.clock.now());
    }
  }

  #firstPass(item: Item, part: Part): void {
    const { slot } = item;
    if (part.status === 'queued') item.backed = true;
    if (!item.backed || part.status === 'queued') this.#inMemory.delete(item.position);
    item.slot = undefined;
    if (slot) this.#host.firstPassEnded(slot, part);
  }

  /**
   * The message's settlement is written now because another of its parts was queued: this one gets a row too, and goes on in
   * memory from there. Undefined for a part that has ended.
   */
  backNow(position: number): Part | undefined {
    const item = this.#inMemory.get(position);
    if (!item || item.backed) return undefined;
    const bytes = this.#bytesOf(item);
    item.backed = true;
    item.slot = undefined;
    const { attempts, laneKeys: keys, n } = item;
    if (bytes === undefined) {
      this.#leave(item);
      this.#inMemory.delete(position);
      return { destination: this.name, n, status: 'error', error: this.#notEncoded, attempts, keys };
    }
    this.#host.queuedBytes(bytes.length);
    return { destination: this.name, n, status: 'queued', queued: 'ready', attempts, keys, bytes };
  }

  /** Withdraws a message's part that was not begun (rule 9). Answers false where it was. */
  cancel(position: number, error: ErrorRecord): boolean {
    const item = this.#inMemory.get(position);
    if (!item || item.state === 'writing' || item.state === 'gone') return false;
    this.#deadLetter(item, error, undefined);
    this.#held.release(item);
    return true;
  }

  /** As `cancel`, for a part that may be a row of the queue only. */
  cancelRow(position: number, error: ErrorRecord, attempts: number): boolean {
    if (this.#inMemory.has(position)) return this.cancel(position, error);
    const name = { destination: this.name, ...atPosition(position) };
    this.#changes.add({ ...name, from: 'queued', to: 'error', error, attempts }, undefined);
    return true;
  }

  /** Sends gathered changes to the store now. */
  flush(): Promise<void> {
    return this.#changes.flush();
  }

  /** What the store is asked next sees everything that has happened here. */
  flushAll(): void {
    this.#host.flush();
    void this.#changes.flush();
  }

  /** After an operator's change of rows in the store: dead letters made ready, parts skipped. */
  rowsChanged(changed: readonly { readonly seq: number; readonly n: number; readonly ready: boolean }[]): void {
    for (const { ready, ...part } of changed) {
      const position = positionOf(part);
      if (!ready) this.#held.gone(position);
      else {
        this.#held.revived(position);
        this.#window.added(position);
      }
    }
    this.#window.load();
  }

  /** True where a message with this key that came later was sent already, or may have been. */
  overtaken(position: number, keys: readonly string[]): boolean {
    return this.#lastSent.overtaken(position, keys);
  }

  #leave(item: Item): void {
    item.state = 'gone';
    if (this.#compiled.definition.to.batching === 'independent')
      this.#lanes.leave(item, (next) => this.#makeReady(next));
    this.#window.load();
  }

  #named(item: Item) {
    return { destination: this.name, seq: item.seq, n: item.n };
  }

  #committed(changed: readonly Changed[]): void {
    for (const { change, item } of changed) {
      if (item) this.#inMemory.delete(item.position);
      else this.#held.gone(positionOf(change));
      if (change.to !== 'sent' && change.to !== 'error') continue;
      if (item) this.#host.queuedBytes(-item.message.bytes.length);
      this.#host.queuedEnded(change.seq, change.to === 'error' ? change.error : undefined, change.reply);
    }
    this.#window.load();
    this.#wake();
  }

  #wanted(): boolean {
    return this.#mayWrite && !this.#stopping;
  }

  #room(): number {
    if (!this.#wanted()) return 0;
    if (this.#circuit.isOpen) return this.#ready.length > 0 || this.#writes > 0 ? 0 : 1;
    const room = this.#limits.maxItems - this.#inMemory.size;
    return room < Math.min(64, this.#limits.maxItems / 2) ? 0 : Math.min(room, loadPage);
  }

  #take(row: QueuedPart): void {
    const { definition } = this.#compiled;
    const identity = { ...row, channel: this.#host.channel, replayOf: row.replayOf };
    const item: Item = {
      seq: row.seq,
      n: row.n,
      position: positionOf(row),
      message: new OutgoingMessage(identity, this.name, row.n, definition.format, { bytes: row.bytes }),
      laneKeys: row.keys,
      lanesAhead: 0,
      attempts: row.attempts,
      firstQueuedAt: row.firstQueuedAt,
      slot: undefined,
      backed: true,
      state: 'lane',
    };
    this.#inMemory.set(item.position, item);
    this.#admit(item);
  }

  /**
   * Rows with these keys became ready in the store. What is in memory behind them, or behind such an item with another of its keys,
   * goes to the store too, so that it comes back after them.
   */
  #unblocked(ofRows: readonly string[], first: number): void {
    const keys = new Set(ofRows);
    const waiting = (item: Item) => item.state === 'lane' || item.state === 'ready' || item.state === 'undecided';
    const behind = [...this.#inMemory.values()].filter((item) => item.position > first && waiting(item));
    const parked = behind.sort(byPosition).filter((item) => {
      if (!item.laneKeys.some((each) => keys.has(each))) return false;
      for (const each of item.laneKeys) keys.add(each);
      return true;
    });
    for (const item of parked) this.#park(item, 'ready');
    this.#window.added(first);
    this.#window.load();
  }

  #openCircuit(error: HubError, atLeastMs = 0): void {
    this.#uncertainInRow = 0;
    const wasClosed = this.#circuit.open(error, atLeastMs);
    if (wasClosed)
      this.#host.log.warn(
        { channel: this.#host.channel, destination: this.name, code: error.code },
        `circuit open: ${error.message}`,
      );
    this.#spill();
  }

  #probe(): void {
    if (!this.#enabled) return;
    if (this.#window.behind) this.#window.load();
    else void this.#window.takeDue().then(() => this.#endEmptyProbe());
  }

  /** The probe found nothing left to try with. */
  #endEmptyProbe(): void {
    if (this.#circuit.isProbing && this.#ready.length === 0 && this.#writes === 0) this.#closeCircuit();
  }

  #closeCircuit(): void {
    this.#circuit.close();
    this.#host.log.info({ channel: this.#host.channel, destination: this.name }, 'circuit closed');
    this.#window.load();
    void this.#window.takeDue();
    this.#schedulePump();
  }

  /** Everything in memory that is not being written goes (back) to the store's queue, in order. */
  #spill(): void {
    this.#window.parkLimbo();
    const items = [...this.#inMemory.values()].filter((item) => item.state !== 'writing' && item.state !== 'gone');
    for (const item of items) item.state = 'gone';
    this.#undecided = [];
    for (const item of items.sort(byPosition)) this.#park(item, 'ready');
    this.#ready = [];
  }

  #stopItself(error: ErrorRecord): void {
    if (!this.#enabled) return;
    this.#enabled = false;
    this.#stopError = error;
    this.#host.log.error(
      { channel: this.#host.channel, destination: this.name, code: error.code },
      `destination stopped: ${error.message}`,
    );
    queueMicrotask(() => this.#spill());
    this.#host.stopped(this.name, error);
  }

  async disable(): Promise<void> {
    this.#enabled = false;
    this.#circuit.stop();
    this.#spill();
    await this.#until(() => this.#writes === 0);
    this.#spill();
  }

  enable(): void {
    if (this.#enabled) return;
    this.#enabled = true;
    this.#stopError = undefined;
    this.#circuit.close();
    this.#goOn();
  }

  #goOn(): void {
    this.#window.added(0);
    this.#window.load();
    void this.#window.takeDue();
  }

  /** Puts another definition, and another far end where `destination` is given, behind the same queue. */
  async replace(compiled: CompiledDestination, destination: Destination<unknown> | undefined): Promise<void> {
    if (!destination && compiled.definition.options.order === this.#compiled.definition.options.order) {
      this.#compiled = compiled;
      return;
    }
    const enabled = this.#enabled;
    await this.disable();
    this.#compiled = compiled;
    if (destination) {
      const old = this.#destination;
      this.#destination = destination;
      await old[Symbol.asyncDispose]();
    }
    if (enabled) this.enable();
  }

  /** Resolves when nothing is in memory any more, or `halt` aborts: then writes are aborted and the rest goes to the queue. */
  async drain(halt: AbortSignal): Promise<void> {
    this.#stopping = true;
    const onHalt = () => {
      this.#halt.abort(new HubError('draining', 'transient', `stopping ${this.name}`));
      this.#spill();
      this.#wake();
    };
    if (halt.aborted) onHalt();
    else halt.addEventListener('abort', onHalt, { once: true });
    await this.#until(() => (this.#ready.length === 0 && this.#writes === 0 && this.#firstPassEmpty()) || halt.aborted);
    const cancel = this.#host.clock.timer(haltPatienceMs, () => {
      this.#writes = 0;
      this.#wake();
    });
    await this.#until(() => this.#writes === 0);
    cancel();
    this.#enabled = false;
    this.#spill();
    void this.#changes.flush();
    await this.#until(() => !this.#changes.pending);
    halt.removeEventListener('abort', onHalt);
  }

  #firstPassEmpty(): boolean {
    for (const item of this.#inMemory.values()) if (!item.backed) return false;
    return true;
  }

  abandon(): void {
    this.#abandoned = true;
    this.#enabled = false;
    this.#stopping = true;
    this.#circuit.stop();
    this.#window.stop();
    this.#changes.abandon();
    this.#held.clear();
    this.#inMemory.clear();
    this.#ready = [];
    this.#undecided = [];
    this.#halt.abort(leaseLost(`writing to ${this.name}`));
    this.#wake();
  }

  async dispose(): Promise<void> {
    this.#circuit.stop();
    this.#window.stop();
    this.#held.clear();
    await this.#destination[Symbol.asyncDispose]();
  }

  #until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => {
      const check = () => {
        if (done()) resolve();
        else this.#waiters.push(check);
      };
      this.#waiters.push(check);
    });
  }

  #wake(): void {
    const waiters = this.#waiters;
    if (waiters.length === 0) return;
    this.#waiters = [];
    for (const check of waiters) check();
  }

  /** Something the store should have done comes later than what was asked of it since: so the queue is read anew then. */
  #storeFailed(thrown: unknown, again: () => void): void {
    if (this.#abandoned) return;
    if (isLeaseLost(thrown)) {
      this.#host.leaseLost();
      return;
    }
    const error = asHubError(thrown, 'store-failed', `settling ${this.name}`, 'transient');
    this.#host.log.error(
      { channel: this.#host.channel, destination: this.name, code: error.code, scope: error.scope },
      error.message,
    );
    this.#host.clock.timer(retryStoreMs, () => {
      again();
      void this.resume();
    });
  }

  /** After writes that failed at first were made up for: finds what was missed. */
  async resume(): Promise<void> {
    try {
      this.flushAll();
      await this.#readQueue();
      this.#held.askAll();
      this.#window.added(0);
      this.#window.load();
    } catch {
      // The store is still away: whoever waits for it asks again.
    }
  }
}

function withContent<P extends object>(part: P, bytes: Uint8Array | undefined, reply: Uint8Array | undefined): P {
  if (bytes === undefined && reply === undefined) return part;
  return { ...part, ...(bytes && { bytes }), ...(reply && { reply }) };
}
