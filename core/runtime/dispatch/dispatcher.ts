// Over 300 lines: the one state machine of a destination. What it is made of stands beside it: the far end with its circuit, what is
// ready, how parts end, holds, the window on the store's queue, changes of rows.
import { isLeaseLost, leaseLost } from '../../cluster/work-store.ts';
import type { Destination, WriteOutcome } from '../../destination.ts';
import { asHubError, describeThrown, type ErrorRecord, errorRecord, HubError } from '../../errors.ts';
import { PassingMap } from '../../passing-map.ts';
import type { Part, QueuedPart } from '../../store/message-store.ts';
import { backoff } from '../backoff.ts';
import type { CompiledDestination } from '../compiled.ts';
import { Lanes } from '../lanes.ts';
import { positionOf } from '../position.ts';
import type { Slot } from '../slot.ts';
import type { Busy, Dispatch } from './dispatch.ts';
import type { DispatcherHost, DispatchLimits } from './dispatcher-host.ts';
import { FarEnd } from './far-end.ts';
import { HeldKeys } from './held-keys.ts';
import { byPosition, type Item } from './item.ts';
import { type KeptQueue, readQueue, restoreDeadLetters } from './kept-queue.ts';
import { freeKeyless } from './keyless-rows.ts';
import { LastSent } from './last-sent.ts';
import { itemOfRow, offeredItem, type PartTo } from './new-item.ts';
import { type HoldInForce, OperatorHolds } from './operator-holds.ts';
import { type Changed, PartChanges } from './part-changes.ts';
import { PartEnds } from './part-ends.ts';
import { QueueWindow } from './queue-window.ts';
import { RateGate } from './rate-gate.ts';
import { ReadyItems } from './ready-items.ts';
import { Waiters } from './waiters.ts';

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
/**
 * What comes beyond `maxItems` may be done with in so long: a row for each would cost a destination that keeps up far more than the
 * wait, and its senders with it.
 */
const patienceMs = 500;
type Failure = Extract<WriteOutcome, { readonly status: 'uncertain' | 'error' }>;
const strictKeys: readonly string[] = [''];
const noKeys: readonly string[] = [];

/** Sends one destination's parts: in order per key, with retries, a circuit, and the store's queue behind it. */
export class Dispatcher implements Dispatch {
  readonly name: string;
  #compiled: CompiledDestination;
  #enabled = true;
  #ending = false;
  /** Nothing more is taken from the store. */
  #stopping = false;
  /** Messages that may be older than what the queue holds are still to be offered. */
  #olderToCome = false;
  readonly #host: DispatcherHost;
  readonly #limits: DispatchLimits;
  readonly #farEnd: FarEnd;
  readonly #lanes = new Lanes<Item>();
  readonly #held: HeldKeys;
  readonly #window: QueueWindow;
  readonly #changes: PartChanges;
  readonly #kept: KeptQueue;
  readonly #lastSent = new LastSent();
  readonly #operators = new OperatorHolds();
  readonly #ready: ReadyItems;
  readonly #ends: PartEnds;
  readonly #gate: RateGate;
  readonly #inMemory = new PassingMap<number, Item>();
  readonly #waiters = new Waiters();
  #pumpScheduled = false;
  /** The first that came beyond `maxItems`: if it is still there when patience ends, what is too much goes to the queue. */
  #watched: Item | undefined;
  #uncertainInRow = 0;
  #abandoned = false;
  #stopError: ErrorRecord | undefined;

