import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1, utf8 } from '../../protocols/hl7v2/charset.ts';
import { DEFAULT_DELIMITERS, type Delimiters } from '../../protocols/hl7v2/delimiters.ts';
import { Layout } from '../../protocols/hl7v2/layout.ts';
import { adopted, decoded, encoded, partOf, withPart } from './hl7-text.ts';
import { RawText } from './value.ts';

const other: Delimiters = {
  field: 0x21,
  component: 0x3a,
  repetition: 0x2a,
  escape: 0x2f,
  subcomponent: 0x40,
  truncation: -1,
};
const layoutOf = (delimiters: Delimiters, charset = utf8) => new Layout(Buffer.alloc(0), 0, delimiters, charset);

describe('a piece of HL7', () => {
  it('gets a part in the middle, after the end and inside of a part', () => {
    expect(withPart('a^b^c', '^', 2, 'X')).toBe('a^X^c');
    expect(withPart('a', '^', 3, 'X')).toBe('a^^X');
    expect(withPart('a', '^', 3, '')).toBe('a');
    expect(withPart('a~b^c', '~', 2, 'X', '^', 2)).toBe('a~b^X');
    expect(withPart('', '~', 1, 'X', '^', 2, '&', 3)).toBe('^&&X');
    expect(() => withPart('a', '', 2, 'X')).toThrow('no delimiter');
  });

  it('gives the part that it was given, whatever stands around it', () => {
    const plain = fc.stringMatching(/^[a-z]{0,4}$/);
    fc.assert(
      fc.property(
        fc.array(plain, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 8 }),
        plain,
        (parts, n, part) => {
          const made = withPart(parts.join('^'), '^', n, part);
          expect(partOf(made, '^', n) ?? '').toBe(part);
          for (let at = 1; at <= parts.length; at++) if (at !== n) expect(partOf(made, '^', at)).toBe(parts[at - 1]);
        },
      ),
    );
  });

  it('means the same in a message with other delimiters', () => {
    const text = 'a^b&c~d\\T\\e\\F\\f!g:h';
    const there = adopted(new RawText(text, layoutOf(DEFAULT_DELIMITERS)), other, utf8, undefined);
    expect(there).toBe('a:b@c*d&e|f/F/g/S/h');
    expect(decoded('x/F/y', other, utf8)).toBe('x!y');
    expect(adopted(new RawText('a\\.br\\b\\X41\\', layoutOf(DEFAULT_DELIMITERS)), other, utf8, undefined)).toBe(
      'a/.br/b/X41/',
    );
  });

  it('means the same in another character set', () => {
    const raw = new RawText('M\xfcller^x', layoutOf(DEFAULT_DELIMITERS, latin1));
    expect(Buffer.from(adopted(raw, DEFAULT_DELIMITERS, utf8, undefined), 'latin1').toString('utf8')).toBe('Müller^x');
  });

  it('is a text again after it was written, with any delimiters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom(DEFAULT_DELIMITERS, other), (text, delimiters) => {
        fc.pre(!text.includes('\r'));
        expect(decoded(encoded(text, delimiters, utf8, undefined), delimiters, utf8)).toBe(text);
      }),
    );
  });
});
