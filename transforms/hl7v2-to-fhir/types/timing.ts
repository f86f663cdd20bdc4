import type { Timing } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { firstCodeOf, mapped } from '../vocabulary.ts';
import { codeableConceptOf, codingOf } from './coded.ts';
import { periodOf } from './period.ts';
import { decimalOf } from './primitive.ts';

const RPT = rows('RPT[Timing]', 3, 7, 8, 10);
const UNITS: Readonly<Record<string, NonNullable<Timing['repeat']>['periodUnit']>> = {
  S: 's',
  M: 'min',
  MIN: 'min',
  H: 'h',
  D: 'd',
  W: 'wk',
  WK: 'wk',
  L: 'mo',
  MO: 'mo',
  Y: 'a',
  A: 'a',
};
/** The ones that the way back writes. */
const USUAL = new Set(['S', 'M', 'H', 'D', 'W', 'L', 'Y']);
const EVENTS = new Set('MORN AFT EVE NIGHT PHS HS WAKE C CM CD CV AC ACM ACD ACV PC PCM PCD PCV'.split(' '));

/** An RPT value: the pattern as a code, its period and the event that it goes by. */
export function timingOfRpt(view: View, conversion: Conversion): Timing | undefined {
  const timing: Timing = {};
  const pattern = view.sub(1);
  const code = pattern && patternOf(pattern);
  if (code) {
    view.mark(1, RPT[3]);
    timing.code = code;
  }
  const repeat: NonNullable<Timing['repeat']> = {};
  const text = view.peek(5);
  const unit = UNITS[view.peek(6)?.toUpperCase() ?? ''];
  const period = text === undefined || unit === undefined ? undefined : decimalOf(text, conversion);
  if (period !== undefined && unit !== undefined && period > 0) {
    view.take(5, RPT[7]);
    if (USUAL.has(view.peek(6)!)) view.take(6, RPT[8]);
    repeat.period = period;
    repeat.periodUnit = unit;
  }
  const event = view.peek(8);
  const when = event === undefined ? undefined : mapped('EventRelatedPeriod', event)?.[0];
  if (when !== undefined && EVENTS.has(when)) {
    view.take(8, RPT[10]);
    repeat.when = [when] as NonNullable<typeof repeat.when>;
  }
  if (Object.keys(repeat).length > 0) timing.repeat = repeat;
  return Object.keys(timing).length > 0 ? timing : undefined;
}

/** A repeat pattern of table 0335: the code itself, or for those with a number in them the pattern that it follows. */
function patternOf(view: View): Timing['code'] {
  return codeableConceptOf(view, { vocabulary: 'RepeatPattern', table: '0335' });
}

const TQ = rows('TQ[ServiceRequest]', 3, 4, 9, 10, 11);
const RI = rows('RI[Timing]', 3);

/** What a TQ value says of a request (HL7 2.5.1 §4.3): how much, how often, from when until when, how urgent. */
export interface QuantityAndTiming {
  readonly quantity?: View;
  readonly timing?: Timing;
  readonly priority?: string;
}

export function quantityAndTimingOf(view: View, conversion: Conversion): QuantityAndTiming {
  const quantity = view.sub(1);
  if (quantity) view.mark(1, TQ[3]);
  const timing: Timing = {};
  const pattern = view.takeSub(2, 1, TQ[4]);
  if (pattern !== undefined) {
    const target = mapped('RepeatPattern', pattern);
    timing.code = target ? { coding: [codingOf(target)] } : { text: pattern };
    view.mark(2, RI[3]);
  }
  const bounds = periodOf(view, 4, 5, TQ[9], TQ[10], conversion);
  if (bounds) timing.repeat = { boundsPeriod: bounds };
  const code = view.peek(6);
  const priority = code === undefined ? undefined : mapped('ExtendedPriorityCodes', code)?.[0];
  if (priority !== undefined && firstCodeOf('ExtendedPriorityCodes', priority) === code) view.take(6, TQ[11]);
  return {
    ...(quantity && { quantity }),
    ...(Object.keys(timing).length > 0 && { timing }),
    ...(priority !== undefined && { priority }),
  };
}
