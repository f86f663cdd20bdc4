import type { Clock } from '../../component.ts';
import type { Granted, Rate } from '../../rates.ts';

/**
 * Counts one rate: a bucket of `burst` tokens that fills at `perSecond`. Kept as the time at which it will be full again, as the generic
 * cell rate algorithm has it, so that a rate may change at any moment.
 */
export class TokenBucket {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #fullAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  take({ perSecond, burst }: Rate, wanted: number): Granted {
    const now = this.#clock.monotonic();
    const everyMs = 1_000 / perSecond;
    const fullAt = Math.max(this.#fullAt, now);
    // A thousandth of a token: what rounding takes away is nobody's.
    const there = Math.floor((now + burst * everyMs - fullAt) / everyMs + 0.001);
    const count = Math.max(0, Math.min(wanted, there));
    this.#fullAt = fullAt + count * everyMs;
    if (count === wanted) return { count, waitMs: 0 };
    return { count, waitMs: Math.max(1, Math.ceil(this.#fullAt + everyMs - burst * everyMs - now)) };
  }
}
