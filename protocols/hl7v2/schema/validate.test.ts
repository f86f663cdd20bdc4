import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acknowledge } from '../ack.ts';
import { type Hl7Message, parse } from '../message.ts';
import { MOST_ISSUES } from './findings.ts';
import { group } from './group.ts';
import { ackErrorOf } from './issue.ts';
import type { SiteProfile } from './profile.ts';
import { schemaOf } from './schema.ts';
import { structureOf } from './structure-of.ts';
import { hasErrors, validate } from './validate.ts';

const MSH = 'MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302081500||ADT^A01^ADT_A01|1|P|2.5.1';
const EVN = 'EVN|A01|20260302081500';
const PID = 'PID|1||4711001^^^HOSP^MR||Berger^Anna';
const PV1 = 'PV1|1|I';
const of = (...segments: string[]) => parse(Buffer.from(segments.join('\r')));
const fixture = (name: string) => parse(readFileSync(new URL(`../../../test-fixtures/hl7v2/${name}`, import.meta.url)));

/** `error bad-value PID[1]-7.1`, what the tests compare. */
function found(message: Hl7Message, profile: SiteProfile = {}): string[] {
  return validate(message, undefined, { profile }).map(({ severity, code, path }) => `${severity} ${code} ${path}`);
}

const admission = (...segments: string[]) => found(of(MSH, EVN, ...segments));

describe('a right message', () => {
  it('has no issues', () => {
    expect(admission(PID, PV1)).toEqual([]);
    expect(found(fixture('adt-a08-delete.hl7'))).toEqual([]);
    expect(found(fixture('ack-aa.hl7'))).toEqual([]);
  });

  it('may hold segments of the site’s own', () => {
    expect(found(fixture('adt-a08-z.hl7'))).toEqual([]);
  });
});

describe('the structure', () => {
  it('lacks a required segment', () => {
    const issues = validate(of(MSH, EVN, PID));
    expect(issues).toEqual([
      { severity: 'error', code: 'missing-segment', path: 'PV1', segment: 0, message: 'missing PV1 in ADT_A01' },
    ]);
  });

  it('lacks a required group, told by the segment that it needs', () => {
    const message = of(MSH.replace('ADT^A01^ADT_A01', 'ORU^R01^ORU_R01'), PID);
    expect(validate(message)[0]).toMatchObject({ code: 'missing-segment', path: 'OBR', segment: 1 });
  });

  it('has segments too many, out of order, of another message, of another version, and what is none', () => {
    expect(admission(PID, PV1, PV1)).toEqual(['error repeated-segment PV1[2]']);
    expect(admission(PID, PV1, 'NK1|1')).toEqual(['error misplaced-segment NK1[1]']);
    expect(admission(PID, 'TQ1|1', PV1)).toEqual(['warning unexpected-segment TQ1[1]']);
    expect(admission(PID, 'PRT|1', PV1)).toEqual(['warning unknown-segment PRT[1]']);
    expect(admission(PID, 'free text', PV1)).toEqual(['error unknown-segment ']);
  });

  it('is not looked at where there is none for the message', () => {
    expect(found(of(MSH.replace('ADT^A01^ADT_A01', 'ADT^X99'), PID))).toEqual([
      'warning unknown-structure MSH[1]-9',
      'warning not-in-table MSH[1]-9.2',
    ]);
  });

  it('is that of the nearest version where there is none of its own', () => {
    expect(found(of(MSH.replace('2.5.1', '2.5.9'), EVN, PID, PV1))).toEqual([
      'warning unknown-version MSH[1]-12',
      'warning not-in-table MSH[1]-12.1',
    ]);
  });

  it('is taken as it was grouped already', () => {
    const message = of(MSH, EVN, PID);
    const grouped = group(message, schemaOf('2.5.1').structure('ADT_A02')!);
    expect(validate(message, undefined, { grouped })[0]?.message).toBe('missing PV1 in ADT_A02');
  });
});

