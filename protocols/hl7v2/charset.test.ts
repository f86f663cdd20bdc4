import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { charsetNamed, isUtf8 } from './charset.ts';

const every = Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte));

describe('charsetNamed', () => {
  it.each([
    ['ASCII', 'us-ascii'],
    ['8859/1', 'iso-8859-1'],
    ['8859/2', 'iso-8859-2'],
    ['8859/15', 'iso-8859-15'],
    ['ISO-8859-9', 'iso-8859-9'],
    ['iso8859_1', 'iso-8859-1'],
    ['UNICODE UTF-8', 'utf-8'],
    ['UNICODE', 'utf-8'],
    ['utf8', 'utf-8'],
    ['windows-1252', 'windows-1252'],
    ['CP1250', 'windows-1250'],
    ['Win1252', 'windows-1252'],
  ])('knows %s as %s', (name, charset) => {
    expect(charsetNamed(name)?.name).toBe(charset);
  });

  it.each([
    '',
    'UNICODE UTF-16',
    'GB 18030-2000',
    'BIG-5',
    '8859/12',
    '8859/17',
    'windows-1299',
    'constructor',
    'toString',
  ])('does not know %j', (name) => {
    expect(charsetNamed(name)).toBeUndefined();
  });
});

describe('single-byte character sets', () => {
  const names = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15].map((part) => `8859/${part}`).concat('windows-1252', 'windows-1250');

  it.each(names)('%s gives back every byte that it decodes', (name) => {
    const charset = charsetNamed(name)!;
    for (const byte of every) {
      const text = charset.decode(every, byte, byte + 1);
      if (text !== '\ufffd') expect([...charset.encode(text)]).toEqual([byte]);
    }
  });

  it('tell ISO 8859-1, ISO 8859-15 and windows-1252 apart', () => {
    const euro = Buffer.from([0x80, 0xa4]);
    expect(charsetNamed('8859/1')!.decode(euro, 0, 2)).toBe('\u0080¤');
    expect(charsetNamed('8859/15')!.decode(euro, 0, 2)).toBe('\u0080€');
    expect(charsetNamed('windows-1252')!.decode(euro, 0, 2)).toBe('€¤');
  });
});

describe('encoding', () => {
  it.each(['ASCII', '8859/1', '8859/2', 'windows-1252'])('%s refuses what it does not have, and says where', (name) => {
    expect(() => charsetNamed(name)!.encode('a病')).toThrow(
      expect.objectContaining({ code: 'hl7v2.unencodable', offset: 1 }),
    );
    expect(charsetNamed(name)!.encode('a病b', '?').toString()).toBe('a?b');
  });

  it('does not write a substitute that the set does not have either', () => {
    expect(() => charsetNamed('8859/2')!.encode('病', '疾')).toThrow(
      expect.objectContaining({ code: 'hl7v2.unencodable' }),
    );
  });

  it('UTF-8 refuses half a surrogate pair', () => {
    expect(() => charsetNamed('UTF-8')!.encode('a\ud800')).toThrow(
      expect.objectContaining({ code: 'hl7v2.unencodable' }),
    );
    expect(charsetNamed('UTF-8')!.encode('a\ud800', '?').toString()).toBe('a?');
  });

  it('UTF-8 gives back any text', () => {
    const utf8 = charsetNamed('UTF-8')!;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = utf8.encode(text);
        expect(utf8.decode(bytes, 0, bytes.length)).toBe(text);
        expect(utf8.decodeValid(bytes)).toBe(text);
      }),
    );
  });

  it('decodes any bytes in any set without throwing', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.constantFrom('ASCII', '8859/1', '8859/7', 'UTF-8', 'windows-1252'),
        (bytes, name) => {
          charsetNamed(name)!.decode(Buffer.from(bytes), 0, bytes.length);
        },
      ),
    );
  });
});

describe('isUtf8', () => {
  it('sees a character that is cut by the bounds of a piece, and one that never ends', () => {
    for (const before of [65_533, 65_534, 65_535, 65_536]) {
      const whole = Buffer.from(`${'a'.repeat(before)}病`);
      expect(isUtf8(whole)).toBe(true);
      expect(isUtf8(whole.subarray(0, -1))).toBe(false);
    }
    expect(isUtf8(Buffer.from([0x4d, 0xfc, 0x6c]))).toBe(false);
  });
});
