import type { Clock } from '../component.ts';

/** Time that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Moves time on and calls every timer that falls due, in order of time; a timer set on the way counts too. */
  advance(byMs: number): void;
  /** Like `advance`, but lets promises go on after each timer, so that code which sets its next timer after an await keeps pace. */
  advanceAsync(byMs: number): Promise<void>;
  /** Timers that wait. */
  readonly pending: number;
}

interface Timer {
  readonly at: number;
  readonly due: () => void;
}

/** 2026-01-01T00:00:00Z unless told otherwise; `monotonic` starts at 0. */
export function fakeClock(startAt = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<Timer>();
  let elapsed = 0;
  const nextBefore = (end: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) if (timer.at <= end && (!next || timer.at < next.at)) next = timer;
    return next;
  };
  const fire = (timer: Timer): void => {
    timers.delete(timer);
    elapsed = Math.max(elapsed, timer.at);
    timer.due();
  };
  return {
    now: () => startAt + elapsed,
    monotonic: () => elapsed,
    timer: (afterMs, due) => {
      const timer = { at: elapsed + Math.max(0, afterMs), due };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance: (byMs) => {
      const end = elapsed + byMs;
      for (let timer = nextBefore(end); timer; timer = nextBefore(end)) fire(timer);
      elapsed = end;
    },
    advanceAsync: async (byMs) => {
      const end = elapsed + byMs;
      await settled();
      for (let timer = nextBefore(end); timer; timer = nextBefore(end)) {
        fire(timer);
        await settled();
      }
      elapsed = end;
    },
    get pending() {
      return timers.size;
    },
  };
}

/** Real time, for what waits on files and sockets. */
export const wallClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer: (afterMs, due) => {
    const timer = setTimeout(due, afterMs).unref();
    return () => clearTimeout(timer);
  },
};

/** Real time, but whoever asks for just this long waits a fiftieth of it: `asked` says how often. */
export function hurryingClock(ms: number): Clock & { readonly asked: () => number } {
  let asked = 0;
  return {
    ...wallClock,
    timer: (afterMs, due) => {
      if (afterMs === ms) asked += 1;
      return wallClock.timer(afterMs === ms ? ms / 50 : afterMs, due);
    },
    asked: () => asked,
  };
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
