import { z } from 'zod';

/** How one channel of a hub stands, and its totals since it exists. Rates are differences of two reports. */
const channelFigures = z.object({
  channel: z.string(),
  state: z.string(),
  received: z.number(),
  sent: z.number(),
  errored: z.number(),
  filtered: z.number(),
  queued: z.number(),
  openErrors: z.number(),
  inFlight: z.number(),
});

/** What a hub tells all hubs each second while somebody looks. Names and numbers, nothing of a message. */
export const liveReport = z.object({
  hub: z.string(),
  /** Milliseconds since the epoch, on the clock of that hub. */
  at: z.number(),
  /** Its totals are those of a store that other hubs share. */
  shared: z.boolean(),
  channels: z.array(channelFigures),
});

export type LiveReport = z.output<typeof liveReport>;
export type ChannelFigures = z.output<typeof channelFigures>;

export interface LiveStatus {
  readonly through: 'hub' | 'redis';
  /** `away`: Redis does not answer; reports of this hub alone are seen here, and this hub’s nowhere else. */
  readonly state: 'connected' | 'away';
  /** Reports that were not passed on to other hubs because Redis was away or slow. */
  readonly dropped: number;
  readonly error?: string;
}

/** Carries reports of every hub to whoever looks at any of them. Losing one matters to nobody: the next says the same. */
export interface LiveBus<R = LiveReport> extends AsyncDisposable {
  /** Never waits, never throws. */
  publish(report: R): void;
  /** Reports of all hubs, this one’s included, until the result is disposed of. */
  subscribe(listener: (report: R) => void): Disposable;
  /** Whether anybody looks, here or at another hub. */
  readonly wanted: boolean;
  status(): LiveStatus;
}

/** The bus of a hub that is alone. */
export class LocalBus<R = LiveReport> implements LiveBus<R> {
  readonly #listeners = new Set<(report: R) => void>();

  publish(report: R): void {
    for (const listener of this.#listeners) listener(report);
  }

  subscribe(listener: (report: R) => void): Disposable {
    // The same function may look twice.
    const own = (report: R): void => listener(report);
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  status(): LiveStatus {
    return { through: 'hub', state: 'connected', dropped: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
  }
}
