import type { DestinationOptions } from '../../channel.ts';
import type { Clock, Log } from '../../component.ts';
import { describeThrown, HubError } from '../../errors.ts';
import type { Granted, Rate, SharedRates } from '../../rates.ts';
import { TokenBucket } from './token-bucket.ts';

export type RateOptions = NonNullable<DestinationOptions['rate']>;

export interface RatesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** What counts for all hubs; without it each counts for itself. */
  readonly shared: SharedRates | undefined;
  /** Hubs that have the store open. */
  hubs(): number;
}

/** After a failure this hub counts alone for so long before it asks again. */
const againMs = 2_000;
const answerMs = 1_000;

/** The rates of all destinations of a hub. */
export class Rates {
  readonly #options: RatesOptions;
  readonly #buckets = new Map<string, TokenBucket>();
  #alone = false;
  #askAgainAt = Number.NEGATIVE_INFINITY;

  constructor(options: RatesOptions) {
    this.#options = options;
  }

  /** Other hubs count with it, but at the moment it counts for itself. */
  get isAlone(): boolean {
    return this.#alone;
  }

  /** Never rejects: what all hubs count together is this hub's share while that cannot be asked. */
  take(channel: string, destination: string, options: RateOptions, wanted: number): Granted | Promise<Granted> {
    const { shared, clock } = this.#options;
    const name = options.shared === undefined ? `${channel}/${destination}` : `=${options.shared}`;
    const share = () => this.#takeHere(name, this.#shareOf(options), wanted);
    if (!shared || clock.monotonic() < this.#askAgainAt) return share();
    return this.#inTime(shared.take(name, rateOf(options), wanted)).then(
      (granted) => {
        if (this.#alone) this.#options.log.info({}, 'rates of destinations are counted with the other hubs again');
        this.#alone = false;
        return granted;
      },
      (thrown) => {
        this.#askAgainAt = clock.monotonic() + againMs;
        if (!this.#alone) {
          const what = 'rates of destinations are counted by this hub alone: of a shared one it takes its share';
          this.#options.log.warn({ error: describeThrown(thrown) }, what);
        }
        this.#alone = true;
        return share();
      },
    );
  }

  #takeHere(name: string, rate: Rate, wanted: number): Granted {
    let bucket = this.#buckets.get(name);
    if (!bucket) this.#buckets.set(name, (bucket = new TokenBucket(this.#options.clock)));
    return bucket.take(rate, wanted);
  }

  /** A destination of one channel is written to by one hub at a time; what has a shared name may be by all of them. */
  #shareOf(options: RateOptions): Rate {
    const rate = rateOf(options);
    const hubs = options.shared === undefined ? 1 : Math.max(1, this.#options.hubs());
    return { perSecond: rate.perSecond / hubs, burst: Math.max(1, Math.floor(rate.burst / hubs)) };
  }

  async #inTime(asked: Promise<Granted>): Promise<Granted> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#options.clock.timer(answerMs, () =>
      late.reject(new HubError('reply-timeout', 'transient', 'counting a rate: no answer in time')),
    );
    try {
      return await Promise.race([asked, late.promise]);
    } finally {
      cancel();
    }
  }
}

/** What a second brings may come at once, unless it is said otherwise. */
export function rateOf({ perSecond, burst = Math.max(1, Math.ceil(perSecond)) }: RateOptions): Rate {
  return { perSecond, burst };
}
