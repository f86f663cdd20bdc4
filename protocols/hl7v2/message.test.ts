import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolFault } from '../fault.ts';
import { parse } from './message.ts';
import { compilePath } from './path.ts';

const fixture = (name: string) => readFileSync(new URL(`../../test-fixtures/hl7v2/${name}`, import.meta.url));
const open = (name: string, charset?: string) => parse(fixture(name), charset === undefined ? {} : { charset });
const of = (...segments: string[]) => parse(Buffer.from(['MSH|^~\\&|A', ...segments].join('\r')));

function codeOf(raw: string): string {
  try {
    parse(Buffer.from(raw));
  } catch (fault) {
    if (fault instanceof ProtocolFault) return fault.code;
  }
  return 'no fault';
}

describe('parse', () => {
  it('keeps the very bytes it was given', () => {
    const raw = fixture('adt-a01.hl7');
    expect(parse(raw).raw).toBe(raw);
    const plain = new Uint8Array(raw);
    expect(parse(plain).raw).toBe(plain);
  });

  it('reads from a slab of shared memory', () => {
    const raw = fixture('adt-a08.hl7');
    const slab = new Uint8Array(new SharedArrayBuffer(raw.length + 10));
    slab.set(raw, 7);
    const message = parse(slab.subarray(7, 7 + raw.length));
    expect(message.get('PID-5.1')).toBe('Berger-Voß');
    expect(message.text()).toBe(raw.toString());
  });

  it.each([
    ['', 'hl7v2.no-header'],
    ['EVN|A01', 'hl7v2.no-header'],
    ['xMSH|^~\\&|', 'hl7v2.no-header'],
    ['MSH', 'hl7v2.truncated-header'],
    ['MSH|', 'hl7v2.truncated-header'],
    ['MSH|^~\\', 'hl7v2.truncated-header'],
    ['MSH||A', 'hl7v2.bad-delimiters'],
    ['MSH|^^\\&|A', 'hl7v2.bad-delimiters'],
    ['MSHABCDEA', 'hl7v2.bad-delimiters'],
    ['MSH|^~\r&|A', 'no fault'],
    ['MSH^^~\\&^A', 'hl7v2.bad-delimiters'],
    ['MSH|^~\\&', 'no fault'],
  ])('answers %j with %s', (raw, code) => {
    expect(codeOf(raw)).toBe(code);
  });

  it('refuses a character set that it does not know', () => {
    expect(() => open('adt-a01.hl7', 'EBCDIC')).toThrow(expect.objectContaining({ code: 'hl7v2.unknown-charset' }));
  });

  it('says nothing of the content in a fault', () => {
    for (const raw of ['Berger^Anna', 'MSHBerger', 'MSH|Berger']) {
      expect(() => parse(Buffer.from(raw))).toThrow(/^(?!.*Berger)/);
    }
  });
});

