import type { DueParts, PartPosition, QueuedPart } from '../../store/message-store.ts';
import { atPosition, positionOf } from '../position.ts';
import type { Item } from './item.ts';

export interface QueueWindowHost {
  ready(after: PartPosition, limit: number): Promise<readonly QueuedPart[]>;
  due(limit: number): Promise<DueParts>;
  /** Whether rows are wanted at all: not while the destination is stopped or away. */
  wanted(): boolean;
  /** How many rows may come into memory now; 0 where a page is not worth its while. */
  room(): number;
  has(position: number): boolean;
  /** A row came into memory. */
  take(row: QueuedPart): void;
  /** Nothing is ahead of it in the store any more. */
  enter(item: Item): void;
  /** It has to become a row after all. */
  park(item: Item): void;
  /** The store has no ready rows that are not in memory. */
  caughtUp(): void;
  now(): number;
  timer(ms: number, run: () => void): () => void;
  failed(thrown: unknown, again: () => void): void;
}

const none = Number.POSITIVE_INFINITY;
const maxLimbo = 256;
const pauseBetweenDueMs = 20;
const duePage = 64;

/** What of the store's queue is in memory: its ready rows, page by page in order, and waiting rows whose time has come. */
export class QueueWindow {
  readonly #host: QueueWindowHost;
  /** There may be ready rows in the store that are not in memory. What comes now goes behind them. */
  #behind = false;
  /** Ready rows up to here came into memory. */
  #cursor = -1;
  #loading = false;
  /** The lowest row that became ready since the page under way was asked for: what is in the page from there on is not all. */
  #addedSince = none;
  /** New items that came while the last rows were read: they need not become rows only to be read again. */
  #limbo: Item[] = [];
  #nextDue = none;
  #cancelDue: (() => void) | undefined;
  /** A time came, and there was no room. */
  #dueMissed = false;

  constructor(host: QueueWindowHost) {
    this.#host = host;
  }

  /** There may be ready rows in the store that are not in memory. */
  get behind(): boolean {
    return this.#behind;
  }

  /** Rows from this position on are, or with what is on its way to the store will be, ready. */
  added(position: number): void {
    this.#behind = true;
    this.#cursor = Math.min(this.#cursor, position - 1);
    if (this.#loading) this.#addedSince = Math.min(this.#addedSince, position);
  }

  /** Where a new item goes: on, or behind the store's rows, for a while (`limbo`) or as a row itself. */
  place(item: Item): 'free' | 'limbo' | 'row' {
    if (!this.#behind) return 'free';
    if (this.#loading && this.#limbo.length < maxLimbo) {
      this.#limbo.push(item);
      return 'limbo';
    }
    this.parkLimbo();
    return 'row';
  }

  /** Nothing may become a row behind what is in limbo, so that goes first. */
  parkLimbo(): void {
    if (this.#limbo.length === 0) return;
    const items = this.#limbo;
    this.#limbo = [];
    for (const item of items) if (item.state === 'limbo') this.#host.park(item);
  }

  /** There may be room. */
  load(): void {
    if (this.#dueMissed) void this.takeDue();
    if (this.#loading || !this.#behind) return;
    const room = this.#host.room();
    if (room === 0) {
      this.parkLimbo();
      return;
    }
    this.#loading = true;
    this.#addedSince = none;
    const after = this.#cursor;
    this.#host.ready(atPosition(after), room).then(
      (rows) => {
        this.#take(rows, after);
        this.#loading = false;
        this.#afterPage(rows.length);
      },
      (thrown) => {
        this.#loading = false;
        this.parkLimbo();
        this.#host.failed(thrown, () => this.load());
      },
    );
  }

  #take(rows: readonly QueuedPart[], after: number): void {
    if (!this.#host.wanted()) {
      this.#addedSince = Math.min(this.#addedSince, after);
      return;
    }
    for (const row of rows) {
      const position = positionOf(row);
      if (position >= this.#addedSince) return;
      this.#cursor = position;
      if (!this.#host.has(position)) this.#host.take(row);
    }
  }

  #afterPage(rows: number): void {
    if (rows > 0 || this.#addedSince < none) {
      this.load();
      return;
    }
    this.#behind = false;
    const items = this.#limbo;
    this.#limbo = [];
    for (const item of items) if (item.state === 'limbo') this.#host.enter(item);
    this.#host.caughtUp();
  }

  dueAt(at: number): void {
    if (at >= this.#nextDue) return;
    this.#nextDue = at;
    this.#cancelDue?.();
    this.#cancelDue = this.#host.timer(Math.max(1, at - this.#host.now()), () => void this.takeDue());
  }

  /** Waiting rows whose time has come. */
  async takeDue(): Promise<void> {
    this.#nextDue = none;
    this.#cancelDue?.();
    const room = this.#host.room();
    this.#dueMissed = room === 0;
    if (room === 0) return;
    try {
      const { rows, nextRetryAt } = await this.#host.due(Math.min(room, duePage));
      this.#dueMissed = !this.#host.wanted();
      if (this.#dueMissed) return;
      for (const row of rows) if (!this.#host.has(positionOf(row))) this.#host.take(row);
      if (nextRetryAt !== undefined) this.dueAt(Math.max(nextRetryAt, this.#host.now() + pauseBetweenDueMs));
    } catch (thrown) {
      this.#host.failed(thrown, () => void this.takeDue());
    }
  }

  stop(): void {
    this.#cancelDue?.();
  }
}
