import type { Feed, FeedMessage } from '../feed.ts';
import { dayOf, timesOf } from '../normalise.ts';

interface Running {
  readonly day: string;
  at: number;
  readonly last: number;
}

/** Reads days again whose file was in doubt, the newest first, page by page. */
export class Rebuild {
  readonly #feed: Feed;
  readonly #waiting = new Set<string>();
  #running: Running | undefined;

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  get days(): readonly string[] {
    return [...(this.#running ? [this.#running.day] : []), ...this.#waiting].sort();
  }

  /** From its beginning, where it is under way. */
  add(day: string): void {
    if (this.#running?.day === day) this.#running = undefined;
    this.#waiting.add(day);
  }

  /** The next messages of the day that is read; `done` with the last, and from then on until `finish`. Undefined where nothing is in doubt. */
  next(
    limit: number,
    maxBytes: number,
    upTo: number,
  ): { readonly messages: readonly FeedMessage[]; readonly done: boolean } | undefined {
    const running = (this.#running ??= this.#start());
    if (!running) return undefined;
    const last = Math.min(running.last, upTo);
    if (running.at >= last) return { messages: [], done: true };
    const page = this.#feed.after(running.at, limit, maxBytes);
    const done = page.upTo === running.at || page.upTo >= last;
    running.at = page.upTo;
    return { messages: page.messages.filter(({ receivedAt }) => dayOf(receivedAt) === running.day), done };
  }

  /** The day that was read; undefined where it has come into doubt again meanwhile. */
  finish(): string | undefined {
    const day = this.#running?.day;
    this.#running = undefined;
    return day;
  }

  #start(): Running | undefined {
    const day = [...this.#waiting].sort().at(-1);
    if (day === undefined) return undefined;
    this.#waiting.delete(day);
    const { from, to } = timesOf(day);
    const range = this.#feed.range(from, to);
    return { day, at: (range?.first ?? 1) - 1, last: range?.last ?? 0 };
  }
}
