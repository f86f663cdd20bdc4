import type { Clock } from '../component.ts';
import type { StoredEvent } from '../events/event-log.ts';

/** An event that is handled so late came from a backlog. */
const lateMs = 2_000;
/** Between two batches of one partition it takes the log some milliseconds to read; a partition that is silent has no backlog. */
const silentMs = 5_000;

/** Up to which time everything that was published has been handled: behind the clock while a backlog is worked off. */
export class CaughtUp {
  readonly #clock: Clock;
  readonly #late = new Map<string, { readonly at: number; readonly handledAt: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  handled(partition: string, last: StoredEvent): void {
    if (this.#clock.now() - last.at > lateMs)
      this.#late.set(partition, { at: last.at, handledAt: this.#clock.monotonic() });
    else this.#late.delete(partition);
  }

  /** @param waiting events that are read and not handled */
  upTo(waiting: Iterable<StoredEvent>): number {
    let upTo = this.#clock.now();
    for (const { at } of waiting) upTo = Math.min(upTo, at);
    for (const [partition, { at, handledAt }] of this.#late)
      if (this.#clock.monotonic() - handledAt > silentMs) this.#late.delete(partition);
      else upTo = Math.min(upTo, at);
    return upTo;
  }
}
