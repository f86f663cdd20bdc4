import { describe, expect, it } from 'vitest';
import { describeDifference, differences, readable } from './difference.ts';

const compare = (expected: string, actual: string) =>
  differences(Buffer.from(expected), Buffer.from(actual)).map((each) => describeDifference(each));

const message = (...segments: readonly string[]) =>
  ['MSH|^~\\&|A|B|C|D|1||ADT^A01|7|P|2.5.1', ...segments, ''].join('\r');

describe('the difference between two HL7 messages', () => {
  it('is told field by field, down to the component', () => {
    expect(
      compare(message('PID|1||4711^^^HOSP^MR||Berger^Anna'), message('PID|1||4711^^^HOSP^MR||BERGER^Anna')),
    ).toEqual(['PID-5.1: expected "Berger", actual "BERGER"']);
    expect(compare(message('PID|1||1^^^A&2&ISO'), message('PID|1||1^^^A&3&ISO'))).toEqual([
      'PID-3.4.2: expected "2", actual "3"',
    ]);
    expect(compare(message('PID|1||1~2'), message('PID|1||1'))).toEqual(['PID-3[2]: expected "2", actual nothing']);
    expect(compare(message('PV1|1|I'), message('PV1|1|""'))).toEqual(['PV1-2: expected "I", actual "" (delete)']);
  });

  it('lays segments side by side by what they are', () => {
    const [one, two, three] = ['OBX|1|NM|A||1', 'OBX|2|NM|B||2', 'OBX|3|NM|C||3'];
    expect(compare(message(one!, two!, three!), message(one!, three!))).toEqual([
      'OBX[2]: expected "OBX|2|NM|B||2", actual nothing',
    ]);
    expect(compare(message(one!), message(one!, 'ZPI|1'))).toEqual(['ZPI: expected nothing, actual "ZPI|1"']);
    expect(compare(message(one!, two!), message(one!, 'OBX|2|NM|B||9'))).toEqual([
      'OBX[2]-5: expected "2", actual "9"',
    ]);
  });

  it('is none where only line ends, or empty fields at the end, are otherwise', () => {
    expect(compare(message('PV1|1|I||'), message('PV1|1|I').replaceAll('\r', '\n'))).toEqual([]);
  });

  it('reads each with its own delimiters', () => {
    expect(compare('MSH|^~\\&|A\rPID|1||1^2\r', 'MSH|$~\\&|A\rPID|1||1$2\r')).toEqual([
      expect.stringContaining('MSH-2: expected "^~\\\\&", actual "$~\\\\&"'),
    ]);
  });
});

describe('the difference between other texts', () => {
  it('of JSON is told by key', () => {
    expect(compare('{"a":{"b":[1,2]},"c":"x"}', '{"c":"x","a":{"b":[1,3]},"d":null}')).toEqual([
      'a.b[1]: expected "2", actual "3"',
      'd: expected nothing, actual "null"',
    ]);
    expect(compare('{ "a": 1 }', '{"a":1}')).toEqual([]);
  });

  it('else is told by line', () => {
    expect(compare('a\nb\nc', 'a\nx\nc')).toEqual(['line 2: expected "b", actual "x"']);
    expect(compare('a\nb', 'a\r\nb')).toEqual(['line ends: expected "\\"\\\\n\\"", actual "\\"\\\\r\\\\n\\""']);
  });

  it('of what is no text is told by byte', () => {
    expect(differences(new Uint8Array([1, 255]), new Uint8Array([1, 254]))).toEqual([
      { at: 'byte 1', expected: 'ff', actual: 'fe' },
    ]);
  });
});

it('what a terminal would take as a command is shown', () => {
  expect(readable(Buffer.from('MSH|\u001b[2J\rPID|1\r'))).toBe('MSH|\\x1b[2J\nPID|1');
});
