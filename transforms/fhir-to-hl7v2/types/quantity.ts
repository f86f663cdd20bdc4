import { nameOfSystem } from '../../hl7v2-to-fhir/vocabulary.ts';
import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { asSent, cameAt } from '../hints.ts';
import { put, type Repetition } from '../repetition.ts';

/** A number, as it was sent where that is known. */
export function numberIn(element: Element | undefined, key: string, context: Context): string | undefined {
  const sent = asSent(element, key, context.reading);
  const value = context.reading.text(element, key);
  if (sent !== undefined || value === undefined) return sent;
  // 1e21 is no number of HL7's.
  return /^-?\d+(\.\d+)?$/.test(value) ? value : plain(Number(value));
}

function plain(value: number): string | undefined {
  return Number.isFinite(value)
    ? value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 })
    : undefined;
}

/** The unit of a quantity as a coded value. */
export function unitOf(quantity: Element | undefined, context: Context): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  const unit = reading.text(quantity, 'unit');
  const code = reading.text(quantity, 'code');
  const system = reading.text(quantity, 'system');
  const named = quantity !== undefined && cameAt(quantity, reading)?.includes('2');
  put(made, named ? 2 : 1, 1, code ?? unit);
  if (code !== undefined) put(made, 2, 1, unit);
  if (system !== undefined && code !== undefined) put(made, 3, 1, nameOfSystem(system));
  return made.length > 0 ? made : undefined;
}

/** A Quantity as CQ: the unit in subcomponents. */
export function cqOf(quantity: Element, context: Context): Repetition | undefined {
  const made: Repetition = [];
  put(made, 1, 1, numberIn(quantity, 'value', context));
  unitOf(quantity, context)?.forEach((parts, at) => {
    put(made, 2, at + 1, parts[0]);
  });
  return made.length > 0 ? made : undefined;
}

/** Money as CP: the amount and its currency in subcomponents. */
export function cpOf(money: Element, context: Context): Repetition | undefined {
  const made: Repetition = [];
  put(made, 1, 1, numberIn(money, 'value', context));
  put(made, 1, 2, context.reading.text(money, 'currency'));
  return made.length > 0 ? made : undefined;
}
