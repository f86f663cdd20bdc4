import type { Clock } from '../core/component.ts';

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer: (afterMs, due) => {
    const timer = setTimeout(due, afterMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
