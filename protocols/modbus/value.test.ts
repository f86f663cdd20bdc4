import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue } from './decode-value.ts';
import { encodeValue, maskOf } from './encode-value.ts';
import { ModbusFault } from './fault.ts';
import { type ByteOrder, type RegisterType, type RegisterValue, registersOf, reorder } from './value.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const ORDERS: readonly ByteOrder[] = ['ABCD', 'DCBA', 'BADC', 'CDAB'];
const value = (bytes: string, definition: RegisterType & Partial<RegisterValue>) => {
  const reading = decodeValue(hex(bytes), { order: 'ABCD', ...definition });
  return reading.validity === 'Vld' ? reading.value : reading.validity;
};

describe('a value in registers', () => {
  it.each([
    ['u16', 'FFFF', 65_535],
    ['i16', 'FFFE', -2],
    ['u32', 'FFFF FFFE', 4_294_967_294],
    ['i32', 'FFFF FFFE', -2],
    ['u64', 'FFFF FFFF FFFF FFFF', 18_446_744_073_709_551_615n],
    ['i64', 'FFFF FFFF FFFF FFFE', -2n],
    ['f32', '4212 6666', 36.6],
    ['f32', '7F7F FFFF', 3.4028235e38],
    ['f64', '4042 4CCC CCCC CCCD', 36.6],
  ] as const)('is read as %s', (type, bytes, expected) => {
    expect(value(bytes, { type })).toBe(expected);
  });

  it.each([
    ['ABCD', '42126666', '0102030405060708'],
    ['DCBA', '66661242', '0807060504030201'],
    ['BADC', '12426666', '0201040306050807'],
    ['CDAB', '66664212', '0708050603040102'],
  ] as const)('is read in the order %s', (order, float, long) => {
    expect(value(float, { type: 'f32', order })).toBe(36.6);
    expect(value(long, { type: 'u64', order })).toBe(0x0102030405060708n);
    const swapped = order === 'BADC' || order === 'DCBA';
    expect(value(swapped ? '3412' : '1234', { type: 'u16', order })).toBe(0x1234);
    expect(value(swapped ? '4241 4443' : '4142 4344', { type: 'ascii', registers: 2, order })).toBe('ABCD');
  });

  it('is read as BCD, and is none where a digit is none', () => {
    expect(value('0042', { type: 'bcd', registers: 1 })).toBe(42);
    expect(value('1234 5678', { type: 'bcd', registers: 2 })).toBe(12_345_678);
    expect(value('5678 1234', { type: 'bcd', registers: 2, order: 'CDAB' })).toBe(12_345_678);
    expect(value('9999 9999 9999 9999', { type: 'bcd', registers: 4 })).toBe(9_999_999_999_999_999n);
    expect(value('00A2', { type: 'bcd', registers: 1 })).toBe('Inv');
  });

  it('is read as text up to NUL or the blanks at its end', () => {
    expect(value('4142 4300', { type: 'ascii', registers: 2 })).toBe('ABC');
    expect(value('4120 2020', { type: 'ascii', registers: 2 })).toBe('A');
    expect(value('0000', { type: 'ascii', registers: 1 })).toBe('');
    expect(value('FFFF', { type: 'ascii', registers: 1 })).toBe('Inv');
  });

  it('is read as bit, bit field and enum', () => {
    expect(value('8000', { type: 'bit', bit: 15 })).toBe(true);
    expect(value('7FFF', { type: 'bit', bit: 15 })).toBe(false);
    expect(value('0080', { type: 'bit', bit: 15, order: 'BADC' })).toBe(true);
    expect(value('0AB0', { type: 'bitfield', registers: 1, bit: 4, width: 8 })).toBe(0xab);
    expect(value('F000 0001', { type: 'bitfield', registers: 2, bit: 28, width: 4 })).toBe(0xf);
    expect(value('FFFF FFFF', { type: 'bitfield', registers: 2, bit: 0, width: 32 })).toBe(0xffffffff);
    const names = { 0: 'off', 2: 'negative pressure' };
    expect(value('0002', { type: 'enum', names })).toBe('negative pressure');
    expect(value('0003', { type: 'enum', names })).toBe('Inv');
  });

  it('is scaled without the noise of binary fractions', () => {
    expect(value('0003', { type: 'u16', scale: 0.1 })).toBe(0.3);
    expect(value('016F', { type: 'u16', scale: 0.1 })).toBe(36.7);
    expect(value('FF9C', { type: 'i16', scale: 0.05, offset: 2.5 })).toBe(-2.5);
    expect(value('0BB8', { type: 'u16', scale: 0.1, offset: -273.1 })).toBe(26.9);
    expect(value('0007', { type: 'u16', scale: 4, offset: -40 })).toBe(-12);
    expect(value('0000 0000 0000 000A', { type: 'u64', scale: 0.1 })).toBe(1);
    expect(value('000A', { type: 'u16', offset: 1 })).toBe(11);
  });

  it('is none where the device says so, before scale and offset', () => {
    const sentinels = [
      { raw: 0x7fff, validity: 'Oflw' },
      { raw: -0x8000, validity: 'Uflw' },
      { raw: -1, validity: 'Inv' },
    ] as const;
    expect(value('7FFF', { type: 'i16', scale: 0.1, sentinels })).toBe('Oflw');
    expect(value('8000', { type: 'i16', scale: 0.1, sentinels })).toBe('Uflw');
    expect(value('FFFF', { type: 'i16', sentinels })).toBe('Inv');
    expect(value('FFFF', { type: 'u16', sentinels })).toBe(65_535);
    expect(value('FFFF FFFF FFFF FFFF', { type: 'i64', sentinels })).toBe('Inv');
    expect(value('FFFF FFFF FFFF FFFF', { type: 'u64', sentinels: [{ raw: 2 ** 64, validity: 'Inv' }] })).toBe('Inv');
    expect(value('7F7F FFFF', { type: 'f32', sentinels: [{ raw: 3.40282347e38, validity: 'Oflw' }] })).toBe('Oflw');
    expect(value('C61C 3F9A', { type: 'f32', sentinels: [{ raw: -9_999.9, validity: 'Inv' }] })).toBe('Inv');
  });

  it.each([
    ['f32', '7FC0 0000', 'Inv'],
    ['f32', '7F80 0000', 'Oflw'],
    ['f32', 'FF80 0000', 'Uflw'],
    ['f64', '7FF8 0000 0000 0000', 'Inv'],
    ['f64', 'FFF0 0000 0000 0000', 'Uflw'],
  ] as const)('is none where %s %s is no number', (type, bytes, validity) => {
    expect(value(bytes, { type })).toBe(validity);
  });

  it('is none where bytes are missing', () => {
    expect(value('FFFF', { type: 'u32' })).toBe('Inv');
    expect(value('FF', { type: 'u16' })).toBe('Inv');
  });
});

