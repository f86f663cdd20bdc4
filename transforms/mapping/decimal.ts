/** Longer ones are taken for a mistake: each digit costs time. */
const MAX_LENGTH = 100;
const decimal = /^([+-]?)(\d*)(?:\.(\d*))?$/;

/** A decimal number: `digits` × 10^-`places`. */
export interface Decimal {
  readonly digits: bigint;
  readonly places: number;
}

/** Reads a number as HL7's NM and people write it (no exponent); undefined for what is none. */
export function readDecimal(text: string): Decimal | undefined {
  const trimmed = text.trim();
  const [, sign, whole = '', fraction = ''] = trimmed.length > MAX_LENGTH ? [] : (decimal.exec(trimmed) ?? []);
  if (sign === undefined || whole + fraction === '') return undefined;
  const digits = BigInt(whole + fraction);
  return { digits: sign === '-' ? -digits : digits, places: fraction.length };
}

/** As exact as the two factors: 0.1 × 3 is 0.3. Ends in no more zeros than `a` had places. */
export function multiplied(a: Decimal, b: Decimal): Decimal {
  let digits = a.digits * b.digits;
  let places = a.places + b.places;
  while (places > a.places && digits % 10n === 0n) {
    digits /= 10n;
    places--;
  }
  return { digits, places };
}

/** To so many places; a half goes away from zero. What has fewer gets zeros. */
export function rounded({ digits, places }: Decimal, to: number): Decimal {
  if (places <= to) return { digits: digits * 10n ** BigInt(to - places), places: to };
  const unit = 10n ** BigInt(places - to);
  const half = digits < 0n ? -unit / 2n : unit / 2n;
  return { digits: (digits + half) / unit, places: to };
}

export function writeDecimal({ digits, places }: Decimal): string {
  const negative = digits < 0n;
  const text = String(negative ? -digits : digits).padStart(places + 1, '0');
  const whole = text.slice(0, text.length - places);
  const fraction = text.slice(text.length - places);
  return (negative ? '-' : '') + whole + (places > 0 ? `.${fraction}` : '');
}
