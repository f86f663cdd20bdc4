import type { Schedule } from '../../core/collection.ts';

/** The times of a schedule, in milliseconds since the epoch. */
export type Ticks = Pick<Schedule, 'next'>;

/** Every so many milliseconds, counted from 1970-01-01T00:00Z: a restart shifts nothing. */
export function everyTicks(everyMs: number): Ticks {
  return { next: (after) => (Math.floor(after / everyMs) + 1) * everyMs };
}

/** The last tick in (`after`, `until`]; undefined where there is none. To the second, for schedules that are that fast. */
export function latestTick(ticks: Ticks, after: number, until: number): number | undefined {
  const isDue = (from: number): boolean => (ticks.next(from) ?? Number.POSITIVE_INFINITY) <= until;
  if (!isDue(after)) return undefined;
  // Halving, as a stop of months on a fast schedule may lie behind: `low` always has a tick after it, `high` none.
  let low = after;
  for (let high = until; high - low > 1_000; ) {
    const middle = Math.floor((low + high) / 2);
    if (isDue(middle)) low = middle;
    else high = middle;
  }
  let latest = ticks.next(low);
  for (let each = latest; each !== undefined && each <= until; each = ticks.next(each)) latest = each;
  return latest;
}