describe('a value to be written', () => {
  const written = (what: number | bigint | string | boolean, definition: RegisterType & Partial<RegisterValue>) => {
    const bytes = encodeValue(what, { order: 'ABCD', ...definition });
    return bytes instanceof ModbusFault ? bytes.code : bytes.toString('hex');
  };

  it('is scaled back to the nearest that the registers can hold', () => {
    expect(written(36.7, { type: 'u16', scale: 0.1 })).toBe('016f');
    expect(written(-2.5, { type: 'i16', scale: 0.05, offset: 2.5 })).toBe('ff9c');
    expect(written(0.34, { type: 'u16', scale: 0.1 })).toBe('0003');
    expect(written(36.6, { type: 'f32', order: 'CDAB' })).toBe('66664212');
    expect(written(42, { type: 'bcd', registers: 1 })).toBe('0042');
    expect(written('AB', { type: 'ascii', registers: 2 })).toBe('41420000');
    expect(written('on', { type: 'enum', names: { 1: 'on' } })).toBe('0001');
  });

  it.each([
    ['u16', 65_536],
    ['u16', -1],
    ['i16', 32_768],
    ['i16', -32_769],
    ['u32', 2 ** 32],
    ['u64', 2n ** 64n],
    ['i64', 2n ** 63n],
    ['f32', 1e39],
    ['f64', Number.POSITIVE_INFINITY],
    ['u16', Number.NaN],
    ['u16', '5'],
    ['u16', true],
  ] as const)('is refused where %s cannot hold %s', (type, what) => {
    expect(written(what, { type })).toBe('modbus.bad-value');
  });

  it('is refused where it would be a sentinel, a text too long, an unknown name, a bit among others', () => {
    const sentinels = [{ raw: 0xffff, validity: 'Inv' }] as const;
    expect(written(65_535, { type: 'u16', sentinels })).toBe('modbus.bad-value');
    expect(written('ABC', { type: 'ascii', registers: 1 })).toBe('modbus.bad-value');
    expect(written('ä', { type: 'ascii', registers: 1 })).toBe('modbus.bad-value');
    expect(written('off', { type: 'enum', names: { 1: 'on' } })).toBe('modbus.bad-value');
    expect(written(10_000, { type: 'bcd', registers: 1 })).toBe('modbus.bad-value');
    expect(written(-1, { type: 'bcd', registers: 1 })).toBe('modbus.bad-value');
    expect(written(true, { type: 'bit', bit: 1 })).toBe('modbus.bad-value');
  });

  it('changes with a mask its own bits only, whatever the register holds', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        fc.nat(15),
        fc.nat(15),
        fc.nat(0xffff),
        fc.constantFrom(...ORDERS),
        (old, a, b, to, order) => {
          const [bit, width] = [Math.min(a, b), Math.abs(a - b) + 1];
          const definition: RegisterValue = { type: 'bitfield', registers: 1, bit, width, order };
          const wanted = to % 2 ** width;
          const mask = maskOf(wanted, definition) as { and: number; or: number };
          const word = Buffer.alloc(2);
          word.writeUInt16BE((old & mask.and) | (mask.or & ~mask.and));
          expect(decodeValue(word, definition)).toEqual({ validity: 'Vld', value: wanted });
          const before = Buffer.alloc(2);
          before.writeUInt16BE(old);
          const own = (2 ** width - 1) << bit;
          expect(reorder(word, order).readUInt16BE() & ~own).toBe(reorder(before, order).readUInt16BE() & ~own);
        },
      ),
    );
    expect(maskOf(true, { type: 'bit', bit: 3, order: 'ABCD' })).toEqual({ and: 0xfff7, or: 8 });
    expect(maskOf(2, { type: 'bitfield', registers: 1, bit: 0, width: 1, order: 'ABCD' })).toBeInstanceOf(ModbusFault);
    expect(maskOf(1, { type: 'u16', order: 'ABCD' })).toBeInstanceOf(ModbusFault);
  });

  const definition: fc.Arbitrary<RegisterValue> = fc
    .tuple(
      fc.oneof(
        fc.constantFrom<RegisterType>(
          { type: 'u16' },
          { type: 'i16' },
          { type: 'u32' },
          { type: 'i32' },
          { type: 'u64' },
          { type: 'i64' },
          { type: 'f32' },
          { type: 'f64' },
          { type: 'bit', bit: 7 },
          { type: 'bitfield', registers: 2, bit: 3, width: 20 },
        ),
        fc
          .constantFrom(1 as const, 2 as const, 3 as const, 4 as const)
          .map((registers) => ({ type: 'bcd' as const, registers })),
        fc.integer({ min: 1, max: 10 }).map((registers) => ({ type: 'ascii' as const, registers })),
      ),
      fc.constantFrom(...ORDERS),
      fc.constantFrom(undefined, 0.1, 0.05, 0.3, 2),
    )
    .map(([type, order, scale]) => (scale === undefined ? { ...type, order } : { ...type, order, scale }));

  it('property: what registers hold is written as it was, in every type, order and scale', () => {
    fc.assert(
      fc.property(definition, fc.uint8Array({ minLength: 20, maxLength: 20 }), (by, noise) => {
        const bytes = Buffer.from(noise.subarray(0, 2 * registersOf(by)));
        if (by.type === 'bcd') for (let at = 0; at < bytes.length; at++) bytes[at] = Number(`0x${bytes[at]! % 100}`);
        const reading = decodeValue(bytes, by);
        if (reading.validity !== 'Vld') return;
        const again = encodeValue(reading.value, by);
        if (by.type === 'bit' || by.type === 'bitfield') {
          expect(again).toBeInstanceOf(ModbusFault);
        } else if (by.type === 'ascii') {
          expect(decodeValue(again as Buffer, by)).toEqual(reading);
        } else if (by.scale === undefined) {
          // Both zeros of a float are the same value.
          if (!Object.is(reading.value, -0)) expect(again).toEqual(bytes);
        } else if (['u16', 'i16', 'u32', 'i32'].includes(by.type)) {
          expect(again).toEqual(bytes);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('property: nothing throws, whatever is to be written', () => {
    const anything = fc.oneof(fc.double(), fc.bigInt(), fc.string(), fc.boolean());
    fc.assert(
      fc.property(definition, anything, (by, what) => {
        const bytes = encodeValue(what, by);
        if (bytes instanceof ModbusFault) expect(bytes.code).toBe('modbus.bad-value');
        else expect(bytes.length).toBe(2 * registersOf(by));
      }),
    );
  });
});
