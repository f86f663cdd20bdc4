import type { WorkStore } from '../../cluster/work-store.ts';
import type { CollectSpec } from '../../collection.ts';
import type { Clock, Log } from '../../component.ts';
import { asHubError, type ErrorRecord, errorRecord } from '../../errors.ts';
import type { NewMessage, Part, QueuedPart } from '../../store/message-store.ts';
import type { CompiledDestination } from '../compiled.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { atPosition } from '../position.ts';
import type { Slot } from '../slot.ts';
import { type Closing, CollectorState } from './collector-state.ts';

export interface CollectorHost {
  readonly channel: string;
  readonly store: WorkStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly newId: () => string;
  firstPassEnded(slot: Slot, part: Part): void;
  /** Writes out settlements that are gathered, so that a read of the queue sees them. */
  flush(): Promise<void>;
  queuedEnded(seq: number, error: ErrorRecord | undefined, reply: Uint8Array | undefined): void;
  queuedBytes(delta: number): void;
  /** Gives the collection to the channel that sends it; a second time it does nothing. Resolves when it is durable. */
  send(collection: NewMessage): Promise<void>;
}

const pageRows = 500;
const pageBytes = 8 * 1024 * 1024;
/** Larger collections are closed before their count is reached. */
const mostBytes = 256 * 1024 * 1024;
const mostCount = 100_000;
const againMs = 1_000;
/** A clock that is set while it waits is noticed after this. */
const longestTimerMs = 60_000;

/**
 * A destination that gathers: parts wait in the store's queue until the collection is closed, then become one message of the
 * channel that sends it. What is closed is written down first, so that a crash between the two makes the same collection again.
 */
export class Collector implements Dispatch {
  readonly circuit = 'closed';
  readonly heldKeys = 0;
  compiled: CompiledDestination;
  enabled = true;
  lastSentAt: number | undefined;
  error: ErrorRecord | undefined;
  readonly #host: CollectorHost;
  readonly #state: CollectorState;
  #waiting = 0;
  #offers = 0;
  #oldest: number | undefined;
  #closing: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #ending = false;
  /** A collection that is closed now might lack messages that are older than what it holds. */
  #olderToCome = false;

  constructor(compiled: CompiledDestination, host: CollectorHost) {
    this.compiled = compiled;
    this.#host = host;
    this.#state = new CollectorState(host.store, `collect/${host.channel}/${compiled.name}`);
  }