describe('a field', () => {
  it.each([
    ['required and not there', 'PID|1||||Berger^Anna', 'error missing-field PID[1]-3'],
    ['that should not repeat', 'PID|1||1^^^H||Berger^Anna|||F~M', 'error repeated-field PID[1]-8'],
    ['that there is not', `PID|1||1^^^H||Berger^Anna${'|'.repeat(35)}x`, 'warning extra-field PID[1]-40'],
    ['no longer used', 'OBX|1|ST|1^x||a||||||F|||||||||x', 'warning withdrawn-field OBX[1]-20'],
    ['too long', `PID|1||1^^^H||Berger^Anna||||||||||||||${'9'.repeat(251)}`, 'warning too-long PID[1]-19'],
    ['with a component too many', 'PID|1||1^^^H||Berger^Anna||1980^D^x', 'warning extra-component PID[1]-7'],
    ['with components where it has none', 'PID|1^2||1^^^H||Berger^Anna', 'warning extra-component PID[1]-1'],
    ['with a subcomponent too many', 'PID|1||1^^^H&I&ISO&K||Berger^Anna', 'warning extra-component PID[1]-3[1].4'],
    ['on no day that there is', 'PID|1||1^^^H||Berger^Anna||20240230', 'error bad-value PID[1]-7.1'],
    ['that is no number', 'OBX|1|NM|1^x||abc||||||F', 'error bad-value OBX[1]-5[1]'],
    ['of a type that OBX-2 tells', 'OBX|1|TS|1^x||20249999||||||F', 'error bad-value OBX[1]-5[1].1'],
    ['with a code that binds', 'OBX|1|ST|1^x||a||||||Q', 'error not-in-table OBX[1]-11'],
    ['with a code that is a suggestion', 'PID|1||1^^^H||Berger^Anna|||X', 'warning not-in-table PID[1]-8'],
    ['with a code inside a data type', 'PID|1||1^^^H^XXXX||Berger^Anna', 'warning not-in-table PID[1]-3[1].5'],
    ['in its second repetition', 'PID|1||1^^^H~2^^^H^MR^^x||Berger^Anna', 'error bad-value PID[1]-3[2].7'],
  ])('%s', (_what, segment, issue) => {
    const segments = segment.startsWith('PID') ? [segment, PV1] : [PID, PV1, segment];
    expect(admission(...segments)).toEqual([issue]);
  });

  it('that is to be deleted is not looked at', () => {
    expect(admission(PID, 'PV1|""|""')).toEqual([]);
  });

  it('may hold a code of another system, or one that its table cannot list', () => {
    expect(admission(PID, PV1, 'AL1|1|XX^Other^99ABC|P^x^L')).toEqual([]);
    expect(admission(PID, PV1, 'AL1|1|XX^Other^HL70127|P^x^L')).toEqual(['warning not-in-table AL1[1]-2.1']);
    expect(admission(PID, PV1, 'OBX|1|CWE|1^x||a^b^LN||||||F')).toEqual([]);
  });

  it('is read by the message’s own delimiters', () => {
    expect(
      found(of('MSH#*!?@#E#H#W#H#20260302##ADT*A01*ADT_A01#1#P#2.5.1', 'EVN#A01#2026', 'PID#1##1*x!2##B*A', 'PV1#1#Q')),
    ).toEqual(['warning not-in-table PV1[1]-2']);
  });
});

