import { describe, expect, it } from 'vitest';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { hl7v2 } from '../hl7v2.ts';
import { type SenderProfileInput, senderProfile } from './sender-profile.ts';

const header = 'MSH|^~\\&|OLD|NORD|WEIR|HOSP|20260302081500||ADT^A01^ADT_A01|C1|P|2.5.1\r';
const decoded = (content: SenderProfileInput, text: string | Uint8Array) =>
  senderProfile('p', content).decode(typeof text === 'string' ? Buffer.from(text) : text, {}) as Hl7Message;
const written = (message: Hl7Message) => Buffer.from(hl7v2.encode(message)).toString('latin1');

describe('a sender profile', () => {
  it('renames applications and facilities, and leaves the bytes that came as they are', () => {
    const raw = Buffer.from(`${header}PID|1\r`);
    const before = Buffer.from(raw);
    const message = decoded({ aliases: { application: { OLD: 'EHR' }, facility: { NORD: 'NORTH' } } }, raw);
    expect([message.get('MSH-3'), message.get('MSH-4'), message.get('MSH-5')]).toEqual(['EHR', 'NORTH', 'WEIR']);
    expect(raw).toEqual(before);
    expect(senderProfile('p', {}).received(raw, {})).toMatchObject({ raw });
  });

  it('reads text in the character set that the bytes are really in, and MSH-18 then says so', () => {
    const raw = Buffer.from(`${header}PID|1||7||Müller\r`, 'latin1');
    const message = decoded({ charset: '8859/1' }, raw);
    expect([message.get('PID-5'), message.get('MSH-18')]).toEqual(['Müller', '8859/1']);
    expect((senderProfile('p', { charset: '8859/1' }).received(raw, {}) as Hl7Message).get('PID-5')).toBe('Müller');
  });

  it.for([
    ['as-received', 'PID|1\nPV1|1\r\n', 'PID|1\nPV1|1\r\n'],
    ['cr', 'PID|1\nPV1|1\r\n', 'PID|1\rPV1|1\r'],
    ['cr', 'PID|1\rPV1|1\r', 'PID|1\rPV1|1\r'],
    ['join', 'OBX|1|TX|||first\nsecond\r\nOBX|2\r', 'OBX|1|TX|||first\\.br\\second\rOBX|2\r'],
    ['join', 'NTE|1||IN the end\nENDE\nOBX|2\r', 'NTE|1||IN the end\\.br\\ENDE\rOBX|2\r'],
    ['join', 'ZPI|1\n\nZZ1|2\r', 'ZPI|1\r\rZZ1|2\r'],
  ] as const)('with lineEnds %s makes of %j %j', ([lineEnds, text, expected]) => {
    expect(written(decoded({ lineEnds }, header + text))).toBe(header + expected);
  });

  it('is otherwise at a site, by MSH-4 as its alias has it', () => {
    const content: SenderProfileInput = {
      aliases: { application: { OLD: 'EHR' }, facility: { NORD: 'NORTH' } },
      sites: { NORTH: { aliases: { application: { OLD: 'EHR-N' } }, charset: '8859/1' } },
    };
    const north = decoded(content, Buffer.from(`${header}PID|1||7||Müller\r`, 'latin1'));
    expect([north.get('MSH-3'), north.get('MSH-4'), north.get('PID-5')]).toEqual(['EHR-N', 'NORTH', 'Müller']);
    const south = decoded(content, `${header.replace('NORD', 'SOUTH')}PID|1\r`);
    expect([south.get('MSH-3'), south.get('MSH-4'), south.charset]).toEqual(['EHR', 'SOUTH', 'utf-8']);
  });

  it('looks at what was agreed on, and names places without what stands there', () => {
    const content: SenderProfileInput = {
      conformance: {
        segments: { ZPI: { fields: { 2: { name: 'Ward', required: true } } } },
        tables: { '0001': ['F', 'M'] },
        required: { '*': ['ZPI'] },
      },
      sites: { SOUTH: { conformance: { required: { '*': [] } } } },
    };
    const found = (text: string) => {
      const profile = senderProfile('p', content);
      return profile.validate!(profile.decode(Buffer.from(text), {}) as never).filter(
        (each) => each.severity === 'error',
      );
    };
    const rest = 'EVN||20260302081500\rPID|1||7^^^H^MR||Berger||19600101|X\rPV1|1|I\r';
    const north = found(header + rest);
    expect(north.map(({ code, path }) => `${code} ${path}`)).toEqual(['missing-segment ZPI', 'not-in-table PID[1]-8']);
    expect(JSON.stringify(north)).not.toContain('Berger');
    expect(found(`${header}${rest}ZPI|1\r`).map(({ code, path }) => `${code} ${path}`)).toEqual([
      'not-in-table PID[1]-8',
      'missing-field ZPI[1]-2',
    ]);
    expect(found(header.replace('NORD', 'SOUTH') + rest).map(({ code }) => code)).toEqual(['not-in-table']);
  });

  it('refuses keys that it does not know', () => {
    expect(() => senderProfile('p', { charst: 'x' } as never)).toThrow('defining profile p: ');
    expect(() => senderProfile('p', { charset: 'klingon' })).toThrow(/charset: a character set/);
  });
});
