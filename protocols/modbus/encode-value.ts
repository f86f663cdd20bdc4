import { decodeValue } from './decode-value.ts';
import { ModbusFault } from './fault.ts';
import { unscaled } from './scale.ts';
import { type NumberType, type RegisterValue, registersOf, reorder } from './value.ts';

/**
 * The registers for a write, as they travel: a value of the kind that `decodeValue` gives, scaled back and rounded to the
 * nearest that the registers can hold. modbus.bad-value where the type cannot hold it, where the device would take it for
 * a sentinel, and for a bit or bit field, which share their register with others: see `maskOf`.
 */
export function encodeValue(
  value: number | bigint | string | boolean,
  definition: RegisterValue,
): Buffer | ModbusFault {
  const bytes = Buffer.alloc(2 * registersOf(definition));
  if (!put(bytes, value, definition)) return unwritable('its type cannot hold it');
  const encoded = reorder(bytes, definition.order, definition.type === 'ascii');
  return decodeValue(encoded, definition).validity === 'Vld' ? encoded : unwritable('it would mean that there is none');
}

/** AND and OR of a mask-write-register that writes a bit (a boolean) or a bit field (a number) of one register and no other. */
export function maskOf(
  value: number | boolean,
  definition: RegisterValue,
): { readonly and: number; readonly or: number } | ModbusFault {
  const isBit = definition.type === 'bit';
  if (!isBit && (definition.type !== 'bitfield' || definition.registers !== 1)) return unwritable('it is no bit');
  const width = isBit ? 1 : definition.width;
  const number = Number(value);
  if ((typeof value === 'boolean') !== isBit || !isWithin(number, 0, 2 ** width - 1)) {
    return unwritable('its type cannot hold it');
  }
  const mask = ((2 ** width - 1) << definition.bit) & 0xffff;
  const isSwapped = definition.order === 'BADC' || definition.order === 'DCBA';
  const travelling = (word: number) => (isSwapped ? ((word & 0xff) << 8) | (word >>> 8) : word);
  return { and: travelling(~mask & 0xffff), or: travelling((number << definition.bit) & 0xffff) };
}

/** Writes in the order ABCD; false where the value is of another kind or out of range. */
function put(bytes: Buffer, value: number | bigint | string | boolean, definition: RegisterValue): boolean {
  switch (definition.type) {
    case 'ascii':
      if (typeof value !== 'string' || value.length > bytes.length || !/^[\x20-\x7e]*$/.test(value)) return false;
      bytes.write(value, 'latin1');
      return true;
    case 'enum': {
      const code = Object.entries(definition.names).find(([, name]) => name === value)?.[0];
      return code !== undefined && putNumber(bytes, Number(code), 'u16');
    }
    case 'bit':
    case 'bitfield':
      return false;
    default: {
      if (typeof value !== 'number' && typeof value !== 'bigint') return false;
      const { scale, offset } = definition;
      const raw =
        scale === undefined && offset === undefined ? value : unscaled(Number(value), scale ?? 1, offset ?? 0);
      return definition.type === 'bcd' ? putDigits(bytes, raw) : putNumber(bytes, raw, definition.type);
    }
  }
}

function putDigits(bytes: Buffer, raw: number | bigint): boolean {
  const whole = wholeOf(raw);
  if (whole === undefined || whole < 0n) return false;
  const digits = whole.toString().padStart(2 * bytes.length, '0');
  return digits.length === 2 * bytes.length && bytes.write(digits, 'hex') === bytes.length;
}

function putNumber(bytes: Buffer, raw: number | bigint, type: NumberType): boolean {
  if (type === 'f32' || type === 'f64') {
    const number = Number(raw);
    const held = type === 'f32' ? Math.fround(number) : number;
    if (!Number.isFinite(held)) return false;
    if (type === 'f32') bytes.writeFloatBE(held);
    else bytes.writeDoubleBE(held);
    return true;
  }
  const whole = wholeOf(raw);
  if (whole === undefined) return false;
  const bits = 8 * bytes.length;
  const fits = type.startsWith('u') ? BigInt.asUintN(bits, whole) : BigInt.asIntN(bits, whole);
  if (fits !== whole) return false;
  bytes.write(
    BigInt.asUintN(bits, whole)
      .toString(16)
      .padStart(2 * bytes.length, '0'),
    'hex',
  );
  return true;
}

/** Rounded to the nearest whole number; undefined where there is none. */
function wholeOf(raw: number | bigint): bigint | undefined {
  if (typeof raw === 'bigint') return raw;
  return Number.isFinite(raw) ? BigInt(Math.round(raw)) : undefined;
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function unwritable(reason: string): ModbusFault {
  return new ModbusFault('modbus.bad-value', `encoding a value for a write: ${reason}`);
}
