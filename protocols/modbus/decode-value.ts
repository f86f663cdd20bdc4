import { scaled, shortestOfFloat32 } from './scale.ts';
import { type Invalidity, type NumberType, type Reading, type RegisterValue, registersOf, reorder } from './value.ts';

const INVALID: Reading = { validity: 'Inv' };

/**
 * The value that registers hold, given as they travelled. Numbers of four registers (u64, i64, BCD of 16 digits) are bigint
 * unless scale or offset is given. No value, but a reason: a sentinel, a NaN (Inv) or an infinity (Oflw, Uflw), BCD
 * with digits above 9, text with other than printable ASCII, an enum's number without a name, too few bytes. Never throws.
 */
export function decodeValue(bytes: Buffer, definition: RegisterValue): Reading {
  if (bytes.length !== 2 * registersOf(definition)) return INVALID;
  const ordered = reorder(bytes, definition.order, definition.type === 'ascii');
  const raw = definition.type === 'ascii' ? textOf(ordered) : numberOf(ordered, definition);
  if (raw === undefined) return INVALID;
  if (typeof raw === 'string') return { validity: 'Vld', value: raw };
  const invalidity = sentinelOf(raw, definition) ?? (typeof raw === 'number' ? unmeasured(raw) : undefined);
  if (invalidity) return { validity: invalidity };
  switch (definition.type) {
    case 'bit':
      return { validity: 'Vld', value: raw === 1 };
    case 'enum': {
      const name = Object.hasOwn(definition.names, Number(raw)) ? definition.names[Number(raw)] : undefined;
      return name === undefined ? INVALID : { validity: 'Vld', value: name };
    }
    default: {
      const { scale, offset } = definition;
      if (scale === undefined && offset === undefined) return { validity: 'Vld', value: raw };
      return { validity: 'Vld', value: scaled(Number(raw), scale ?? 1, offset ?? 0) };
    }
  }
}

function numberOf(bytes: Buffer, definition: RegisterValue): number | bigint | undefined {
  switch (definition.type) {
    case 'bcd': {
      const digits = bytes.toString('hex');
      if (!/^\d+$/.test(digits)) return undefined;
      return definition.registers === 4 ? BigInt(digits) : Number(digits);
    }
    case 'bit':
      return (bytes.readUInt16BE(0) >>> definition.bit) & 1;
    case 'bitfield': {
      const whole = definition.registers === 1 ? bytes.readUInt16BE(0) : bytes.readUInt32BE(0);
      return Math.floor(whole / 2 ** definition.bit) % 2 ** definition.width;
    }
    case 'enum':
      return bytes.readUInt16BE(0);
    case 'ascii':
      return undefined;
    default:
      return plainNumber(bytes, definition.type);
  }
}

function plainNumber(bytes: Buffer, type: NumberType): number | bigint {
  switch (type) {
    case 'u16':
      return bytes.readUInt16BE(0);
    case 'i16':
      return bytes.readInt16BE(0);
    case 'u32':
      return bytes.readUInt32BE(0);
    case 'i32':
      return bytes.readInt32BE(0);
    case 'u64':
      return bytes.readBigUInt64BE(0);
    case 'i64':
      return bytes.readBigInt64BE(0);
    case 'f32':
      return shortestOfFloat32(bytes.readFloatBE(0));
    case 'f64':
      return bytes.readDoubleBE(0);
    default:
      return type satisfies never;
  }
}

function textOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\0');
  const written = (end < 0 ? text : text.slice(0, end)).trimEnd();
  return /^[\x20-\x7e]*$/.test(written) ? written : undefined;
}

function sentinelOf(raw: number | bigint, { type, sentinels }: RegisterValue): Invalidity | undefined {
  return sentinels?.find((each) => {
    if (typeof each.raw === 'bigint' && typeof raw === 'bigint') return each.raw === raw;
    // A profile's number may be less exact than the register: 3.40282347e38 of a float, 0xFFFFFFFFFFFFFFFF of a u64.
    const [said, read] = [Number(each.raw), Number(raw)];
    return type === 'f32' ? Math.fround(said) === Math.fround(read) : said === read;
  })?.validity;
}

function unmeasured(raw: number): Invalidity | undefined {
  if (Number.isNaN(raw)) return 'Inv';
  if (raw === Number.POSITIVE_INFINITY) return 'Oflw';
  return raw === Number.NEGATIVE_INFINITY ? 'Uflw' : undefined;
}
