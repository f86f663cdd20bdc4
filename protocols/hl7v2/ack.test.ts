import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AckInput, ackMode, acknowledge, isWanted } from './ack.ts';
import { readHeader } from './header.ts';
import { parse } from './message.ts';
import { readAck } from './read-ack.ts';

const fixture = (name: string) => readFileSync(new URL(`../../test-fixtures/hl7v2/${name}`, import.meta.url));
const now = Date.UTC(2026, 2, 2, 7, 15, 1);
const accept: AckInput = { code: 'AA', controlId: 'ACK1', now };
const lines = (raw: Uint8Array) => Buffer.from(raw).toString('latin1').split('\r');
const request = (version: string, type = 'ADT^A01') => Buffer.from(`MSH|^~\\&|A|B|C|D|2026||${type}|7|P|${version}`);

describe('acknowledge', () => {
  it('answers in the names, delimiters, character set and version of the message', () => {
    expect(lines(acknowledge(fixture('adt-a01.hl7'), accept))).toEqual([
      'MSH|^~\\&|WEIR|HOSP|EHR|HOSP|20260302071501+0000||ACK^A01^ACK|ACK1|P|2.5.1||||||UNICODE UTF-8',
      'MSA|AA|ADT00001',
      '',
    ]);
    expect(lines(acknowledge(fixture('adt-a08-delimiters.hl7'), accept))).toEqual([
      'MSH#*!?@#WEIR#HOSP#EHR#HOSP#20260302071501+0000##ACK*A08*ACK#ACK1#P#2.5',
      'MSA#AA#ADT00108',
      '',
    ]);
  });

  it.each([
    ['2.1', 'ACK'],
    ['2.2', 'ACK^A01'],
    ['2.3', 'ACK^A01'],
    ['2.3.1', 'ACK^A01^ACK'],
    ['2.8', 'ACK^A01^ACK'],
    ['2.10', 'ACK^A01^ACK'],
    ['', 'ACK^A01^ACK'],
    ['bogus', 'ACK^A01^ACK'],
  ])('of version %j has MSH-9 %s', (version, type) => {
    expect(parse(acknowledge(request(version), accept)).get('MSH-9')).toBe(type);
  });

  it('has no event where the message has none', () => {
    expect(parse(acknowledge(request('2.5', 'QRY'), accept)).get('MSH-9')).toBe('ACK');
  });

  it('echoes MSH-10 byte for byte, whatever it is', () => {
    const id = fc
      .uint8Array({ minLength: 1 })
      .filter((bytes) => !bytes.some((b) => b === 0x7c || b === 0x0d || b === 0x0a));
    fc.assert(
      fc.property(id, (controlId) => {
        const raw = Buffer.concat([Buffer.from('MSH|^~\\&|A|B|C|D|||ADT^A01|'), controlId, Buffer.from('|P|2.5')]);
        const ack = acknowledge(raw, accept);
        const echoed = ack.subarray(ack.indexOf('MSA|AA|') + 'MSA|AA|'.length, -1);
        expect(Buffer.compare(echoed, Buffer.from(controlId))).toBe(0);
      }),
    );
  });

  it('says from 2.5 on in ERR-2 to ERR-8 what went wrong and where', () => {
    const ack = acknowledge(request('2.5.1'), {
      ...accept,
      code: 'AE',
      errors: [
        { location: 'PID-3[2].4.2', code: '101', severity: 'E', text: 'No authority', diagnostic: 'CX|4' },
        { location: 'OBX[4]', code: '207', severity: 'W' },
        { code: '999', severity: 'F' },
      ],
    });
    expect(lines(ack).slice(1)).toEqual([
      'MSA|AE|7|No authority',
      'ERR||PID^1^3^2^4^2|101^Required field missing^HL70357|E|||CX\\F\\4|No authority',
      'ERR||OBX^4|207^Application internal error^HL70357|W',
      'ERR|||999^^HL70357|F',
      '',
    ]);
  });

  it('says before 2.5 the same in the repetitions of ERR-1, and the text in MSA-3', () => {
    const errors = [
      { location: 'OBX[2]-5.1', code: '102', severity: 'E', text: 'No number' },
      { location: 'PID', code: '100', severity: 'E' },
    ] as const;
    expect(lines(acknowledge(request('2.3'), { ...accept, code: 'AE', errors })).slice(1)).toEqual([
      'MSA|AE|7|No number',
      'ERR|OBX^2^5^102&Data type error&HL70357~PID^1^^100&Segment sequence error&HL70357',
      '',
    ]);
  });

  it('turns a text without errors into an error from 2.5 on, and leaves MSA-3 out from 2.7 on', () => {
    const input: AckInput = { ...accept, code: 'AR', text: 'Not today' };
    expect(lines(acknowledge(request('2.7'), input)).slice(1, -1)).toEqual([
      'MSA|AR|7',
      'ERR|||207^Application internal error^HL70357|E||||Not today',
    ]);
    expect(lines(acknowledge(request('2.4'), input)).slice(1, -1)).toEqual(['MSA|AR|7|Not today']);
    expect(lines(acknowledge(request('2.5'), { ...accept, text: 'Fine' })).slice(1, -1)).toEqual(['MSA|AA|7|Fine']);
  });

  it('writes text in the character set of the message, `?` for what it does not have', () => {
    const text = 'Müller 病';
    expect(readAck(acknowledge(fixture('adt-a04-8859-1.hl7'), { ...accept, code: 'AE', text })).text).toBe('Müller ?');
    expect(readAck(acknowledge(fixture('adt-a01.hl7'), { ...accept, code: 'AE', text })).text).toBe(text);
    const ascii = Buffer.from(`MSH|^~\\&|${'|'.repeat(15)}ASCII`);
    expect(readAck(acknowledge(ascii, { ...accept, code: 'AE', text })).text).toBe('M?ller ?');
  });

  it('can speak under a name of its own', () => {
    const ack = parse(acknowledge(fixture('adt-a01.hl7'), { ...accept, application: 'HUB|1', facility: 'North' }));
    expect([ack.get('MSH-3'), ack.get('MSH-4'), ack.get('MSH-5')]).toEqual(['HUB|1', 'North', 'EHR']);
  });

  it('answers without a header too', () => {
    for (const nothing of [undefined, fixture('no-msh.hl7'), fixture('truncated.hl7'), Buffer.alloc(0)]) {
      expect(lines(acknowledge(nothing, { ...accept, code: 'AR' }))).toEqual([
        'MSH|^~\\&|||||20260302071501+0000||ACK|ACK1|P|2.5',
        'MSA|AR|',
        '',
      ]);
    }
  });

  it('can be read by its receiver, whatever the message was', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('AA', 'AE', 'CR'), fc.string(), (rest, code, text) => {
        const raw = Buffer.concat([Buffer.from('MSH|^~\\&|'), rest]);
        expect(readAck(acknowledge(raw, { ...accept, code, text })).code).toBe(code);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('ackMode', () => {
  const modeOf = (accepts: string, application: string) =>
    ackMode(readHeader(Buffer.from(`MSH|^~\\&|||||||||||||${accepts}|${application}`))!);

  it('is original when neither MSH-15 nor MSH-16 says anything', () => {
    expect(modeOf('', '')).toEqual({ mode: 'original' });
    expect(modeOf(' ', '""')).toEqual({ mode: 'original' });
  });

  it('is enhanced when one does, the other then meaning never', () => {
    expect(modeOf('AL', 'NE')).toEqual({ mode: 'enhanced', accept: 'AL', application: 'NE' });
    expect(modeOf('', 'SU')).toEqual({ mode: 'enhanced', accept: 'NE', application: 'SU' });
    expect(modeOf('ER', '')).toEqual({ mode: 'enhanced', accept: 'ER', application: 'NE' });
  });

  it('answers rather once too often when the word is unknown', () => {
    expect(modeOf('YES', '')).toEqual({ mode: 'enhanced', accept: 'AL', application: 'NE' });
  });

  it.each([
    ['AL', true, true],
    ['NE', false, false],
    ['ER', false, true],
    ['SU', true, false],
  ] as const)('%s wants a positive answer: %s, a negative one: %s', (condition, positive, negative) => {
    for (const code of ['AA', 'CA'] as const) expect(isWanted(condition, code)).toBe(positive);
    for (const code of ['AE', 'AR', 'CE', 'CR'] as const) expect(isWanted(condition, code)).toBe(negative);
  });
});

describe('readAck', () => {
  it('reads a positive one', () => {
    expect(readAck(fixture('ack-aa.hl7'))).toEqual({ code: 'AA', controlId: 'ADT00001', text: undefined, errors: [] });
  });

  it('reads the errors of version 2.5', () => {
    expect(readAck(fixture('ack-ar-2.5.1.hl7'))).toMatchObject({
      code: 'AR',
      controlId: 'OML00001',
      errors: [{ location: 'PID-3', code: '206', severity: 'E', text: 'Try again later', diagnostic: 'Lock 17' }],
    });
  });

  it('reads the errors of earlier versions', () => {
    expect(readAck(fixture('ack-ae-2.3.hl7'))).toMatchObject({
      code: 'AE',
      text: 'Unknown test',
      errors: [
        { location: 'OBR-4', code: '103', text: 'Table value not found' },
        { location: 'PID-8', code: '101', text: 'Required field missing' },
      ],
    });
  });

  it('gives back the locations that were written', () => {
    for (const location of ['PID', 'OBX[3]', 'PID-3', 'OBX[2]-5[3].1', 'PID-3.4.2']) {
      const ack = acknowledge(request('2.5'), {
        ...accept,
        code: 'AE',
        errors: [{ location, code: '101', severity: 'E' }],
      });
      expect(readAck(ack).errors[0]?.location).toBe(location);
    }
  });

  it.each(['MSH|^~\\&|A', 'MSH|^~\\&|A\rMSA|', 'MSH|^~\\&|A\rMSA|XX|7'])('refuses %j', (raw) => {
    expect(() => readAck(Buffer.from(raw))).toThrow(expect.objectContaining({ code: 'hl7v2.bad-acknowledgement' }));
  });
});
