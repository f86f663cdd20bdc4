import { type GivenValue, Unfit } from './unfit.ts';

const bits = { int2: 16n, int4: 32n, int8: 64n } as const;
const decimal = /^[+-]?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

export function integer(size: keyof typeof bits): (value: NonNullable<GivenValue>) => string {
  const limit = 1n << (bits[size] - 1n);
  return (value) => {
    const text = numberText(value);
    if (!/^[+-]?\d{1,40}$/.test(text)) throw new Unfit('is no whole number');
    const whole = BigInt(text.replace('+', ''));
    if (whole >= limit || whole < -limit) throw new Unfit(`is too large for ${size}`);
    return String(whole);
  };
}

/** @param modifier precision and scale, as pg_attribute has them */
export function numeric(modifier: number): (value: NonNullable<GivenValue>) => string {
  const precision = modifier < 4 ? undefined : ((modifier - 4) >> 16) & 0xffff;
  const scale = ((((modifier - 4) & 0x7ff) ^ 1024) - 1024) | 0;
  return (value) => {
    const text = numberText(value);
    if (precision === undefined && /^[+-]?(?:NaN|Infinity)$/i.test(text)) return text;
    const { whole, fraction } = digitsOf(text);
    if (precision === undefined) return text;
    if (whole > precision - scale) throw new Unfit(`has more than ${precision - scale} digits before the point`);
    // PostgreSQL would round without a word.
    if (fraction > scale) throw new Unfit(`has more than ${scale} digits after the point`);
    return text;
  };
}

export function floating(value: NonNullable<GivenValue>): string {
  const text = numberText(value);
  if (!/^[+-]?(?:NaN|Infinity)$/i.test(text)) digitsOf(text);
  return text;
}

/** How many digits there are before and after the point, without zeros that say nothing; 1,200 has -2 after it. */
function digitsOf(text: string): { readonly whole: number; readonly fraction: number } {
  const [, before = '', after = '', exponent = '0'] = decimal.exec(text) ?? [];
  if (before + after === '') throw new Unfit('is no number');
  const digits = before + after;
  const first = digits.search(/[1-9]/);
  if (first < 0) return { whole: 0, fraction: Number.NEGATIVE_INFINITY };
  const point = before.length + Number(exponent);
  const last = digits.length - /0*$/.exec(digits)![0].length;
  return { whole: Math.max(0, point - first), fraction: last - point };
}

function numberText(value: NonNullable<GivenValue>): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value !== 'number') throw new Unfit('is no number');
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw new Unfit('has more digits than a JSON number keeps: give it as text');
  return String(value);
}
