import type { Extension, Money, Quantity, Range, Ratio } from '@medplum/fhirtypes';
import { putRight } from '../clean.ts';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { cameFrom, V2 } from '../urls.ts';
import { systemFor, systemNamed } from '../vocabulary.ts';
import { codeOf, decimalOf, isExact } from './primitive.ts';

/** Beside a number, the digits as they were sent where those say more: `1.50`. */
export function asSent(text: string): { readonly extension: Extension[] } {
  return { extension: [{ url: `${V2}as-sent`, valueString: text }] };
}

/** A number in a component as the value of a quantity. */
export function valueAt(view: View, n: number, row: string, conversion: Conversion): Quantity | undefined {
  const text = view.peek(n);
  const value = text === undefined ? undefined : decimalOf(text, conversion);
  if (text === undefined || value === undefined) return undefined;
  view.take(n, row);
  return quantityFrom(text, value);
}

export function quantityFrom(text: string, value: number): Quantity {
  return isExact(text, value) ? { value } : ({ value, _value: asSent(text) } as Quantity);
}

const UNIT = rows('CWE[Quantity]', 3, 4, 5, 6);

/** The unit of a quantity, a coded value: a code only with its system. */
export function unitOf(view: View): Quantity | undefined {
  const name = view.take(2, UNIT[5]);
  const system = view.peek(3);
  const coded = system !== undefined && view.peek(1) !== undefined;
  // Beside a name a code is said only with its system.
  const code = coded || name === undefined ? view.take(1, UNIT[3]) : undefined;
  if (coded) view.take(3, UNIT[6]);
  const unit = name ?? code;
  if (unit === undefined) return undefined;
  return {
    unit,
    ...(name !== undefined && !coded && { extension: [cameFrom('2')] }),
    ...(system !== undefined && code !== undefined && systemAndCode(system, codeOf(code))),
  };
}

function systemAndCode(system: string, code: string): Pick<Quantity, 'system' | 'code'> {
  return { system: systemFor(systemNamed(system), code), code };
}

const CQ = rows('CQ[Quantity]', 3, 4);

/** A CQ value: a number and its unit. */
export function quantityOfCq(view: View, conversion: Conversion): Quantity | undefined {
  const quantity = valueAt(view, 1, CQ[3], conversion);
  const units = view.sub(2);
  const unit = units && unitOf(units);
  for (const leaf of view.divided(2) ?? [view.parts[1]]) if (leaf?.mark !== undefined) leaf.mark = CQ[4];
  return quantity || unit ? { ...quantity, ...unit } : undefined;
}

/** A CP or MO value: an amount of money, its currency where it is one of ISO 4217. */
export function moneyOf(view: View, conversion: Conversion): Money | undefined {
  const text = view.peekSub(1, 1);
  const value = text === undefined ? undefined : decimalOf(text, conversion);
  if (value === undefined) return undefined;
  view.takeSub(1, 1, 'CP[Money]');
  const currency = view.peekSub(1, 2) ?? view.peek(2);
  if (currency === undefined || !/^[A-Z]{3}$/.test(currency)) return { value };
  if (view.peekSub(1, 2) === undefined) view.take(2, 'CP[Money]');
  else view.takeSub(1, 2, 'CP[Money]');
  return { value, currency: currency as NonNullable<Money['currency']> };
}

const STAY = rows('NM[Quantity-LengthOfStay]', 3, 4, 5, 6);

/** A number of days. */
export function daysOf(view: View, conversion: Conversion): Quantity | undefined {
  const quantity = valueAt(view, 1, STAY[3], conversion);
  return quantity && { ...quantity, unit: 'days', system: 'http://unitsofmeasure.org', code: 'd' };
}

const NR = rows('NR[Range]', 3, 4);

/** An NR value: two numbers. */
export function rangeOfNr(view: View, unit: Quantity | undefined, conversion: Conversion): Range | undefined {
  const range = rangeAt(view, 1, 2, NR[3], NR[4], unit, conversion);
  if (range) putRight(range as Record<string, unknown>);
  return range;
}

function rangeAt(
  view: View,
  from: number,
  to: number,
  fromRow: string,
  toRow: string,
  unit: Quantity | undefined,
  conversion: Conversion,
): Range | undefined {
  const low = valueAt(view, from, fromRow, conversion);
  const high = valueAt(view, to, toRow, conversion);
  if (!low && !high) return undefined;
  return { ...(low && { low: { ...low, ...unit } }), ...(high && { high: { ...high, ...unit } }) };
}

const SN = rows('SN[Quantity]', 5, 6);
const SN_RANGE = rows('SN[Range]', 6, 8);
const SN_RATIO = rows('SN[Ratio]', 5, 6, 8);
const COMPARATORS = new Set(['<', '<=', '>=', '>']);

export type Structured =
  | { readonly valueQuantity: Quantity }
  | { readonly valueRange: Range }
  | { readonly valueRatio: Ratio }
  | { readonly valueString: string };

/** An SN value (HL7 2.5.1 §2.A.69): a quantity, a range (`10-20`), a ratio (`1:128`), or in words what is none of them. */
export function structuredOf(view: View, unit: Quantity | undefined, conversion: Conversion): Structured | undefined {
  const comparator = view.peek(1);
  const sign = view.peek(3);
  const plain = comparator === undefined || comparator === '=';
  if (sign === '-' && plain) {
    const valueRange = rangeAt(view, 2, 4, SN_RANGE[6], SN_RANGE[8], unit, conversion);
    if (valueRange?.low && valueRange.high && valueRange.low.value! <= valueRange.high.value!) {
      markSigns(view, SN_RANGE[6]);
      return { valueRange };
    }
  } else if ((sign === ':' || sign === '/') && (plain || COMPARATORS.has(comparator))) {
    const numerator = valueAt(view, 2, SN_RATIO[6], conversion);
    const denominator = valueAt(view, 4, SN_RATIO[8], conversion);
    if (numerator && denominator) {
      // Equality is what a ratio says without a sign: that one was sent is kept.
      if (comparator !== '=') view.mark(1, SN_RATIO[5]);
      if (sign === ':') view.mark(3, SN_RATIO[5]);
      return {
        valueRatio: {
          numerator: { ...numerator, ...comparing(comparator), ...unit },
          denominator: { ...denominator, ...unit },
        },
      };
    }
  } else if (sign === undefined && !view.has(4) && (plain || COMPARATORS.has(comparator))) {
    const value = valueAt(view, 2, SN[6], conversion);
    if (value) {
      markSigns(view, SN[5]);
      return { valueQuantity: { ...value, ...comparing(comparator), ...unit } };
    }
  }
  const words = [1, 2, 3, 4].map((n) => view.peek(n)).filter((part) => part !== undefined);
  if (words.length === 0) return undefined;
  return { valueString: [...words, ...(unit?.unit === undefined ? [] : [unit.unit])].join(' ') };
}

function markSigns(view: View, row: string): void {
  view.mark(1, row);
  view.mark(3, row);
}

function comparing(sign: string | undefined): Pick<Quantity, 'comparator'> {
  return sign !== undefined && COMPARATORS.has(sign) ? { comparator: sign as NonNullable<Quantity['comparator']> } : {};
}
