// Over 300 lines: the one state machine of a destination; holds, lanes, narrowing and the circuit's wait stand in files of their own.

import type { Clock, Log } from '../component.ts';
import type { Destination, WriteOutcome } from '../destination.ts';
import { asHubError, describeThrown, type ErrorRecord, errorRecord, HubError } from '../errors.ts';
import type { MessageStore, Part, PartChange, QueuedPart, QueuedStatus } from '../store/message-store.ts';
import { backoff } from './backoff.ts';
import type { CompiledDestination } from './compiled.ts';
import { HeldKeys, positionOf } from './held-keys.ts';
import { type Laned, Lanes } from './lanes.ts';
import { writeNarrowing } from './narrow.ts';
import { OutgoingMessage, type Slot } from './slot.ts';

/** One part in memory: on its first pass (`slot` set, no row yet), or a row of the store's queue (`backed`). */
export interface Item extends Laned {
  readonly seq: number;
  readonly n: number;
  readonly position: number;
  readonly message: OutgoingMessage;
  attempts: number;
  readonly firstQueuedAt: number;
  slot: Slot | undefined;
  /** Its row is, or will be after the settlement under way, in the store's queue. */
  backed: boolean;
  state: 'lane' | 'ready' | 'writing' | 'gone';
}

export interface DispatcherHost {
  readonly channel: string;
  readonly store: MessageStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly epoch: number;
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
const uncertainBeforeOpen = 3;
const rememberedKeys = 10_000;
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
  readonly #host: DispatcherHost;
  readonly #limits: DispatchLimits;
  readonly #lanes = new Lanes<Item>();
  readonly #held: HeldKeys;
  #ready: Item[] = [];
  readonly #inMemory = new Map<number, Item>();
  #writes = 0;
  #halt = new AbortController();
  /** Ready rows are in the store that are not in memory: what comes now goes behind them. */
  #backlog = false;
  #cursor = -1;
  #loading = false;
  #frozenWhileLoading = 0;
  #circuitOpen = false;
  #probing = false;
  #circuitFailures = 0;
  #uncertainInRow = 0;
  #cancelProbe: (() => void) | undefined;
  #cancelDue: (() => void) | undefined;
  #nextDue = Number.POSITIVE_INFINITY;
  #changes: { readonly change: PartChange; readonly item: Item | undefined }[] = [];
  #changesScheduled = false;
  #committing = 0;
  #waiters: (() => void)[] = [];
  #lastSentPosition = -1;
  readonly #lastSent = new Map<string, number>();
  #forgot = true;
  error: ErrorRecord | undefined;
  lastSentAt: number | undefined;

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
    this.#held = new HeldKeys(
      (key) => {
        host.flush();
        void this.#flushChanges();
        return host.store.unblock(host.channel, this.name, key, 64);
      },
      (first) => {
        this.#cursor = Math.min(this.#cursor, first - 1);
        this.#backlog = true;
        if (this.#loading) this.#frozenWhileLoading += 1;
        this.#load();
      },
      (thrown) => this.#storeFailed(thrown, () => this.#held.resume()),
    );
  }

  get circuit(): 'open' | 'closed' {
    return this.#circuitOpen ? 'open' : 'closed';
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

  /** Takes over what an earlier run left in the queue. Before any message is offered. */
  async restore(enabled: boolean): Promise<void> {
    const state = await this.#host.store.queueState(this.#host.channel, this.name);
    for (const { key, head } of state.held) this.#held.restore(key, positionOf(head.seq, head.n));
    this.#backlog = state.ready > 0;
    this.#host.queuedBytes(state.bytes);
    this.#enabled = enabled;
    if (state.nextRetryAt !== undefined) this.#dueAt(state.nextRetryAt);
    this.#load();
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
      position: positionOf(slot.seq, n),
      message,
      laneKeys: this.#laneKeys(slot.keys, compiled.definition.options.replyFrom === this.name),
      lanesAhead: 0,
      attempts: 0,
      firstQueuedAt: this.#host.clock.now(),
      slot,
      backed: false,
      state: 'lane',
    };
    this.#inMemory.set(item.position, item);
    if (!this.#enabled || this.#backlog || this.#circuitOpen || this.#inMemory.size > this.#limits.maxItems)
      this.#park(item, 'ready');
    else if (this.#held.blocks(item)) this.#park(item, 'blocked');
    else this.#enter(item);
  }

  #laneKeys(keys: readonly string[], bypass: boolean): readonly string[] {
    const { order } = this.#compiled.definition.options;
    if (bypass || order === 'none') return noKeys;
    return order === 'strict' ? strictKeys : keys;
  }

  #enter(item: Item): void {
    item.state = 'lane';
    // In-order destinations take their queue as it comes; only independent writes need a lane per key.
    if (this.#compiled.definition.to.batching !== 'independent' || this.#lanes.enter(item)) this.#makeReady(item);
  }

  #makeReady(item: Item): void {
    item.state = 'ready';
    this.#ready.push(item);
    this.#schedulePump();
  }

  #pumpScheduled = false;
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
    const concurrency = options.order === 'strict' || (inOrder && options.order !== 'none') ? 1 : to.concurrency;
    const maxBatch = this.#probing || (options.order === 'strict' && !inOrder) ? 1 : to.maxBatch;
    while (this.#enabled && this.#ready.length > 0 && this.#writes < (this.#probing ? 1 : concurrency)) {
      const batch: Item[] = [];
      const parked: Item[] = [];
      let taken = 0;
      for (const item of this.#ready) {
        if (batch.length >= maxBatch) break;
        taken += 1;
        if (item.state !== 'ready') continue;
        if (this.#held.blocks(item)) {
          // The hold has to be known before the next item of the key is looked at.
          this.#held.hold(item);
          parked.push(item);
        } else {
          item.state = 'writing';
          batch.push(item);
        }
      }
      this.#ready = taken === this.#ready.length ? [] : this.#ready.slice(taken);
      for (const item of parked) this.#park(item, 'blocked', { held: true });
      if (batch.length > 0) void this.#write(batch);
    }
    if (this.#ready.length === 0 && this.#backlog) this.#load();
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
    const context = { signal: timeout.signal, epoch: this.#host.epoch, notAfter: Number.POSITIVE_INFINITY };
    const destination = this.#destination;
    const outcomes = await writeNarrowing(messages, (part) => destination.write(part, context), name, timeout.signal);
    cancelTimer();
    this.#halt.signal.removeEventListener('abort', onHalt);
    this.#writes -= 1;
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
        back.push(item);
        return;
      }
      progressed = true;
      if (outcome.status === 'sent') this.#sent(item, outcome.reply);
      else if (outcome.status === 'uncertain' && this.#halt.signal.aborted) back.push(item);
      else this.#failed(item, outcome.error, outcome.status === 'uncertain', outcome.reply);
    });
    if (!progressed && !away && !this.#halt.signal.aborted)
      away = new HubError('write-failed', 'transient', `writing to ${this.name}: nothing was tried`, {
        scope: 'destination',
      });
    for (const item of back) item.state = 'ready';
    this.#ready = back.length > 0 ? [...back, ...this.#ready] : this.#ready;
    if (away) this.#openCircuit(away);
    else if (this.#circuitOpen && progressed && this.#uncertainInRow === 0) this.#closeCircuit();
    else if (this.#uncertainInRow >= uncertainBeforeOpen || (this.#probing && this.#uncertainInRow > 0))
      this.#openCircuit(
        new HubError('reply-timeout', 'transient', `writing to ${this.name}: no answer`, { scope: 'destination' }),
      );
  }

  #sent(item: Item, reply: Uint8Array | undefined): void {
    this.#uncertainInRow = 0;
    this.#lastSentPosition = Math.max(this.#lastSentPosition, item.position);
    this.lastSentAt = this.#host.clock.now();
    for (const key of item.laneKeys) {
      if (this.#lastSent.size >= rememberedKeys && !this.#lastSent.has(key)) {
        this.#lastSent.delete(this.#lastSent.keys().next().value!);
        this.#forgot = true;
      }
      this.#lastSent.set(key, item.position);
    }
    const attempts = item.attempts + 1;
    const base = { destination: this.name, n: item.n, status: 'sent' as const, sentAt: this.lastSentAt, attempts };
    if (item.backed)
      this.#change(item, {
        ...this.#named(item),
        from: 'queued',
        to: 'sent',
        sentAt: this.lastSentAt,
        attempts,
        ...(reply && { reply }),
      });
    else this.#firstPass(item, withContent(base, item.message.encoded, reply));
    this.#leave(item);
    this.#held.release(item);
  }

  #failed(item: Item, error: HubError, uncertain: boolean, reply: Uint8Array | undefined): void {
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
      const retryAt = now + backoff(item.attempts + 1, retry.initialMs, retry.maxMs, this.#host.random);
      this.#park(item, 'waiting', { error: errorRecord(error), retryAt });
      this.#dueAt(retryAt);
      return;
    }
    this.#deadLetter(item, errorRecord(error), reply);
    if (afterDeadLetter === 'hold-key') this.#held.hold(item);
    else this.#held.release(item);
    if (afterDeadLetter === 'stop') this.#stopItself(errorRecord(error));
  }

  #deadLetter(item: Item, error: ErrorRecord, reply: Uint8Array | undefined): void {
    const { attempts } = item;
    if (item.backed)
      this.#change(item, {
        ...this.#named(item),
        from: 'queued',
        to: 'error',
        error,
        attempts,
        ...(reply && { reply }),
      });
    else {
      const base = {
        destination: this.name,
        n: item.n,
        status: 'error' as const,
        error,
        attempts,
        keys: item.laneKeys,
      };
      this.#firstPass(item, withContent(base, this.#bytesOf(item), reply));
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

  /** Puts a part (back) into the store's queue. */
  #park(
    item: Item,
    queued: QueuedStatus,
    more: { readonly error?: ErrorRecord; readonly retryAt?: number; readonly held?: boolean } = {},
  ): void {
    const { error, retryAt } = more;
    if (queued !== 'ready' && !more.held) this.#held.hold(item);
    if (queued === 'ready') {
      this.#backlog = true;
      this.#cursor = Math.min(this.#cursor, item.position - 1);
    }
    if (this.#loading) this.#frozenWhileLoading += 1;
    if (item.backed) {
      const name = this.#named(item);
      if (queued === 'waiting')
        this.#change(item, {
          ...name,
          from: 'queued',
          to: 'waiting',
          attempts: item.attempts,
          retryAt: retryAt!,
          ...(error && { error }),
        });
      else if (queued === 'blocked') this.#change(item, { ...name, from: 'queued', to: 'blocked' });
      else this.#inMemory.delete(item.position);
    } else {
      const bytes = this.#bytesOf(item);
      if (bytes === undefined) {
        this.#deadLetter(
          item,
          { code: 'encode-failed', kind: 'permanent', scope: 'message', message: `encoding for ${this.name} failed` },
          undefined,
        );
        this.#held.release(item);
        return;
      }
      const part: Part = {
        destination: this.name,
        n: item.n,
        status: 'queued',
        queued,
        attempts: item.attempts,
        keys: item.laneKeys,
        bytes,
        ...(retryAt !== undefined && { retryAt }),
        ...(error && { error }),
      };
      this.#host.queuedBytes(bytes.length);
      this.#firstPass(item, part);
    }
    this.#leave(item);
    if (this.#held.size > this.#limits.maxHeldKeys) {
      const text = `holding back ${this.#held.size} keys at ${this.name}: more than maxHeldKeys`;
      this.#stopItself({ code: 'write-failed', kind: 'permanent', scope: 'destination', message: text });
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
      const error: ErrorRecord = {
        code: 'encode-failed',
        kind: 'permanent',
        scope: 'message',
        message: `encoding for ${this.name} failed`,
      };
      this.#leave(item);
      this.#inMemory.delete(position);
      return { destination: this.name, n, status: 'error', error, attempts, keys };
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
    const item = this.#inMemory.get(position);
    if (item) return this.cancel(position, error);
    const name = { destination: this.name, seq: Math.floor(position / 65_536), n: position % 65_536 };
    this.#changes.push({ change: { ...name, from: 'queued', to: 'error', error, attempts }, item: undefined });
    return true;
  }

  /** Sends gathered changes to the store now. */
  flush(): Promise<void> {
    return this.#flushChanges();
  }

  /** After an operator's change of rows in the store: dead letters made ready, parts skipped. */
  rowsChanged(changed: readonly { readonly seq: number; readonly n: number; readonly ready: boolean }[]): void {
    for (const { seq, n, ready } of changed) {
      const position = positionOf(seq, n);
      if (ready) {
        this.#backlog = true;
        this.#cursor = Math.min(this.#cursor, position - 1);
      } else this.#held.gone(position);
    }
    this.#load();
  }

  /** True where a message with this key that came later was sent already, or may have been. */
  overtaken(position: number, keys: readonly string[]): boolean {
    if (keys.length === 0 || position > this.#lastSentPosition) return false;
    return keys.some((key) => {
      const last = this.#lastSent.get(key);
      return last === undefined ? this.#forgot : last > position;
    });
  }

  #leave(item: Item): void {
    item.state = 'gone';
    if (this.#compiled.definition.to.batching === 'independent')
      this.#lanes.leave(item, (next) => this.#makeReady(next));
    if (this.#backlog) this.#load();
  }

  #named(item: Item) {
    return { destination: this.name, seq: item.seq, n: item.n };
  }

  #change(item: Item, change: PartChange): void {
    this.#changes.push({ change, item });
    if (this.#changesScheduled) return;
    this.#changesScheduled = true;
    setImmediate(() => void this.#flushChanges());
  }

  #flushChanges(): Promise<void> {
    this.#changesScheduled = false;
    if (this.#changes.length === 0) return Promise.resolve();
    const changes = this.#changes;
    this.#changes = [];
    this.#host.flush();
    return this.#commit(changes);
  }

  #commit(changes: readonly { readonly change: PartChange; readonly item: Item | undefined }[]): Promise<void> {
    this.#committing += 1;
    return this.#host.store
      .update(
        this.#host.channel,
        changes.map((each) => each.change),
      )
      .then(
        () => {
          this.#committing -= 1;
          for (const { change, item } of changes) {
            if (item) this.#inMemory.delete(item.position);
            else this.#held.gone(positionOf(change.seq, change.n));
            if (change.to === 'sent' || change.to === 'error') {
              if (item) this.#host.queuedBytes(-item.message.bytes.length);
              this.#host.queuedEnded(change.seq, change.to === 'error' ? change.error : undefined, change.reply);
            }
          }
          if (this.#backlog) this.#load();
          this.#wake();
        },
        (thrown) => {
          this.#committing -= 1;
          this.#storeFailed(thrown, () => void this.#commit(changes));
        },
      );
  }

  #load(): void {
    const room = this.#limits.maxItems - this.#inMemory.size;
    if (this.#loading || !this.#backlog || !this.#enabled || this.#stopping) return;
    if (this.#circuitOpen && (!this.#probing || this.#ready.length > 0 || this.#writes > 0)) return;
    if (room < Math.min(64, this.#limits.maxItems / 2)) return;
    this.#loading = true;
    this.#frozenWhileLoading = 0;
    this.#host.flush();
    void this.#flushChanges();
    const after = { seq: Math.floor(this.#cursor / 65_536), n: ((this.#cursor % 65_536) + 65_536) % 65_536 };
    const limit = this.#probing ? 1 : Math.min(room, 512);
    this.#host.store.ready(this.#host.channel, this.name, after, limit, loadBytes).then(
      (rows) => {
        this.#loading = false;
        this.#loaded(rows, after);
      },
      (thrown) => {
        this.#loading = false;
        this.#storeFailed(thrown, () => this.#load());
      },
    );
  }

  #loaded(rows: readonly QueuedPart[], after: { readonly seq: number; readonly n: number }): void {
    if (!this.#enabled || this.#stopping || (this.#circuitOpen && !this.#probing)) return;
    // Rows were frozen or unblocked below the place this page began at: they come first.
    if (this.#cursor < positionOf(after.seq, after.n)) {
      this.#load();
      return;
    }
    for (const row of rows) {
      const item = this.#fromRow(row);
      this.#cursor = item.position;
      if (this.#inMemory.has(item.position)) continue;
      this.#inMemory.set(item.position, item);
      if (this.#held.blocks(item)) this.#park(item, 'blocked');
      else this.#enter(item);
    }
    if (rows.length > 0 || this.#frozenWhileLoading > 0) {
      this.#load();
      return;
    }
    this.#backlog = false;
    // The probe found nothing left to try with.
    if (this.#probing && this.#ready.length === 0 && this.#writes === 0) this.#closeCircuit();
  }

  #fromRow(row: QueuedPart): Item {
    const { definition } = this.#compiled;
    const identity = { ...row, channel: this.#host.channel, replayOf: row.replayOf };
    const message = new OutgoingMessage(identity, this.name, row.n, definition.format, { bytes: row.bytes });
    return {
      seq: row.seq,
      n: row.n,
      position: positionOf(row.seq, row.n),
      message,
      laneKeys: row.keys,
      lanesAhead: 0,
      attempts: row.attempts,
      firstQueuedAt: row.firstQueuedAt,
      slot: undefined,
      backed: true,
      state: 'lane',
    };
  }

  #dueAt(at: number): void {
    if (at >= this.#nextDue) return;
    this.#nextDue = at;
    this.#cancelDue?.();
    this.#cancelDue = this.#host.clock.timer(Math.max(1, at - this.#host.clock.now()), () => void this.#takeDue());
  }

  async #takeDue(): Promise<void> {
    this.#nextDue = Number.POSITIVE_INFINITY;
    if (!this.#enabled || this.#stopping) return;
    // While the far end is away nothing is spent; the circuit asks again when it closes.
    if (this.#circuitOpen && !this.#probing) return;
    this.#host.flush();
    void this.#flushChanges();
    try {
      const rows = await this.#host.store.due(
        this.#host.channel,
        this.name,
        this.#host.clock.now(),
        this.#probing ? 1 : 64,
      );
      for (const row of rows) {
        const item = this.#fromRow(row);
        if (this.#inMemory.has(item.position)) continue;
        this.#inMemory.set(item.position, item);
        if (this.#held.blocks(item)) this.#park(item, 'blocked');
        else this.#enter(item);
      }
      const { nextRetryAt } = await this.#host.store.queueState(this.#host.channel, this.name);
      if (nextRetryAt !== undefined) this.#dueAt(Math.max(nextRetryAt, this.#host.clock.now() + 20));
    } catch (thrown) {
      this.#storeFailed(thrown, () => void this.#takeDue());
    }
  }

  #openCircuit(error: HubError): void {
    const wasOpen = this.#circuitOpen;
    this.#circuitOpen = true;
    this.#probing = false;
    this.#uncertainInRow = 0;
    this.#circuitFailures += 1;
    this.error = errorRecord(error);
    if (!wasOpen)
      this.#host.log.warn(
        { channel: this.#host.channel, destination: this.name, code: error.code },
        `circuit open: ${error.message}`,
      );
    this.#spill();
    const { retry } = this.#compiled.definition.options;
    const wait = backoff(
      this.#circuitFailures + 1,
      Math.min(500, retry.initialMs),
      Math.min(30_000, retry.maxMs),
      this.#host.random,
    );
    this.#cancelProbe?.();
    this.#cancelProbe = this.#host.clock.timer(wait, () => this.#probe());
  }

  #probe(): void {
    if (!this.#circuitOpen || !this.#enabled) return;
    this.#probing = true;
    if (this.#backlog) this.#load();
    else
      void this.#takeDue().then(() => {
        if (this.#probing && this.#ready.length === 0 && this.#writes === 0 && this.#inMemory.size === 0)
          this.#closeCircuit();
      });
  }

  #closeCircuit(): void {
    this.#circuitOpen = false;
    this.#probing = false;
    this.#circuitFailures = 0;
    this.error = undefined;
    this.#host.log.info({ channel: this.#host.channel, destination: this.name }, 'circuit closed');
    this.#load();
    void this.#takeDue();
    this.#schedulePump();
  }

  /** Everything in memory that is not being written goes (back) to the store's queue, in order. */
  #spill(): void {
    const items = [...this.#inMemory.values()].filter((item) => item.state === 'lane' || item.state === 'ready');
    this.#ready = [];
    for (const item of items) item.state = 'gone';
    for (const item of items.sort((a, b) => a.position - b.position)) this.#park(item, 'ready');
    this.#ready = [];
  }

  #stopItself(error: ErrorRecord): void {
    if (!this.#enabled) return;
    this.#enabled = false;
    this.error = error;
    this.#host.log.error(
      { channel: this.#host.channel, destination: this.name, code: error.code },
      `destination stopped: ${error.message}`,
    );
    queueMicrotask(() => this.#spill());
    this.#host.stopped(this.name, error);
  }

  async disable(): Promise<void> {
    this.#enabled = false;
    this.#cancelProbe?.();
    this.#spill();
    await this.#until(() => this.#writes === 0);
    this.#spill();
  }

  enable(): void {
    if (this.#enabled) return;
    this.#enabled = true;
    this.error = undefined;
    this.#circuitOpen = false;
    this.#circuitFailures = 0;
    this.#backlog = true;
    this.#load();
    void this.#takeDue();
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
    // A destination that ignores its signal does not hold up a halt for ever.
    const cancel = this.#host.clock.timer(2_000, () => {
      this.#writes = 0;
      this.#wake();
    });
    await this.#until(() => this.#writes === 0);
    cancel();
    this.#enabled = false;
    this.#spill();
    void this.#flushChanges();
    await this.#until(() => this.#committing === 0);
    halt.removeEventListener('abort', onHalt);
  }

  #firstPassEmpty(): boolean {
    for (const item of this.#inMemory.values()) if (!item.backed) return false;
    return true;
  }

  async dispose(): Promise<void> {
    this.#cancelProbe?.();
    this.#cancelDue?.();
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

  #storeFailed(thrown: unknown, again: () => void): void {
    const error = asHubError(thrown, 'store-failed', `settling ${this.name}`, 'transient');
    this.#host.log.error({ channel: this.#host.channel, destination: this.name, code: error.code }, error.message);
    this.#host.clock.timer(250, again);
  }
}

function withContent<P extends object>(part: P, bytes: Uint8Array | undefined, reply: Uint8Array | undefined): P {
  if (bytes === undefined && reply === undefined) return part;
  return { ...part, ...(bytes && { bytes }), ...(reply && { reply }) };
}
