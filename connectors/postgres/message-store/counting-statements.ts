import { counterFields } from '../../../core/store/counter-tally.ts';
import { dailyFields } from '../../../core/store/daily-tally.ts';

/** The values of row `i` of an array that holds so many of each. */
function amountsOf(amounts: string, count: number): string {
  return Array.from({ length: count }, (_, at) => `${amounts}[(i - 1) * ${count} + ${at + 1}]`).join(', ');
}

function added(table: string, fields: readonly string[]): string {
  return fields.map((field) => `${field} = ${table}.${field} + excluded.${field}`).join(', ');
}

/** Adds to the counters of `of_hub`; the arguments are arrays, of which the last holds the amounts of a row after those of the one before. */
export function counting(channels: string, destinations: string, amounts: string): string {
  return `INSERT INTO $.counter AS c
      SELECT of_hub, ${channels}[i], ${destinations}[i], ${amountsOf(amounts, counterFields.length)}
      FROM generate_subscripts(${channels}, 1) i
      ON CONFLICT (hub, channel, destination) DO UPDATE SET ${added('c', counterFields)}`;
}

/** Adds to the daily counts of `of_hub`, likewise. */
export function countingDaily(
  days: string,
  channels: string,
  destinations: string,
  types: string,
  amounts: string,
): string {
  return `INSERT INTO $.daily AS d
      SELECT of_hub, ${days}[i], ${channels}[i], ${destinations}[i], ${types}[i], ${amountsOf(amounts, dailyFields.length)}
      FROM generate_subscripts(${days}, 1) i
      ON CONFLICT (day, channel, destination, type, hub) DO UPDATE SET ${added('d', dailyFields)}`;
}
