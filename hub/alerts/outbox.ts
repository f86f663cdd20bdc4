import { z } from 'zod';
import { hubAlertSchema } from '../../contracts/hub-alert.ts';
import type { ErrorRecord } from '../../core/errors.ts';

const keptItem = z.strictObject({
  notice: hubAlertSchema,
  seq: z.int(),
  attempts: z.int(),
  firstAt: z.number(),
  notBefore: z.number(),
});

/** A notice on its way to one sink. */
export type OutboxItem = z.output<typeof keptItem>;

/** How one way out stands, as `weir alerts` shows it. */
export interface SinkReport {
  readonly name: string;
  readonly type: string;
  readonly waiting: number;
  /** Notices that were given up: too old, too many, or refused for good. */
  readonly lost: number;
  readonly lastSentAt?: number;
  /** While nothing gets through. */
  readonly failingSince?: number;
  readonly error?: Pick<ErrorRecord, 'code' | 'message'>;
}

const most = 100;

/** The notices that one sink has still to get, oldest first, at most a hundred: then the oldest is given up. */
export class Outbox {
  #items: OutboxItem[] = [];

  get size(): number {
    return this.#items.length;
  }

  get first(): OutboxItem | undefined {
    return this.#items[0];
  }

  /** Answers how many were given up for it. */
  add(item: OutboxItem): number {
    this.#items.push(item);
    const surplus = Math.max(0, this.#items.length - most);
    this.#items.splice(0, surplus);
    return surplus;
  }

  remove(item: OutboxItem): void {
    this.#items = this.#items.filter((each) => each !== item);
  }

  /** It was tried, and goes again. */
  postpone(item: OutboxItem, notBefore: number): void {
    this.#items = this.#items.map((each) =>
      each === item ? { ...item, attempts: item.attempts + 1, notBefore } : each,
    );
  }

  kept(): readonly OutboxItem[] {
    return this.#items;
  }

  restore(kept: unknown): void {
    const read = z.array(keptItem).safeParse(kept);
    if (read.success) this.#items = read.data.slice(-most);
  }
}