  get #collect(): CollectSpec {
    return this.compiled.definition.to.collect!;
  }

  async restore(enabled: boolean, olderToCome: boolean): Promise<void> {
    this.enabled = enabled;
    this.#olderToCome = olderToCome;
    await this.#state.load(this.#host.clock.now());
    const { bytes } = await this.#readQueue();
    this.#host.queuedBytes(bytes);
    this.#look();
  }

  olderCame(): void {
    this.#olderToCome = false;
    this.#look();
  }

  async #readQueue() {
    const before = this.#offers;
    const state = await this.#host.store.queueState(this.#host.channel, this.compiled.name);
    // What was offered since may be in it already: a count that is too high finds out when it closes.
    this.#waiting = state.ready + this.#offers - before;
    this.#oldest = state.oldest;
    return state;
  }

  offer(slot: Slot, n: number, payload: unknown): void {
    const { name, definition } = this.compiled;
    let bytes: Uint8Array;
    try {
      bytes = definition.format.encode(payload);
    } catch (thrown) {
      const error = errorRecord(asHubError(thrown, 'encode-failed', `encoding for ${name}`));
      this.#host.firstPassEnded(slot, { destination: name, n, status: 'error', error, attempts: 0, keys: [] });
      return;
    }
    this.#waiting += 1;
    this.#offers += 1;
    this.#oldest ??= this.#host.clock.now();
    this.#host.queuedBytes(bytes.length);
    const part = { destination: name, n, attempts: 0, keys: [], bytes };
    this.#host.firstPassEnded(slot, { ...part, status: 'queued', queued: 'ready' });
    this.#look();
  }

  /** Closes what is due now, and waits for what is due later. */
  #look(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (!this.enabled || this.#olderToCome || this.#ending || this.#closing || !this.#state.loaded) return;
    const now = this.#host.clock.now();
    const { count = mostCount, maxWaitMs, schedule } = this.#collect;
    const scheduled = schedule?.next(this.#state.lastScheduleAt);
    const waited = maxWaitMs !== undefined && this.#oldest !== undefined ? this.#oldest + maxWaitMs : undefined;
    const due = Math.min(scheduled ?? Number.POSITIVE_INFINITY, waited ?? Number.POSITIVE_INFINITY);
    if (this.#state.closing || this.#waiting >= count || due <= now) {
      const at = scheduled !== undefined && scheduled <= now ? scheduled : undefined;
      this.#closing = this.#close(at, due <= now ? 1 : count).then(
        () => this.#closed(),
        (thrown) => this.#failed(thrown),
      );
    } else if (due !== Number.POSITIVE_INFINITY)
      this.#cancelTimer = this.#host.clock.timer(Math.min(due - now, longestTimerMs), () => this.#look());
  }

  #closed(): void {
    this.#closing = undefined;
    this.error = undefined;
    this.#look();
  }

  #failed(thrown: unknown): void {
    const { channel, log, clock } = this.#host;
    const error = asHubError(thrown, 'store-failed', `collecting for ${this.compiled.name}`, 'transient');
    this.error = errorRecord(error);
    log.error({ channel, destination: this.compiled.name, code: error.code, scope: error.scope }, error.message);
    this.#closing = undefined;
    if (!this.#ending) this.#cancelTimer = clock.timer(againMs, () => this.#look());
  }

  /**
   * @param scheduledAt where the schedule is why it is closed
   * @param atLeast messages, else it is not
   */
  async #close(scheduledAt: number | undefined, atLeast: number): Promise<void> {
    if (this.#state.closing) await this.#finish(this.#state.closing, await this.#rows(this.#state.closing.upTo));
    await this.#host.flush();
    const { count = mostCount, whenEmpty } = this.#collect;
    // What the schedule finds goes, all of it; else one full collection at a time.
    for (let left = scheduledAt === undefined ? 1 : Math.max(1, Math.ceil(this.#waiting / count)); left > 0; left--) {
      const rows = await this.#rows(undefined);
      const last = rows.at(-1);
      if (scheduledAt === undefined && rows.length < atLeast && sizeOf(rows) < mostBytes) break;
      if (!last && (scheduledAt === undefined || whenEmpty === 'nothing')) break;
      const closing = { upTo: last ?? { seq: -1, n: 0 }, at: scheduledAt ?? this.#host.clock.now() };
      await this.#state.close({ upTo: { seq: closing.upTo.seq, n: closing.upTo.n }, at: closing.at });
      await this.#finish(closing, rows);
      if (!last) break;
    }
    if (scheduledAt !== undefined) await this.#state.scheduled(scheduledAt);
    await this.#host.flush();
    await this.#readQueue();
  }

  /** Rows of the queue in order: those of one collection, or those up to a place. */
  async #rows(upTo: Closing['upTo'] | undefined): Promise<readonly QueuedPart[]> {
    const { count = mostCount } = this.#collect;
    const rows: QueuedPart[] = [];
    let after = { seq: -1, n: 0 };
    while (rows.length < count && sizeOf(rows) < mostBytes) {
      const limit = Math.min(pageRows, count - rows.length);
      const page = await this.#host.store.ready(this.#host.channel, this.compiled.name, after, limit, pageBytes);
      const wanted = upTo ? page.filter(({ seq, n }) => seq < upTo.seq || (seq === upTo.seq && n <= upTo.n)) : page;
      rows.push(...wanted);
      const last = page.at(-1);
      if (!last || wanted.length < page.length) break;
      after = { seq: last.seq, n: last.n };
    }
    return rows;
  }

  async #finish({ at }: Closing, rows: readonly QueuedPart[]): Promise<void> {
    const { channel, store, clock } = this.#host;
    const { name } = this.compiled;
    const { sequence } = this.#state;
    // Nothing left of it: the crash came after its messages were marked, so it was sent.
    if (rows.length > 0 || this.#state.closing?.upTo.seq === -1) {
      const raw = this.#collect.envelope.wrap(
        rows.map((row) => row.bytes),
        { sequence, at, channel, destination: name },
      );
      const meta = { 'collect.count': String(rows.length), 'collect.sequence': String(sequence) };
      const dedupe = { key: `${channel}/${name}/${sequence}`, contentHash: '' };
      await this.#host.send({ id: this.#host.newId(), raw, meta, receivedAt: clock.now(), dedupe });
      const sentAt = clock.now();
      await store.update(
        channel,
        rows.map(({ seq, n, attempts }) => {
          const part = { destination: name, seq, n, from: 'queued' as const };
          return { ...part, to: 'sent' as const, sentAt, attempts: attempts + 1 };
        }),
      );
      this.lastSentAt = sentAt;
      for (const row of rows) {
        this.#host.queuedBytes(-row.bytes.length);
        this.#host.queuedEnded(row.seq, undefined, undefined);
      }
    }
    await this.#state.closed();
  }

  backNow(): undefined {
    return undefined;
  }

  cancel(): boolean {
    return false;
  }

  cancelRow(position: number, error: ErrorRecord, attempts: number): boolean {
    const part = { destination: this.compiled.name, ...atPosition(position), from: 'queued' as const };
    void this.#host.store
      .update(this.#host.channel, [{ ...part, to: 'error', error, attempts }])
      .then(() => this.rowsChanged())
      .catch((thrown: unknown) => this.#failed(thrown));
    return true;
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  rowsChanged(): void {
    void this.#readQueue().then(
      () => this.#look(),
      (thrown: unknown) => this.#failed(thrown),
    );
  }

  /** A collection has its order when it is closed: nothing in it comes too late. */
  overtaken(): boolean {
    return false;
  }

  async disable(): Promise<void> {
    this.enabled = false;
    this.#cancelTimer?.();
    await this.#closing;
  }

  enable(): void {
    this.enabled = true;
    this.#look();
  }

  async replace(compiled: CompiledDestination): Promise<void> {
    await this.#closing;
    this.compiled = compiled;
    this.#look();
  }

  abandon(): void {
    this.enabled = false;
    this.#ending = true;
    this.#cancelTimer?.();
  }

  async drain(): Promise<void> {
    this.#ending = true;
    this.#cancelTimer?.();
    await this.#closing;
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

function sizeOf(rows: readonly QueuedPart[]): number {
  return rows.reduce((sum, row) => sum + row.bytes.length, 0);
}
