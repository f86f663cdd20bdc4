import type { PointCode, Reading, Validity } from '../../contracts/vitals.ts';
import { scaled } from '../../protocols/modbus/scale.ts';

/** What of a point every reading of it has. */
export interface PointNames {
  readonly id: string;
  readonly unit?: string | undefined;
  readonly code?: { readonly mdc?: number | undefined; readonly loinc?: readonly string[] | undefined } | undefined;
  readonly plausible?: { readonly min?: number | undefined; readonly max?: number | undefined } | undefined;
  readonly scale?: number | undefined;
  readonly offset?: number | undefined;
}

/** A value and how far it is believed; none where the validity says so. */
export interface Judged {
  readonly value?: NonNullable<Reading['value']>;
  readonly validity: Validity;
}

export const NO_VALUE: Judged = { validity: 'Inv' };

/** A number by the scale and the plausible range of its point; none where it is not finite. */
export function judgedNumber(
  raw: number,
  { scale, offset, plausible }: PointNames,
  validity: Validity = 'Vld',
): Judged {
  const value = scale === undefined && offset === undefined ? raw : scaled(raw, scale ?? 1, offset ?? 0);
  return within(value, plausible, validity);
}

/** The same for a value that is scaled already. */
export function within(value: number, plausible: PointNames['plausible'], validity: Validity = 'Vld'): Judged {
  if (!Number.isFinite(value)) return NO_VALUE;
  const isBelieved = value >= (plausible?.min ?? -Infinity) && value <= (plausible?.max ?? Infinity);
  // JSON has no negative zero.
  return { value: value + 0, validity: isBelieved ? validity : 'Qst' };
}

/** The reading of a point. */
export function readingOf({ id, unit, code }: PointNames, { value, validity }: Judged): Reading {
  return {
    point: id,
    ...(value !== undefined && { value }),
    ...(unit !== undefined && { unit }),
    ...(code && { code: codeOf(code) }),
    validity,
  };
}

function codeOf({ mdc, loinc }: NonNullable<PointNames['code']>): PointCode {
  return { ...(mdc !== undefined && { mdc }), ...(loinc && { loinc: [...loinc] }) };
}
