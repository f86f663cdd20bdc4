import type { Period } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { dateTimeOf } from './date-time.ts';

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
  if (start === undefined && end === undefined) return undefined;
  return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
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