describe('a site’s profile', () => {
  const profile: SiteProfile = {
    segments: {
      ZPI: {
        title: 'Patient flags',
        fields: { 1: { name: 'Set ID', type: 'SI', required: true }, 2: { type: 'CWE', table: '0001' } },
      },
      PID: { fields: { 7: { required: true }, 13: { max: 1 }, 8: { table: '9001' } } },
    },
    tables: { '9001': ['F', 'M'] },
    required: { ADT_A01: ['ZPI'], '*': ['PID'] },
  };
  const flags = 'ZPI|1|F';

  it('knows the site’s segments, and what they must hold', () => {
    const patient = 'PID|1||1^^^H||Berger^Anna||1980|F';
    expect(found(of(MSH, EVN, patient, flags, PV1), profile)).toEqual([]);
    expect(found(of(MSH, EVN, patient, PV1), profile)).toEqual(['error missing-segment ZPI']);
    expect(found(of(MSH, EVN, patient, 'ZPI||Q|x', PV1), profile)).toEqual([
      'error missing-field ZPI[1]-1',
      'warning not-in-table ZPI[1]-2.1',
      'warning extra-field ZPI[1]-3',
    ]);
  });

  it('requires fields, limits repetitions and narrows tables', () => {
    expect(found(of(MSH, EVN, 'PID|1||1^^^H||Berger^Anna|||O|||||1~2', flags, PV1), profile)).toEqual([
      'error missing-field PID[1]-7',
      'error not-in-table PID[1]-8',
      'error repeated-field PID[1]-13',
    ]);
  });

  it('ignores what the site is agreed on', () => {
    const message = of(MSH, EVN, 'PID|1||1^^^H^XXXX||Berger^Anna||20240230|X', PV1, PV1);
    expect(found(message)).toHaveLength(4);
    expect(found(message, { ignore: [{ code: 'not-in-table' }] })).toEqual([
      'error repeated-segment PV1[2]',
      'error bad-value PID[1]-7.1',
    ]);
    expect(found(message, { ignore: [{ path: 'PID-3' }, { path: 'PV1' }] })).toEqual([
      'error bad-value PID[1]-7.1',
      'warning not-in-table PID[1]-8',
    ]);
    expect(found(message, { ignore: [{ code: 'bad-value', path: 'PID-7' }, { path: 'PID-3.4' }] })).toHaveLength(3);
  });
});

describe('issues', () => {
  it('say nothing of the content', () => {
    const secret = 'Geheim';
    const issues = validate(
      of(MSH, secret, `PID|${secret}||${secret}^^^^${secret}|||${secret}^|${secret}|${secret}`, `PV1|1|${secret}`),
    );
    expect(issues.length).toBeGreaterThan(4);
    expect(JSON.stringify(issues)).not.toContain(secret);
  });

  it('are no more than so many', () => {
    const many = Array.from({ length: 500 }, () => 'OBX|x|NM|1||x||||||Q');
    expect(validate(of(MSH, EVN, PID, PV1, ...many))).toHaveLength(MOST_ISSUES);
  });

  it('are errors or warnings', () => {
    expect(hasErrors(validate(of(MSH, EVN, PID)))).toBe(true);
    expect(hasErrors(validate(of(MSH, EVN, PID, PV1, 'TQ1|1')))).toBe(false);
  });

  it('can be told in an acknowledgement', () => {
    const message = of(MSH, EVN, 'PID|1||1^^^H||Berger^Anna||20240230', 'x', PV1);
    const errors = validate(message).map(ackErrorOf);
    expect(errors).toEqual(
      [
        { code: '100', severity: 'E', text: 'line 4 is no segment' },
        { code: '102', severity: 'E', location: 'PID[1]-7.1', text: expect.stringContaining('not a time') },
      ].reverse(),
    );
    const reply = parse(acknowledge(message.raw, { code: 'AE', controlId: '9', now: 0, errors }));
    expect(reply.all('ERR-3.1')).toEqual(['102', '100']);
    expect(reply.get('ERR-2')).toBe('PID^1^7^1^1');
  });

  it('come from any message without a fault', () => {
    const raw = readFileSync(new URL('../../../test-fixtures/hl7v2/oml-o21.hl7', import.meta.url));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(raw.length - 20), fc.constantFrom(...'|^~\\&\rAZ1"')), { maxLength: 30 }),
        (edits) => {
          const copy = Buffer.from(raw);
          for (const [at, character] of edits) copy.write(character, at + 20);
          const message = parse(copy);
          for (const { path, segment } of validate(message)) {
            if (path !== '') expect(() => message.has(path)).not.toThrow();
            expect(segment).toBeLessThan(message.segments().length);
          }
          structureOf(message);
        },
      ),
      { numRuns: 300, seed: 20_260_304 },
    );
  });
});
