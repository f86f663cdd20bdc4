import type { Period } from '@medplum/fhirtypes';
import { putRight } from '../clean.ts';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { dateTimeOf, saysLess } from './date-time.ts';
import { asSent } from './quantity.ts';

/** Two components as the bounds of a period; one that is no time is left unmarked. */
export function periodOf(
  view: View,
  from: number,
  until: number,
  fromRow: string,
  untilRow: string,
  conversion: Conversion,
): Period | undefined {
  const start = timeAt(view, from, fromRow, conversion);
  const end = timeAt(view, until, untilRow, conversion);
  return bounded(start, end, view.peek(from), view.peek(until));
}

/** Two times, and what was sent for them, as a period; undefined where there is neither. */
export function bounded(
  start: string | undefined,
  end: string | undefined,
  from: string | undefined,
  until: string | undefined,
): Period | undefined {
  if (start === undefined && end === undefined) return undefined;
  const period: Period & { _start?: object; _end?: object } = {};
  if (start !== undefined) {
    period.start = start;
    if (from !== undefined && saysLess(from)) period._start = asSent(from);
  }
  if (end !== undefined) {
    period.end = end;
    if (until !== undefined && saysLess(until)) period._end = asSent(until);
  }
  putRight(period as Record<string, unknown>);
  return period;
}

/** Beside a time that FHIR has to say to the second, what was sent. */
export function asSentBeside(element: string, text: string | undefined): object {
  return text !== undefined && saysLess(text) ? { [`_${element}`]: asSent(text) } : {};
}

/** The time in a component, marked where it is one. */
export function timeAt(view: View, n: number, row: string, conversion: Conversion): string | undefined {
  const text = view.peek(n);
  if (text === undefined) return undefined;
  const time = dateTimeOf(text, conversion);
  if (time !== undefined) view.take(n, row);
  return time;
}

const DR = rows('DR[Period]', 3, 4);

/** A DR value: from and until. */
export function periodOfDr(view: View, conversion: Conversion): Period | undefined {
  return periodOf(view, 1, 2, DR[3], DR[4], conversion);
}