describe('a message', () => {
  it('tells what MSH says of it', () => {
    const { type, structure, controlId, version, charset } = open('adt-a01.hl7');
    expect({ type, structure, controlId, version, charset }).toEqual({
      type: 'ADT^A01',
      structure: 'ADT_A01',
      controlId: 'ADT00001',
      version: '2.5.1',
      charset: 'utf-8',
    });
    expect(of()).toMatchObject({ type: '', structure: undefined, controlId: '', version: '' });
    expect(parse(Buffer.from('MSH|^~\\&|||||||ACK|1')).type).toBe('ACK');
  });

  it('reads MSH-1 and MSH-2 as they are', () => {
    const message = open('adt-a08-truncation.hl7');
    expect(message.get('MSH-1')).toBe('|');
    expect(message.get('MSH-2')).toBe('^~\\&#');
    expect(message.get('MSH-3')).toBe('EHR');
    expect(message.all('MSH-2')).toEqual(['^~\\&#']);
  });

  it('reads components, subcomponents and repetitions', () => {
    const message = of('PID|||1^2&3^4~5^6&7||');
    expect(message.get('PID-3')).toBe('1^2&3^4');
    expect(message.get('PID-3.2.2')).toBe('3');
    expect(message.get('PID-3[2].2.1')).toBe('6');
    expect(message.get('PID-3.1.1')).toBe('1');
    expect(message.get('PID-3.1.2')).toBeUndefined();
    expect(message.get('PID-3[3]')).toBeUndefined();
    expect(message.get('PID-9')).toBeUndefined();
    expect(message.get('PV1-1')).toBeUndefined();
    expect(message.all('PID-3.2.2')).toEqual(['3', '7']);
  });

  it('tells `""` from empty', () => {
    const message = open('adt-a08-delete.hl7');
    expect(message.get('PID-11')).toBeNull();
    expect(message.get('PID-12')).toBeUndefined();
    expect(message.get('PID-5.3')).toBeNull();
    expect(message.has('PID-11')).toBe(true);
    expect(message.has('PID-12')).toBe(false);
    expect(message.all('PID-5.3')).toEqual([]);
  });

  it('selects repetitions and segments by what they hold', () => {
    const message = open('oru-r01-critical.hl7');
    expect(message.get('OBX[8=LL]-5')).toBe('118');
    expect(message.get('OBX[3.1=2160-0]-5')).toBe('1.1');
    expect(message.all('OBX[8=HH]-3.1')).toEqual(['2823-3', '2345-7']);
    expect(message.get('OBX[8=HH][2]-3.1')).toBe('2345-7');
    expect(message.has('OBX[8=HH][11=F]')).toBe(true);
    expect(message.has('OBX[8=LL][11=P]')).toBe(false);
    expect(message.get('OBX[4]-1')).toBe('4');
    expect(message.get('OBX[5]-1')).toBeUndefined();
    expect(open('adt-a01.hl7').get('PID-3[5=SS].1')).toBe('755-01-9001');
    expect(open('adt-a01.hl7').get('PID-3[5=XX].1')).toBeUndefined();
  });

  it('looks at the first segment only, without a selector', () => {
    const message = of('NK1|1', 'NK1|2|Berger');
    expect(message.get('NK1-2')).toBeUndefined();
    expect(message.all('NK1-2')).toEqual(['Berger']);
    expect(message.has('NK1-2')).toBe(true);
    expect(message.get('NK1[1=1]-2')).toBeUndefined();
  });

  it('takes a path compiled before', () => {
    expect(open('adt-a01.hl7').get(compilePath('PID-8'))).toBe('F');
  });

  it('refuses a path without a field where a value is asked for', () => {
    const message = open('adt-a01.hl7');
    for (const read of [() => message.get('PID'), () => message.all('PID'), () => message.keys('PID')]) {
      expect(read).toThrow(expect.objectContaining({ code: 'hl7v2.bad-path' }));
    }
  });

  it('accepts a byte order mark, blank lines and every segment end in one message', () => {
    const message = open('adt-a01-mixed.hl7');
    expect(message.segments().map(({ name }) => name)).toEqual(['MSH', 'EVN', 'PID', 'PV1']);
    expect(message.get('PV1-19.1')).toBe('V70001');
  });

  it.each(['adt-a01-lf.hl7', 'adt-a01-crlf.hl7'])('reads the same from %s as with CR', (name) => {
    const texts = (file: string) =>
      open(file)
        .segments()
        .map(({ text }) => text);
    expect(texts(name)).toEqual(texts('adt-a01.hl7'));
  });

  it('reads by the delimiters that it declares', () => {
    const message = open('adt-a08-delimiters.hl7');
    expect(message.get('PID-3.4.2')).toBe('1.2.3');
    expect(message.get('PID-3[2].1')).toBe('99');
    expect(message.get('PID-5.1')).toBe('Smith ^ Sons');
    expect(message.get('PID-5.2')).toBe('Bo#b*y?~\\&|');
  });

  it('reads a message that declares fewer delimiters', () => {
    const message = parse(Buffer.from('MSH|^|A\rPID|1|a^b&c~d\\F\\'));
    expect(message.get('PID-2.2')).toBe('b&c~d\\F\\');
    expect(message.get('PID-2.2.1')).toBe('b&c~d\\F\\');
    expect(message.get('PID-2[2]')).toBeUndefined();
  });

  it('reads escapes in document text', () => {
    const message = open('mdm-t02.hl7');
    expect(message.all('OBX[1]-5')).toEqual([
      'Discharged home.\nDiagnosis: NSTEMI (I21.4)\n\nMedication: ASA 100 mg ~ daily.',
      'Second paragraph, as a repetition.',
    ]);
    expect(message.get('OBX[2]-5')).toBe(
      'Path on server: \\\\files\\dict; ratio 1|2; hex Aß; local \\Z01\\; odd \\q\\ end',
    );
  });
});

