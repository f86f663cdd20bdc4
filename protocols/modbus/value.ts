/**
 * In which order the bytes of a value of several registers travel. A is the most significant byte. `ABCD`: as Modbus does.
 * `DCBA`: all reversed. `BADC`: the two bytes of each register swapped. `CDAB`: the registers reversed. Eight bytes likewise:
 * `CDAB` is GHEFCDAB. One register knows only whether its bytes are swapped; text, too: its registers are never reversed.
 */
export type ByteOrder = 'ABCD' | 'DCBA' | 'BADC' | 'CDAB';

export type NumberType = 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64' | 'f32' | 'f64';

/** What registers hold. */
export type RegisterType =
  | { readonly type: NumberType }
  /** Four decimal digits a register. */
  | { readonly type: 'bcd'; readonly registers: 1 | 2 | 3 | 4 }
  /** Two characters a register, ended by NUL or filled with blanks. */
  | { readonly type: 'ascii'; readonly registers: number }
  /** A bit of one register, 0 the least significant. */
  | { readonly type: 'bit'; readonly bit: number }
  /** `width` bits from `bit` on, as an unsigned number. */
  | { readonly type: 'bitfield'; readonly registers: 1 | 2; readonly bit: number; readonly width: number }
  /** A number of one register that stands for a name. */
  | { readonly type: 'enum'; readonly names: Readonly<Record<number, string>> };

/** Why there is no value, as in IEEE 11073-10207: invalid, over or under what the device can measure. */
export type Invalidity = 'Inv' | 'Oflw' | 'Uflw';

/** A raw number, before scale and offset, by which a device says that it has no value. */
export interface Sentinel {
  readonly raw: number | bigint;
  readonly validity: Invalidity;
}

export type RegisterValue = RegisterType & {
  readonly order: ByteOrder;
  /** value = raw × scale + offset; of numbers only. 1 and 0 where they are left out. */
  readonly scale?: number;
  readonly offset?: number;
  readonly sentinels?: readonly Sentinel[];
};

/** A value, or why there is none. */
export type Reading =
  | { readonly validity: 'Vld'; readonly value: number | bigint | string | boolean }
  | { readonly validity: Invalidity };

const REGISTERS: Readonly<Record<NumberType, number>> = {
  u16: 1,
  i16: 1,
  u32: 2,
  i32: 2,
  f32: 2,
  u64: 4,
  i64: 4,
  f64: 4,
};

/** How many registers a value takes. */
export function registersOf(type: RegisterType): number {
  switch (type.type) {
    case 'bcd':
    case 'ascii':
    case 'bitfield':
      return type.registers;
    case 'bit':
    case 'enum':
      return 1;
    default:
      return REGISTERS[type.type];
  }
}

/** A copy of the bytes in the order ABCD of what travels in `order`, or the other way round: the two are the same. */
export function reorder(bytes: Uint8Array, order: ByteOrder, isText = false): Buffer {
  const ordered = Buffer.from(bytes);
  if (order === 'BADC' || order === 'DCBA') ordered.swap16();
  if (isText || order === 'ABCD' || order === 'BADC') return ordered;
  const registers = ordered.length / 2;
  const reversed = Buffer.allocUnsafe(ordered.length);
  for (let register = 0; register < registers; register++) {
    ordered.copy(reversed, 2 * (registers - 1 - register), 2 * register, 2 * register + 2);
  }
  return reversed;
}
