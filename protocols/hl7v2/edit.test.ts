import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProtocolFaultCode } from '../fault.ts';
import { type Hl7Message, type ParseOptions, parse } from './message.ts';

const fixture = (name: string) => readFileSync(new URL(`../../test-fixtures/hl7v2/${name}`, import.meta.url));
const head = 'MSH|^~\\&|A';
const of = (...segments: string[]) => parse(Buffer.from([head, ...segments].join('\r')));
const lines = (message: Hl7Message) => message.text().split('\r').slice(1);
const fault = (code: ProtocolFaultCode) => expect.objectContaining({ name: 'ProtocolFault', code });

describe('set', () => {
  it('answers a new message and leaves the old one', () => {
    const before = of('PID|||1');
    const after = before.set('PID-3', '2');
    expect([lines(before), lines(after)]).toEqual([['PID|||1'], ['PID|||2']]);
  });

  it.each([
    ['PID-3', 'PID|||x~b'],
    ['PID-3.1', 'PID|||x^2~b'],
    ['PID-3.3', 'PID|||1^2^x~b'],
    ['PID-3.2.2', 'PID|||1^2&x~b'],
    ['PID-3[2].2', 'PID|||1^2~b^x'],
    ['PID-3[4].2.2', 'PID|||1^2~b~~^&x'],
    ['PID-3[1=b].4', 'PID|||1^2~b^^^x'],
    ['PID-5', 'PID|||1^2~b||x'],
    ['PID-5[2].1', 'PID|||1^2~b||~x'],
    ['PID-1', 'PID|x||1^2~b'],
  ])('puts a value at %s and makes what is missing before it', (path, line) => {
    expect(lines(of('PID|||1^2~b').set(path, 'x'))).toEqual([line]);
  });

  it('escapes text, writes null as `""` and empties with undefined', () => {
    expect(lines(of('PID|1|2|3').set('PID-1', 'a|b\r').set('PID-2', null).set('PID-3', undefined))).toEqual([
      'PID|a\\F\\b\\X0D\\|""|',
    ]);
  });

  it('takes lists for the level below, and repetitions for a whole field', () => {
    const message = of('PID|||1~2');
    expect(lines(message.set('PID-5', ['Doe', ['a', 'b'], undefined, 'x', '']))).toEqual(['PID|||1~2||Doe^a&b^^x']);
    expect(lines(message.set('PID-5.2', ['a', 'b&']))).toEqual(['PID|||1~2||^a&b\\T\\']);
    expect(lines(message.set('PID-3', { repetitions: ['7', ['8', 'x']] }))).toEqual(['PID|||7~8^x']);
    expect(lines(message.set('PID-3', { repetitions: [] }))).toEqual(['PID|||']);
  });

  it('adds the segment at the end when there is none, ended as the others are', () => {
    expect(of('PID|1\r').set('ZPI-2.2', 'x').text()).toBe(`${head}\rPID|1\rZPI||^x\r`);
    expect(of('PID|1').set('ZPI-2', 'x').text()).toBe(`${head}\rPID|1\rZPI||x`);
    expect(
      parse(Buffer.from(`${head}\r\nPID|1\r\n`))
        .set('ZPI-1', 'x')
        .text(),
    ).toBe(`${head}\r\nPID|1\r\nZPI|x\r\n`);
    expect(parse(Buffer.from(head)).set('ZPI-1[2]', 'x').text()).toBe(`${head}\rZPI|~x`);
  });

  it('does not make a place only to leave it empty', () => {
    const message = of('PID|1');
    expect(message.set('PID-9', '')).toBe(message);
    expect(message.set('ZPI-9', undefined)).toBe(message);
  });

  it('sets MSH fields by their HL7 numbers', () => {
    expect(of().set('MSH-3', 'B').set('MSH-5.2', 'C').text()).toBe('MSH|^~\\&|B||^C');
  });

  it.each([
    ['MSH-1', 'hl7v2.no-target'],
    ['MSH-2', 'hl7v2.no-target'],
    ['PID', 'hl7v2.no-target'],
    ['OBX[2]-5', 'hl7v2.no-target'],
    ['OBX[1=9]-5', 'hl7v2.no-target'],
    ['PID-3[5=MR].1', 'hl7v2.no-target'],
    ['PID-', 'hl7v2.bad-path'],
  ] as const)('refuses %s with %s', (path, code) => {
    expect(() => of('PID|1', 'OBX|1').set(path, 'x')).toThrow(fault(code));
  });

  it('refuses more levels than the place has', () => {
    const message = of('PID|1');
    expect(() => message.set('PID-3.1.1', ['a', 'b'])).toThrow(fault('hl7v2.bad-value'));
    expect(() => message.set('PID-3.1', [['a', 'b']])).toThrow(fault('hl7v2.bad-value'));
    expect(() => message.set('PID-3.1', { repetitions: ['a'] })).toThrow(fault('hl7v2.bad-value'));
    expect(() => parse(Buffer.from('MSH|^|A')).set('MSH-3[2]', 'a')).toThrow(fault('hl7v2.bad-value'));
    expect(() => parse(Buffer.from('MSH|^|A')).set('MSH-3', [['a', 'b']])).toThrow(fault('hl7v2.bad-value'));
  });

  it('writes in the character set of the message', () => {
    const message = parse(fixture('adt-a04-8859-1.hl7')).set('PID-5.1', 'Größe');
    expect(Buffer.from(message.raw).includes(Buffer.from('Größe', 'latin1'))).toBe(true);
    expect(message.get('PID-5')).toBe('Größe^Jürgen^Ägidius');
  });

  it('keeps a character set that was taken from the bytes, until MSH-18 names another', () => {
    const message = parse(Buffer.from(`${head}\rPID|||||M\xfcller`, 'latin1'));
    expect(message.set('PID-5', 'Ã¼').get('PID-5')).toBe('Ã¼');
    expect(message.set('PID-5', 'Ã¼').set('MSH-18', 'UNICODE UTF-8').get('PID-5')).toBe('ü');
  });

  it('refuses a character that the character set does not have, or writes the substitute', () => {
    const open = (options?: ParseOptions) => parse(fixture('adt-a04-8859-1.hl7'), options);
    expect(() => open().set('PID-5.1', 'Łukasz')).toThrow(fault('hl7v2.unencodable'));
    expect(open({ substitute: '?' }).set('PID-5.1', 'Łukasz').get('PID-5.1')).toBe('?ukasz');
  });

  it('gives back by get what it was given, at any place', () => {
    const place = fc.tuple(
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 9 }),
    );
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    const names = fc.constantFrom('adt-a01.hl7', 'adt-a08-delimiters.hl7', 'adt-a01-crlf.hl7', 'oru-r01-pdf.hl7');
    fc.assert(
      fc.property(
        place,
        text,
        names,
        fc.constantFrom('PID', 'ZZZ'),
        ([field, repetition, component], value, name, segment) => {
          const path = `${segment}-${field}[${repetition}].${component}.2`;
          const before = parse(fixture(name));
          const after = before.set(path, value);
          expect(after.get(path)).toBe(value);
          expect(after.set(path, null).get(path)).toBeNull();
          expect(after.segments().length).toBe(before.segments().length + (segment === 'ZZZ' ? 1 : 0));
          expect(after.get('MSH-10')).toBe(before.get('MSH-10'));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('setAll', () => {
  it('sets every match, and only these', () => {
    const message = of('OBX|1|a~b|F', 'OBX|2|c|P', 'OBX|3');
    expect(lines(message.setAll('OBX-3', 'C'))).toEqual(['OBX|1|a~b|C', 'OBX|2|c|C', 'OBX|3||C']);
    expect(lines(message.setAll('OBX[3=F]-2.2', 'x'))).toEqual(['OBX|1|a^x~b^x|F', 'OBX|2|c|P', 'OBX|3']);
    expect(lines(message.setAll('OBX-2', { repetitions: ['z'] }))).toEqual(['OBX|1|z|F', 'OBX|2|z|P', 'OBX|3|z']);
  });

  it('answers the same message when nothing matches', () => {
    const message = of('OBX|1');
    expect(message.setAll('NTE-3', 'x')).toBe(message);
  });
});

describe('append', () => {
  it('adds a segment at the end', () => {
    const segment = { name: 'ZPI', fields: { 2: ['a', ['b', 'c']], 4: { repetitions: ['x', null] } } } as const;
    expect(lines(of('PID|1').append(segment))).toEqual(['PID|1', 'ZPI||a^b&c||x~""']);
  });

  it('adds a repetition to a field, the first one to an empty field', () => {
    const message = of('PID|||1~2');
    expect(lines(message.append('PID-3', ['3', 'x']))).toEqual(['PID|||1~2~3^x']);
    expect(lines(message.append('PID-2', 'x'))).toEqual(['PID||x|1~2']);
    expect(lines(message.append('PID-5', 'x'))).toEqual(['PID|||1~2||x']);
    expect(lines(message.append('ZPI-2', 'x'))).toEqual(['PID|||1~2', 'ZPI||x']);
  });

  it('refuses what is no whole field, and names that are none', () => {
    expect(() => of('PID|1').append('PID-3.1', 'x')).toThrow(fault('hl7v2.no-target'));
    expect(() => of('PID|1').append('PID-3[2]', 'x')).toThrow(fault('hl7v2.no-target'));
    expect(() => of().append({ name: 'pid', fields: {} })).toThrow(fault('hl7v2.bad-value'));
    expect(() => of().append({ name: 'PID', fields: { 0: 'x' } })).toThrow(fault('hl7v2.bad-value'));
    expect(() => of().append({ name: 'PID', fields: { 100000: 'x' } })).toThrow(fault('hl7v2.bad-value'));
  });
});

describe('insert', () => {
  it('puts a segment before or after the first that matches', () => {
    const message = of('OBX|1', 'OBX|2');
    const note = { name: 'NTE', fields: { 1: 'n' } };
    expect(lines(message.insert({ after: 'OBX[1=2]' }, note))).toEqual(['OBX|1', 'OBX|2', 'NTE|n']);
    expect(lines(message.insert({ before: 'OBX[2]' }, note))).toEqual(['OBX|1', 'NTE|n', 'OBX|2']);
    expect(lines(message.insert({ after: 'MSH' }, note))).toEqual(['NTE|n', 'OBX|1', 'OBX|2']);
  });

  it('puts a repetition before or after the first that matches', () => {
    const message = of('PID|||1~2');
    expect(lines(message.insert({ before: 'PID-3[2]' }, 'x'))).toEqual(['PID|||1~x~2']);
    expect(lines(message.insert({ after: 'PID-3[1=2]' }, ['x', 'y']))).toEqual(['PID|||1~2~x^y']);
    expect(lines(message.insert({ before: 'PID-9' }, 'x'))).toEqual(['PID|||1~2||||||x']);
  });

  it('refuses to put one beside the other, before MSH, or beside nothing', () => {
    const message = of('PID|1');
    const note = { name: 'NTE', fields: {} };
    expect(() => message.insert({ before: 'PID' }, 'x')).toThrow(fault('hl7v2.bad-value'));
    expect(() => message.insert({ before: 'PID-3' }, note)).toThrow(fault('hl7v2.bad-value'));
    expect(() => message.insert({ before: 'MSH' }, note)).toThrow(fault('hl7v2.no-target'));
    expect(() => message.insert({ before: 'OBX' }, note)).toThrow(fault('hl7v2.no-target'));
    expect(() => message.insert({ after: 'PID-3[2]' }, 'x')).toThrow(fault('hl7v2.no-target'));
  });
});

describe('remove', () => {
  const message = parse(Buffer.from(`${head}\r\nPID|1||a^1~b^2~a^3|x\r\n\r\nZ01|1\r\nZ01|2`));

  it('takes out segments with their ends', () => {
    expect(message.remove('Z01[1=1]').text()).toBe(`${head}\r\nPID|1||a^1~b^2~a^3|x\r\n\r\nZ01|2`);
    expect(message.remove('Z01').text()).toBe(`${head}\r\nPID|1||a^1~b^2~a^3|x\r\n\r\n`);
  });

  it.each([
    ['PID-3[1=a]', 'PID|1||b^2|x'],
    ['PID-3[2]', 'PID|1||a^1~a^3|x'],
    ['PID-3[1]', 'PID|1||b^2~a^3|x'],
    ['PID-3', 'PID|1|||x'],
    ['PID-3.1', 'PID|1||^1~^2~^3|x'],
    ['PID-4', 'PID|1||a^1~b^2~a^3|'],
  ])('takes out %s', (path, line) => {
    expect(message.remove(path).segments('PID')[0]?.text).toBe(line);
  });

  it('answers the same message when nothing matches', () => {
    for (const path of ['ZZZ', 'ZZZ-1', 'PID-3[7]', 'Z01-1.2']) expect(message.remove(path)).toBe(message);
  });

  it('leaves MSH and its delimiters', () => {
    for (const path of ['MSH', 'MSH-1', 'MSH-2']) expect(() => message.remove(path)).toThrow(fault('hl7v2.no-target'));
  });
});

describe('withCharset', () => {
  it('encodes the text anew and names the set in MSH-18', () => {
    const before = parse(fixture('adt-a04-windows-1252.hl7'), { charset: 'windows-1252' });
    const after = before.withCharset('UNICODE UTF-8');
    expect(parse(after.raw)).toMatchObject({ charset: 'utf-8' });
    expect(parse(after.raw).get('NTE-3')).toBe('Deposit 50 €');
  });

  it('refuses what the other set does not have, or writes the substitute', () => {
    const raw = fixture('adt-a04-windows-1252.hl7');
    expect(() => parse(raw, { charset: 'windows-1252' }).withCharset('8859/1')).toThrow(fault('hl7v2.unencodable'));
    const lossy = parse(raw, { charset: 'windows-1252', substitute: '?' }).withCharset('8859/1');
    expect(lossy.get('NTE-3')).toBe('Deposit 50 ?');
  });
});
