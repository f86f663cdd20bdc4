import { backFrom } from '../codes.ts';
import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { put, putAll, type Repetition } from '../repetition.ts';
import { codedOf } from './coded.ts';
import { numberIn } from './quantity.ts';

const UNITS: Readonly<Record<string, string>> = { s: 'S', min: 'M', h: 'H', d: 'D', wk: 'W', mo: 'L', a: 'Y' };

/** A Timing as RPT (HL7 2.5.1 §2.A.64): its pattern, its period, the event that it goes by. */
export function rptOf(timing: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  const code = reading.object(timing, 'code');
  if (code) putAll(made, 1, codedOf(code, context, { vocabulary: 'RepeatPattern', table: '0335' }));
  const repeat = reading.object(timing, 'repeat');
  put(made, 5, 1, numberIn(repeat, 'period', context));
  put(made, 6, 1, UNITS[reading.text(repeat, 'periodUnit') ?? '']);
  const [when] = reading.texts(repeat, 'when');
  if (when !== undefined) put(made, 8, 1, backFrom('EventRelatedPeriod', when, context.own) ?? when);
  return made.length > 0 ? made : undefined;
}
