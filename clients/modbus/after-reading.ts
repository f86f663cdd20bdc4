import type { Clock } from '../../core/component.ts';

/** A timer that is later than this was held up by something else than its own precision. */
const HELD_UP_MS = 10;

/**
 * Calls `due` after so long, and after what has come by then was read. Time in which this process was held up is no time that a device
 * has let pass: so much more is waited, once; and a loop that runs its timers first reads what lies there before it is called late.
 * Returns what calls it off.
 */
export function afterReading(clock: Clock, ms: number, due: () => void): () => void {
  const dueAt = clock.monotonic() + ms;
  let soon: NodeJS.Immediate | undefined;
  const read = () => {
    soon = setImmediate(due);
  };
  let cancel = clock.timer(ms, () => {
    const late = clock.monotonic() - dueAt;
    if (late < HELD_UP_MS) read();
    else cancel = clock.timer(Math.min(late, ms), read);
  });
  return () => {
    cancel();
    clearImmediate(soon);
  };
}
