import type { Clock } from '../../component.ts';

const mostCatchUpMs = 100;
const windowMs = 10_000;
const sampleMs = 500;

/** A steady rate: what was missed while somebody waited is made up for by a tenth of a second's worth at most. */
export class Pace {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #next: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#intervalMs = 1000 / perSecond;
    this.#next = clock.monotonic();
  }

  /** Milliseconds until the next one may go; 0: now. */
  get waitMs(): number {
    return Math.max(0, this.#next - this.#clock.monotonic());
  }

  /** One goes. */
  take(): void {
    this.#next = Math.max(this.#next, this.#clock.monotonic() - mostCatchUpMs) + this.#intervalMs;
  }
}

/** How many a second, over the last ten seconds. */
export class Speed {
  readonly #clock: Clock;
  #samples: { readonly at: number; readonly total: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(total: number): void {
    const at = this.#clock.monotonic();
    const last = this.#samples.at(-1);
    if (last && at - last.at < sampleMs) return;
    this.#samples.push({ at, total });
    while (this.#samples.length > 2 && at - this.#samples[0]!.at > windowMs) this.#samples.shift();
  }

  perSecond(total: number): number | undefined {
    const first = this.#samples[0];
    const ms = first ? this.#clock.monotonic() - first.at : 0;
    return first && ms >= sampleMs ? (1000 * (total - first.total)) / ms : undefined;
  }
}

/** Resolves after so many milliseconds, or when the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.timer(ms, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
