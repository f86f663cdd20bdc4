import type { Clock } from '../../component.ts';
import type { Busy } from '../dispatch/dispatch.ts';
import { Pace, pause } from './pace.ts';

/** How often it looks again whether there is room, at least. */
const soonMs = 16;
const laterMs = 250;

/** Thrown to leave a job's work when it is paused, cancelled or stopped. */
export class Interrupted extends Error {}

/** Below live traffic: when the next message of a job may go. */
export class Turn {
  waitingFor: Busy | 'store' | undefined;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #mostInFlight: number;
  readonly #signal: AbortSignal;
  #inFlight = 0;
  #left: (() => void) | undefined;

  /** @param signal ends all waiting with `Interrupted` */
  constructor(clock: Clock, rate: number, signal: AbortSignal) {
    this.#clock = clock;
    this.#pace = new Pace(clock, rate);
    this.#mostInFlight = mostInFlight(rate);
    this.#signal = signal;
  }

  /** Resolves when the rate, what is in flight of the job and live traffic permit one more. */
  async take(busy: () => Busy | undefined): Promise<void> {
    for (let lookAgainMs = 1; ; ) {
      if (this.#signal.aborted) throw new Interrupted();
      const waitMs = this.#pace.waitMs;
      this.waitingFor = busy();
      if (waitMs >= 1) await pause(this.#clock, waitMs, this.#signal);
      else if (this.#inFlight >= this.#mostInFlight) await this.#untilLeft();
      else if (this.waitingFor === undefined) break;
      else {
        await pause(this.#clock, lookAgainMs, this.#signal);
        lookAgainMs = Math.min(2 * lookAgainMs, this.waitingFor === 'live-traffic' ? soonMs : laterMs);
      }
    }
    this.#pace.take();
  }

  /** One is in memory until `left` resolves. */
  flies(left: Promise<unknown>): void {
    this.#inFlight += 1;
    void left.then(() => {
      this.#inFlight -= 1;
      this.#left?.();
    });
  }

  async #untilLeft(): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#signal.removeEventListener('abort', end);
        this.#left = undefined;
        resolve();
      };
      this.#left = end;
      this.#signal.addEventListener('abort', end, { once: true });
    });
  }
}

/** A tenth of a second's worth, and never more than 16: so many messages of a job can be ahead of a live one. */
export function mostInFlight(rate: number): number {
  return Math.max(1, Math.min(16, Math.ceil(rate / 10)));
}
