/** How fast something may go. */
export interface Rate {
  readonly perSecond: number;
  /** So many at once after a pause. */
  readonly burst: number;
}

export interface Granted {
  /** How many may go now: 0 up to what was asked for. */
  readonly count: number;
  /** Milliseconds until there may be more; 0 where nothing is missing. */
  readonly waitMs: number;
}

/** Rates that several hubs count together. */
export interface SharedRates {
  /** Whoever asks under the same name, at whichever hub, shares the rate. Rejects while that cannot be counted. */
  take(name: string, rate: Rate, wanted: number): Promise<Granted>;
}
