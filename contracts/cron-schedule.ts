import { Cron } from 'croner';
import type { Schedule } from '../core/collection.ts';
import { HubError } from '../core/errors.ts';
import { longestChangeMs, Zone } from '../core/time/zone.ts';

type Ticks = Pick<Schedule, 'next'>;

/**
 * The times of a cron expression in a time zone. Where clocks are put forward, a time that is skipped happens as much later as
 * they skip; where they are put back, a time that comes twice happens the first time only. A schedule whose hour is `*` goes by
 * elapsed time through both. Throws HubError `config-invalid` where the expression or the zone is none.
 *
 * croner is asked in UTC only, with wall-clock times as if they were UTC: given a zone, version 10.0.1 leaves out an hour where
 * clocks are put back, and answers with times before the one it was asked about.
 */
export function cronSchedule(expression: string, timeZone: string): Schedule {
  const trimmed = expression.trim();
  if (!/\s|^@/.test(trimmed)) throw invalid('a cron expression has five to seven fields, as 30 6 * * 1-5');
  const text = `${trimmed} (${timeZone})`;
  const cron = readOr(
    () => new Cron(trimmed, { timezone: 'UTC', paused: true }),
    `${trimmed} is no cron expression; one is 30 6 * * 1-5`,
  );
  const nextOnWall = (wall: number): number | undefined => cron.nextRun(new Date(wall))?.getTime();
  const zone = readOr(
    () => new Zone(timeZone),
    `there is no time zone ${timeZone}: a name like Europe/Berlin is needed`,
  );
  return { text, ...(isEveryHour(trimmed) ? elapsing(zone, nextOnWall) : onTheWall(zone, nextOnWall)) };
}

type NextOnWall = (wall: number) => number | undefined;

/** Where the offset changes before the next time, that time is looked for again from the change on. */
function elapsing(zone: Zone, nextOnWall: NextOnWall): Ticks {
  const next = (after: number, offset: number): number | undefined => {
    const wall = nextOnWall(after + offset);
    return wall === undefined ? undefined : wall - offset;
  };
  return {
    next(after) {
      const offset = offsetMs(zone, after);
      const found = next(after, offset);
      if (found === undefined || offsetMs(zone, found) === offset) return found;
      const change = zone.changeBetween(after, found);
      return next(change - 1, offsetMs(zone, change));
    },
  };
}

function onTheWall(zone: Zone, nextOnWall: NextOnWall): Ticks {
  return {
    next(after) {
      const offset = offsetMs(zone, after);
      // Times that the clocks skipped a moment ago may still be to come.
      const skipped = Math.max(0, offset - offsetMs(zone, after - longestChangeMs));
      for (let wall = nextOnWall(after + offset - skipped); wall !== undefined; wall = nextOnWall(wall)) {
        const time = zone.instantOf(wall);
        if (time > after) return time;
      }
      return undefined;
    },
  };
}

const offsetMs = (zone: Zone, at: number): number => zone.offsetAt(at) * 60_000;

/** Seconds may stand first and years last: the hour is the second of five fields, else the third. */
function isEveryHour(expression: string): boolean {
  if (expression.startsWith('@')) return expression.toLowerCase() === '@hourly';
  const fields = expression.split(/\s+/);
  return fields[fields.length === 5 ? 1 : 2] === '*';
}

function readOr<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (thrown) {
    throw invalid(what, thrown);
  }
}

function invalid(what: string, cause?: unknown): HubError {
  return new HubError('config-invalid', 'permanent', what, { cause });
}