  constructor(
    compiled: CompiledDestination,
    destination: Destination<unknown>,
    host: DispatcherHost,
    limits: DispatchLimits,
  ) {
    const { name } = compiled;
    this.name = name;
    this.#compiled = compiled;
    this.#host = host;
    this.#limits = limits;
    const { channel, clock, store } = host;
    const failed = (thrown: unknown, again: () => void) => this.#storeFailed(thrown, again);
    const compiledNow = () => this.#compiled;
    this.#farEnd = new FarEnd(destination, {
      ...{ name, host },
      get compiled() {
        return compiledNow();
      },
      probe: () => this.#probe(),
    });
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
        return store.unblock(channel, name, key, this.#operators.mayBlock(key) ? 1 : unblockPage);
      },
      unblocked: (keys, first) => this.#unblocked(keys, first),
      answered: () => {
        this.#ready.decide();
        this.#schedulePump();
      },
      failed: (thrown) => failed(thrown, () => this.#held.askAll()),
    });
    this.#window = new QueueWindow({
      ready: (after, limit) => {
        this.flushAll();
        return store.ready(channel, name, after, limit, loadBytes);
      },
      due: (limit) => {
        this.flushAll();
        return store.due(channel, name, clock.now(), limit);
      },
      wanted: () => this.#wanted(),
      room: () => this.#room(),
      has: (position) => this.#inMemory.has(position),
      take: (row) => this.#take(row),
      enter: (item) => this.#admit(item),
      park: (item) => this.#ends.park(item, 'ready'),
      caughtUp: () => this.#endEmptyProbe(),
      now: () => clock.now(),
      timer: (ms, run) => clock.timer(ms, run),
      failed,
    });
    this.#ready = new ReadyItems({
      verdict: (item) => this.#verdict(item),
      hold: (item) => this.#held.hold(item),
      parkBlocked: (item) => this.#ends.park(item, 'blocked'),
    });
    const rate = () => this.#compiled.definition.options.rate;
    this.#gate = new RateGate({
      get isLimited() {
        return rate() !== undefined;
      },
      take: (wanted) => host.take(rate()!, wanted),
      now: () => clock.monotonic(),
      timer: (ms, run) => clock.timer(ms, run),
      look: () => this.#schedulePump(),
    });
    this.#kept = { store, channel, name, held: this.#held, window: this.#window };
    this.#ends = new PartEnds({
      ...{ name, host, inMemory: this.#inMemory, lastSent: this.#lastSent },
      ...{ changes: this.#changes, held: this.#held, window: this.#window },
      leave: (item) => this.#leave(item),
      parked: () => this.#boundHeld(),
    });
  }

  get circuit(): 'open' | 'closed' {
    return this.#farEnd.isAway ? 'open' : 'closed';
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
  get limited(): boolean {
    return this.#gate.isWaiting && this.#ready.length > 0;
  }
  get lastSentAt(): number | undefined {
    return this.#lastSent.at;
  }
  /** Why it stopped by itself, or why its circuit is open. */
  get error(): ErrorRecord | undefined {
    return this.#stopError ?? this.#farEnd.error;
  }

  async restore(enabled: boolean, olderToCome: boolean): Promise<void> {
    this.#enabled = enabled;
    this.#olderToCome = olderToCome;
    if (olderToCome) this.#window.added(0);
    const { bytes, blocked } = await readQueue(this.#kept, this.#maxHeldKeys);
    this.#host.queuedBytes(bytes);
    if (blocked > 0) await this.#freeKeyless();
    if (this.#compiled.definition.options.afterDeadLetter === 'hold-key')
      await restoreDeadLetters(this.#kept, this.#maxHeldKeys);
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
    if (this.#farEnd.isAway) return 'away';
    return this.#window.behind || this.#ready.length + this.#farEnd.writes > fewReady ? 'live-traffic' : undefined;
  }

  get #to(): PartTo {
    return { channel: this.#host.channel, destination: this.name, format: this.#compiled.definition.format };
  }

  offer(slot: Slot, n: number, payload: unknown): void {
    const laneKeys = this.#laneKeys(slot.keys, slot.compiled!.definition.options.replyFrom === this.name);
    const item = offeredItem(this.#to, slot, n, payload, laneKeys, this.#host.clock.now());
    this.#inMemory.set(item.position, item);
    if (!this.#mayTake || this.#isLate || this.#farEnd.isAway || this.#inMemory.size > this.#mostItems) {
      this.#window.parkLimbo();
      this.#ends.park(item, 'ready');
      return;
    }
    const place = this.#window.place(item);
    if (place === 'row') this.#ends.park(item, 'ready');
    if (place !== 'free') return;
    this.#admit(item);
    if (this.#inMemory.size > this.#limits.maxItems) this.#watch(item);
  }

  /** What waits for a rate is not done with soon. */
  get #mostItems(): number {
    return this.#gate.isLimited ? this.#limits.maxItems : 2 * this.#limits.maxItems;
  }

  #watch(item: Item): void {
    if (this.#watched) return;
    this.#watched = item;
    this.#host.clock.timer(patienceMs, () => {
      this.#watched = undefined;
      if (this.#inMemory.get(item.position) === item) this.#spillBeyond(this.#limits.maxItems);
    });
  }

  #laneKeys(keys: readonly string[], bypass: boolean): readonly string[] {
    const { order } = this.#compiled.definition.options;
    if (bypass || order === 'none') return noKeys;
    return order === 'strict' ? strictKeys : keys;
  }

  #admit(item: Item): void {
    if (this.#verdict(item) === 'blocked') {
      this.#ends.park(item, 'blocked');
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
    this.#ready.add(item);
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
    const farEnd = this.#farEnd;
    const inOrder = to.batching !== 'independent';
    const probing = farEnd.isProbing;
    const concurrency = options.order === 'strict' || (inOrder && options.order !== 'none') ? 1 : to.concurrency;
    const maxBatch = probing || (options.order === 'strict' && !inOrder) ? 1 : to.maxBatch;
    while (this.#mayWrite && farEnd.hasTime && this.#ready.length > 0 && farEnd.writes < (probing ? 1 : concurrency)) {
      const allowed = this.#gate.allows(Math.min(maxBatch, this.#ready.length));
      if (allowed === 0) break;
      const batch = this.#ready.next(allowed, inOrder);
      if (batch.length === 0) break;
      this.#gate.used(batch.length);
      void this.#write(batch);
    }
    if (this.#ready.length === 0) this.#window.load();
    else if (!farEnd.hasTime && !this.#abandoned) farEnd.awaitLease(() => this.#schedulePump());
  }

  get #mayTake(): boolean {
    return this.#enabled && !this.#olderToCome;
  }

  get #mayWrite(): boolean {
    return this.#mayTake && (!this.#farEnd.isAway || this.#farEnd.isProbing);
  }

  async #write(batch: readonly Item[]): Promise<void> {
    const outcomes = await this.#farEnd.write(batch);
    if (this.#abandoned) {
      this.#waiters.wake();
      return;
    }
    try {
      this.#handle(batch, outcomes);
    } catch (thrown) {
      this.#host.log.error(
        { channel: this.#host.channel, destination: this.name, error: describeThrown(thrown) },
        'handling outcomes failed',
      );
    }
    this.#schedulePump();
    this.#waiters.wake();
  }

  #handle(batch: readonly Item[], outcomes: readonly WriteOutcome[]): void {
    const farEnd = this.#farEnd;
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
      if (outcome.status === 'sent') {
        this.#uncertainInRow = 0;
        this.#ends.sent(item, outcome.reply);
      } else if (outcome.status === 'uncertain' && farEnd.isHalted) back.push(item);
      else this.#failed(item, outcome);
    });
    if (!progressed && !away && !farEnd.isHalted && farEnd.hasTime)
      away = new HubError('write-failed', 'transient', `writing to ${this.name}: nothing was tried`, {
        scope: 'destination',
      });
    this.#ready.putBack(back);
    this.#gate.notUsed(outcomes.filter(({ status }) => status === 'untried').length);
    if (away) this.#openCircuit(away, awayMs);
    else if (farEnd.mayClose && progressed && this.#uncertainInRow === 0) this.#closeCircuit();
    else if (this.#uncertainInRow >= uncertainBeforeOpen || (farEnd.isProbing && this.#uncertainInRow > 0))
      this.#openCircuit(
        new HubError('reply-timeout', 'transient', `writing to ${this.name}: no answer`, { scope: 'destination' }),
      );
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
      this.#ends.park(item, 'waiting', { error: errorRecord(error), retryAt });
      this.#window.dueAt(retryAt);
      return;
    }
    this.#ends.deadLetter(item, errorRecord(error), reply);
    if (afterDeadLetter === 'hold-key') this.#held.holdDead(item);
    else this.#held.release(item);
    if (afterDeadLetter === 'stop') this.#stopItself(errorRecord(error));
  }

  #boundHeld(): void {
    if (this.#held.size <= this.#maxHeldKeys) return;
    const message = `holding back ${this.#held.size} keys at ${this.name}: more than maxHeldKeys`;
    this.#stopItself({ code: 'write-failed', kind: 'permanent', scope: 'destination', message });
  }

  backNow(position: number): Part | undefined {
    return this.#ends.backNow(position);
  }

  cancel(position: number, error: ErrorRecord): boolean {
    return this.#ends.cancel(position, error);
  }

  cancelRow(position: number, error: ErrorRecord, attempts: number): boolean {
    return this.#ends.cancelRow(position, error, attempts);
  }

  flush(): Promise<void> {
    return this.#changes.flush();
  }

  /** What the store is asked next sees everything that has happened here. */
  flushAll(): void {
    this.#host.flush();
    void this.#changes.flush();
  }

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

  overtaken(position: number, keys: readonly string[]): boolean {
    return this.#lastSent.overtaken(position, keys);
  }

  #leave(item: Item): void {
    item.state = 'gone';
    if (this.#compiled.definition.to.batching === 'independent')
      this.#lanes.leave(item, (next) => this.#makeReady(next));
    this.#window.load();
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
    this.#waiters.wake();
  }

  #wanted(): boolean {
    return this.#mayWrite && !this.#stopping && !this.#isLate;
  }

  #room(): number {
    if (!this.#wanted()) return 0;
    if (this.#farEnd.isAway) return this.#ready.length > 0 || this.#farEnd.writes > 0 ? 0 : 1;
    const room = this.#limits.maxItems - this.#inMemory.size;
    return room < Math.min(64, this.#limits.maxItems / 2) ? 0 : Math.min(room, loadPage);
  }

  #take(row: QueuedPart): void {
    const item = itemOfRow(this.#to, row);
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
    for (const item of parked) this.#ends.park(item, 'ready');
    this.#window.added(first);
    this.#window.load();
  }

  #openCircuit(error: HubError, atLeastMs = 0): void {
    this.#uncertainInRow = 0;
    this.#farEnd.open(error, atLeastMs);
    this.#spill();
  }

  #probe(): void {
    if (!this.#enabled) return;
    if (this.#window.behind) this.#window.load();
    else void this.#window.takeDue().then(() => this.#endEmptyProbe());
  }

  /** The probe found nothing left to try with. */
  #endEmptyProbe(): void {
    if (this.#farEnd.isProbing && this.#ready.length === 0 && this.#farEnd.writes === 0) this.#closeCircuit();
  }

  #closeCircuit(): void {
    this.#farEnd.close();
    this.#window.load();
    void this.#window.takeDue();
    this.#schedulePump();
  }

  /** Everything in memory that is not being written goes (back) to the store's queue, in order. */
  #spill(): void {
    this.#window.parkLimbo();
    const items = this.#unwritten();
    for (const item of items) item.state = 'gone';
    for (const item of items) this.#ends.park(item, 'ready');
    this.#ready.forget();
  }

  /** The last ones do, until so many are left. */
  #spillBeyond(left: number): void {
    this.#window.parkLimbo();
    const items = this.#unwritten();
    const writing = this.#inMemory.size - items.length;
    for (const item of items.slice(Math.max(0, left - writing))) this.#ends.park(item, 'ready');
  }

  /** What is in memory and not being written, in order. */
  #unwritten(): readonly Item[] {
    const items = [...this.#inMemory.values()].filter(({ state }) => state !== 'writing' && state !== 'gone');
    return items.sort(byPosition);
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
    this.#farEnd.stopProbing();
    this.#spill();
    await this.#waiters.until(() => this.#farEnd.writes === 0);
    this.#spill();
  }

  enable(): void {
    if (this.#enabled) return;
    this.#enabled = true;
    this.#stopError = undefined;
    this.#farEnd.reset();
    this.#goOn();
  }

  #goOn(): void {
    this.#window.added(0);
    this.#window.load();
    void this.#window.takeDue();
  }

  async replace(compiled: CompiledDestination, destination: Destination<unknown> | undefined): Promise<void> {
    if (!destination && compiled.definition.options.order === this.#compiled.definition.options.order) {
      this.#compiled = compiled;
      return;
    }
    const enabled = this.#enabled;
    await this.disable();
    this.#compiled = compiled;
    if (destination) await this.#farEnd.replace(destination);
    if (enabled) this.enable();
  }

  end(): void {
    this.#ending = true;
    if (this.#isLate) this.#spill();
  }

  /** What would wait for its rate goes to the queue, and stays there. */
  get #isLate(): boolean {
    return this.#ending && this.#compiled.definition.options.rate !== undefined;
  }

  async drain(halt: AbortSignal): Promise<void> {
    this.#stopping = true;
    const farEnd = this.#farEnd;
    const onHalt = () => {
      farEnd.halt(new HubError('draining', 'transient', `stopping ${this.name}`));
      this.#spill();
      this.#waiters.wake();
    };
    if (halt.aborted) onHalt();
    else halt.addEventListener('abort', onHalt, { once: true });
    const isEmpty = () => this.#ready.length === 0 && farEnd.writes === 0 && this.#firstPassEmpty();
    await this.#waiters.until(() => isEmpty() || halt.aborted);
    const cancel = this.#host.clock.timer(haltPatienceMs, () => {
      farEnd.writes = 0;
      this.#waiters.wake();
    });
    await this.#waiters.until(() => farEnd.writes === 0);
    cancel();
    this.#enabled = false;
    this.#spill();
    void this.#changes.flush();
    await this.#waiters.until(() => !this.#changes.pending);
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
    this.#farEnd.stopProbing();
    this.#window.stop();
    this.#changes.abandon();
    this.#held.clear();
    this.#inMemory.clear();
    this.#ready.forget();
    this.#gate.stop();
    this.#farEnd.halt(leaseLost(`writing to ${this.name}`));
    this.#waiters.wake();
  }

  async dispose(): Promise<void> {
    this.#farEnd.stopProbing();
    this.#gate.stop();
    this.#window.stop();
    this.#held.clear();
    await this.#farEnd[Symbol.asyncDispose]();
  }

  /** Something the store should have done comes later than what was asked of it since: so the queue is read anew then. */
  #storeFailed(thrown: unknown, again: () => void): void {
    if (this.#abandoned) return;
    if (isLeaseLost(thrown)) {
      this.#host.leaseLost();
      return;
    }
    const { channel, log, clock } = this.#host;
    const error = asHubError(thrown, 'store-failed', `settling ${this.name}`, 'transient');
    log.error({ channel, destination: this.name, code: error.code, scope: error.scope }, error.message);
    clock.timer(retryStoreMs, () => {
      again();
      void this.resume();
    });
  }

  /** After writes that failed at first were made up for: finds what was missed. */
  async resume(): Promise<void> {
    try {
      this.flushAll();
      await readQueue(this.#kept, this.#maxHeldKeys);
      this.#held.askAll();
      this.#window.added(0);
      this.#window.load();
    } catch {
      // The store is still away: whoever waits for it asks again.
    }
  }
}
