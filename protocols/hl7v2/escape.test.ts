import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_DELIMITERS, type Delimiters } from './delimiters.ts';
import { escapeText, unescapeText } from './escape.ts';

const read = (text: string) => unescapeText(text, DEFAULT_DELIMITERS);

const delimiters: fc.Arbitrary<Delimiters> = fc
  .uniqueArray(fc.constantFrom(..."|^~\\&#!%*@$_.,:;<>?/'+-=()[]{}`".split('').map((c) => c.charCodeAt(0))), {
    minLength: 6,
    maxLength: 6,
  })
  .chain((codes) => fc.tuple(fc.constant(codes), fc.boolean(), fc.boolean()))
  .map(([[field, component, repetition, mark, subcomponent, truncation], subcomponents, truncates]) => ({
    field: field!,
    component: component!,
    repetition: repetition!,
    escape: mark!,
    subcomponent: subcomponents ? subcomponent! : -1,
    truncation: truncates ? truncation! : -1,
  }));

describe('escaping', () => {
  it('gives back any text under any delimiters, and leaves no delimiter or segment end in it', () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom(...'|^~\\&#.FSTREPX0A"\r\n\t\u000b\u001c'.split('')), fc.string()),
    });
    fc.assert(
      fc.property(text, delimiters, (original, declared) => {
        const escaped = escapeText(original, declared);
        expect(unescapeText(escaped, declared)).toBe(original);
        for (const code of [
          declared.field,
          declared.component,
          declared.repetition,
          declared.subcomponent,
          13,
          10,
          11,
          28,
        ]) {
          if (code >= 0) expect(escaped.includes(String.fromCharCode(code))).toBe(false);
        }
        expect(escaped).not.toBe('""');
      }),
      { numRuns: 2_000 },
    );
  });

  it('writes delimiters, line feeds and control characters as HL7 names them', () => {
    expect(escapeText('a|b^c&d~e\\f\ng\rh\t#', DEFAULT_DELIMITERS)).toBe(
      'a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\.br\\g\\X0D\\h\t#',
    );
  });

  it('escapes the truncation character only where it is declared', () => {
    expect(escapeText('#', { ...DEFAULT_DELIMITERS, truncation: 0x23 })).toBe('\\P\\');
  });

  it('refuses a delimiter where the message declares no escape character', () => {
    const none = { ...DEFAULT_DELIMITERS, escape: -1 };
    expect(escapeText('plain', none)).toBe('plain');
    expect(() => escapeText('a|b', none)).toThrow(expect.objectContaining({ code: 'hl7v2.unencodable', offset: 1 }));
  });
});

describe('reading escapes', () => {
  it.each([
    ['\\F\\\\S\\\\T\\\\R\\\\E\\\\P\\', '|^&~\\#'],
    ['one\\.br\\two', 'one\ntwo'],
    ['a\\.sp\\b\\.sp2\\c\\.sp +3\\d', 'a\nb\n\nc\n\n\nd'],
    ['a\\.sk 3\\b', 'a   b'],
    ['\\.ce\\title\\.fi\\\\.nf\\\\.in+4\\\\.ti -2\\', '\ntitle'],
    ['\\H\\loud\\N\\ quiet', 'loud quiet'],
    ['\\X41\\\\X6263\\', 'Abc'],
    ['\\XC39F\\', 'ß'],
  ])('reads %j', (text, meaning) => {
    expect(read(text)).toBe(meaning);
  });

  it.each([
    'C:\\temp',
    'a\\b\\c',
    '\\q\\',
    '\\',
    '\\\\',
    '\\X4\\',
    '\\XZZ\\',
    '\\X\\',
    '\\XFF\\',
    '\\.zz\\',
    '\\.sp 100000\\',
    '\\.br 2\\',
    '\\C2842\\',
    '\\M2442\\',
    '\\M244243\\',
    '\\Z0102\\',
    '\\f\\',
  ])('keeps %j as it is', (text) => {
    expect(read(text)).toBe(text);
  });

  it('finds an escape behind an unpaired escape character', () => {
    expect(read('C:\\temp\\F\\x')).toBe('C:\\temp|x');
  });

  it('does not take the end of a character set change for the start of an escape', () => {
    expect(read('\\C2842\\F\\')).toBe('\\C2842\\F\\');
  });

  it('takes time in proportion to the text', () => {
    const started = performance.now();
    read('\\'.repeat(200_000));
    read('\\q'.repeat(200_000));
    read(`\\X${'41'.repeat(200_000)}\\`);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