describe('character sets of a message', () => {
  it('are what MSH-18 says', () => {
    const message = open('adt-a04-8859-1.hl7');
    expect(message.charset).toBe('iso-8859-1');
    expect(message.get('PID-5')).toBe('Müller^Jürgen^Ägidius');
  });

  it('are taken from the bytes where nothing is declared', () => {
    expect(open('adt-a04-undeclared-8859-1.hl7')).toMatchObject({ charset: 'iso-8859-1' });
    expect(open('adt-a04-undeclared-8859-1.hl7').get('PID-5.2')).toBe('François');
    expect(open('adt-a08.hl7').charset).toBe('utf-8');
  });

  it('can be said by the reader instead', () => {
    expect(open('adt-a04-windows-1252.hl7').get('NTE-3')).toBe('Deposit 50 \u0080');
    expect(open('adt-a04-windows-1252.hl7', 'windows-1252').get('NTE-3')).toBe('Deposit 50 €');
    expect(open('adt-a04-windows-1252.hl7', 'windows-1252').get('PID-5')).toBe('O’Brien^Zoë');
  });

  it('are ASCII where ASCII was declared and kept, and what the bytes say where it was not', () => {
    const declared = (name: string) =>
      parse(Buffer.from(`MSH|^~\\&|${'|'.repeat(15)}ASCII\rPID|||||${name}`, 'latin1'));
    expect(declared('Muller').charset).toBe('us-ascii');
    expect(declared('Müller').charset).toBe('iso-8859-1');
    expect(declared('Müller').get('PID-5')).toBe('Müller');
  });

  it('never make reading throw', () => {
    const raw = Buffer.from(`MSH|^~\\&|${'|'.repeat(15)}UNICODE UTF-8\rPID|||||M\xfcller`, 'latin1');
    expect(parse(raw).get('PID-5')).toBe('M\ufffdller');
  });
});

describe('keys', () => {
  it('are identifier and assigning authority, its subcomponents kept', () => {
    expect(open('adt-a01.hl7').keys('PID-3[5=MR]')).toEqual(['4711001^HOSP']);
    expect(open('adt-a08-delimiters.hl7').keys('PID-3')).toEqual(['4711008^HOSP@1.2.3@ISO', '99^SSA']);
  });

  it('of a merge are those of both records', () => {
    expect(open('adt-a40.hl7').keys('PID-3[5=MR]', 'MRG-1[5=MR]')).toEqual(['4711001^HOSP', '4711999^HOSP']);
  });

  it('come once each, without empty ones and `""`', () => {
    const message = of('PID|||1^^^H~1^^^H~^^^H~""~2', 'PID|||2~3^^^""');
    expect(message.keys('PID-3', 'PID-3')).toEqual(['1^H', '2', '3']);
    expect(message.keys('PV1-19')).toEqual([]);
  });

  it('of a component are its value', () => {
    expect(open('adt-a01.hl7').keys('MSH-10', 'PID-3.1')).toEqual(['ADT00001', '4711001', '755-01-9001']);
  });
});

describe('any bytes that parse', () => {
  it('come back as they were, read in any way without a throw', () => {
    const piece = fc.constantFrom(
      '|',
      '^',
      '~',
      '\\',
      '&',
      '\r',
      '\n',
      'PID',
      'OBX|1',
      '""',
      '\\F\\',
      '\\X',
      'ü',
      '\xff',
      '\0',
      'a',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const raw = Buffer.from(`MSH|^~\\&|${pieces.join('')}`, 'latin1');
        const message = parse(raw);
        for (const path of ['MSH-3', 'MSH-18', 'PID-3[5=MR].1', 'OBX[1=1]-5', 'PID-1.1.1']) {
          message.get(path);
          message.all(path);
          message.keys(path);
        }
        for (const segment of message.segments()) segment.field(3).components.map(({ value, text }) => [value, text]);
        message.text();
        expect(Buffer.compare(Buffer.from(message.raw), Buffer.from(`MSH|^~\\&|${pieces.join('')}`, 'latin1'))).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('hostile messages', () => {
  it('of 100,000 segments, and a field of 20 MB, are read in reasonable time', () => {
    const started = performance.now();
    const many = of(...Array.from({ length: 100_000 }, (_, i) => `OBX|${i}|ST|${'x'.repeat(150)}`));
    expect(many.all('OBX-3[1=y]')).toEqual([]);
    expect(many.get('OBX[99999]-1')).toBe('99998');
    const long = of(`OBX|1|ED|${'A'.repeat(20_000_000)}|end`);
    expect(long.get('OBX-4')).toBe('end');
    expect(long.get('OBX-3')?.length).toBe(20_000_000);
    expect(of(`OBX|${'|'.repeat(90_000)}|x`).get('OBX-90002')).toBe('x');
    expect(performance.now() - started).toBeLessThan(30_000);
  });
});
