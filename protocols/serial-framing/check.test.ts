import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckField, type CheckName, checkHolds, checkValue, shortestWith, writeCheck } from './check.ts';

const NINE = Buffer.from('123456789', 'latin1');

describe('a check', () => {
  // The check values of the catalogue of parametrised CRCs for the nine digits.
  it.each([
    ['crc16-arc', 0xbb3d],
    ['crc16-modbus', 0x4b37],
    ['crc16-xmodem', 0x31c3],
    ['crc16-ccitt-false', 0x29b1],
    ['crc16-kermit', 0x2189],
    ['crc16-x25', 0x906e],
    ['sum8', 0xdd],
    ['lrc8', 0x23],
    ['xor8', 0x31],
  ] as const)('%s of 123456789 is what the catalogues say', (algorithm, value) => {
    expect(checkValue(algorithm, NINE)).toBe(value);
  });

  it('holds for an NMEA sentence, whose * is not covered', () => {
    const field: CheckField = { algorithm: 'xor8', written: 'hex', from: 1, uncovered: 1, after: 0 };
    const sentence = Buffer.from('$GPGLL,5300.97914,N,00259.98174,E,125926,A*28', 'latin1');
    expect(checkHolds(sentence, 0, sentence.length, field)).toBe(true);
    sentence[3] = sentence[3]! ^ 1;
    expect(checkHolds(sentence, 0, sentence.length, field)).toBe(false);
  });

  it('holds for the ASTM frame of the golden vector, in upper and in lower case', () => {
    const field: CheckField = { algorithm: 'sum8', written: 'hex', from: 1, uncovered: 0, after: 2 };
    const frame = '\x021H|\\^&\r\x03E5\r\n';
    for (const text of [frame, frame.replace('E5', 'e5')]) {
      expect(checkHolds(Buffer.from(text, 'latin1'), 0, text.length, field)).toBe(true);
    }
    expect(checkHolds(Buffer.from(frame.replace('E5', 'G5'), 'latin1'), 0, frame.length, field)).toBe(false);
  });

  it('does not hold where a frame is too short to have one', () => {
    const field: CheckField = { algorithm: 'crc16-modbus', written: 'hex', from: 1, uncovered: 1, after: 2 };
    for (let length = 0; length < shortestWith(field); length++) {
      expect(checkHolds(Buffer.alloc(length), 0, length, field)).toBe(false);
    }
  });

  const field = fc.record({
    algorithm: fc.constantFrom<CheckName>('sum8', 'lrc8', 'xor8', 'crc16-modbus', 'crc16-xmodem', 'crc16-x25'),
    written: fc.constantFrom('big-endian' as const, 'little-endian' as const, 'hex' as const),
    from: fc.nat(2),
    uncovered: fc.nat(2),
    after: fc.nat(3),
  });

  it('property: holds where it was written, and no more once a covered bit is turned', () => {
    fc.assert(
      fc.property(field, fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), (place, covered, which) => {
        const frame = Buffer.alloc(shortestWith(place) + covered.length, 0x55);
        frame.set(covered, place.from);
        writeCheck(frame, place);
        const framed = Buffer.concat([Buffer.of(1, 2), frame, Buffer.of(3)]);
        expect(checkHolds(framed, 2, framed.length - 1, place)).toBe(true);
        const bit = which % (covered.length * 8);
        const at = 2 + place.from + (bit >> 3);
        framed[at] = framed[at]! ^ (1 << (bit & 7));
        expect(checkHolds(framed, 2, framed.length - 1, place)).toBe(false);
      }),
    );
  });
});
