import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { carriedOut } from '../row-names.ts';
import { compile } from './compile.ts';
import { readCondition } from './condition.ts';
import { readCsv } from './csv.ts';
import { defectsIn, handlingOf } from './defects.ts';
import { Elements } from './elements.ts';
import { dropped } from './overlay/dropped.ts';
import { readOwnRows } from './own-rows.ts';
import { readSheets, type Sheets } from './sheets.ts';
import { readTarget } from './target.ts';
import { GENERATED, written } from './written.ts';

const folder = new URL('../../../../shared/data/v2-to-fhir/', import.meta.url);
const elements = new Elements();

describe('reading CSV', () => {
  it('takes commas, quotes and line breaks in quoted cells', () => {
    expect(readCsv('a,"b,""c""\r\nd",\r\ne\r\n')).toEqual([['a', 'b,"c"\r\nd', ''], ['e']]);
  });
});

describe('reading conditions', () => {
  const read = (text: string, subject = 'PID-3') => readCondition(text, subject).condition;

  it('takes the plain grammar', () => {
    expect(read('IF PID-1 VALUED AND (PID-2.1 NOT EQUALS "x" OR PID-3 IN ("a", "b"))')).toEqual([
      'and',
      [
        ['valued', 'PID-1'],
        [
          'or',
          [
            ['not', ['in', 'PID-2.1', ['x']]],
            ['in', 'PID-3', ['a', 'b']],
          ],
        ],
      ],
    ]);
  });

  it.each([
    ['IF PRT-4 IS "PP"', ['in', 'PRT-4', ['PP']]],
    ['IF TXA-19 = "AV"', ['in', 'TXA-19', ['AV']]],
    ['IF PV1-20 VALUE', ['valued', 'PV1-20']],
    ['If ED.3 NOT VALUED', ['not', ['valued', 'ED.3']]],
    ['IF OBX-5 LST.count LESS THAN OR EQUALS 1', ['count', 'OBX-5', '<=', 1]],
    ['IF OBX-33 COUNT>1', ['count', 'OBX-33', '>', 1]],
    ['IF PID-7 LENGTH GREATER THAN 8', ['length', 'PID-7', '>', 8]],
    ['IF NOT IN ("a")', ['not', ['in', 'PID-3', ['a']]]],
    ['IF EVN-4 NOT "U"', ['not', ['in', 'EVN-4', ['U']]]],
    ['IF PID-9 NOT EQUAL TO "="', ['not', ['in', 'PID-9', ['=']]]],
    ['IF ORC.1 IS "NW"', ['in', 'ORC-1', ['NW']]],
    ['IF PID-1 NOT EQUALS PID-2', ['not', ['same', 'PID-1', 'PID-2']]],
  ])('takes the dialect of %s', (text, condition) => {
    expect(read(text)).toEqual(condition);
  });

  it('takes one test for several fields', () => {
    const both = ['valued', 'PID-33'] as const;
    expect(read('IF PID-33 AND PID-34 NOT VALUED')).toEqual([
      'and',
      [
        ['not', both],
        ['not', ['valued', 'PID-34']],
      ],
    ]);
    expect(read('PRT-5 OR PRT-6 IS VALUED')).toEqual([
      'or',
      [
        ['valued', 'PRT-5'],
        ['valued', 'PRT-6'],
      ],
    ]);
  });

  it('reads HD-3 in the map of a data type as its component', () => {
    expect(read('IF HD-3 = "ISO"', 'HD.2')).toEqual(['in', 'HD.3', ['ISO']]);
  });

  it.each(['ic', 'IF (PID-3 VALUED', 'IF PID-3 AREA VALUED', 'IF PID-3 IN http://x', 'PID-3'])('refuses %s', (text) => {
    expect(() => read(text)).toThrow();
  });
});

describe('reading targets', () => {
  const read = (text: string, resource: string) => readTarget(text, resource, elements);

  it('resolves each step against R4', () => {
    expect(read('name[1].given[2]', 'Patient')).toEqual({ steps: 'name#1.given#2', type: 'string' });
    expect(read('gender', 'Patient')).toEqual({
      steps: 'gender',
      type: 'code',
      binding: 'http://hl7.org/fhir/ValueSet/administrative-gender',
    });
    expect(read('participant[1].individual(PractitionerRole.practitioner(Practitioner.name))', 'Encounter').steps).toBe(
      'participant#1.individual>PractitionerRole.practitioner>Practitioner.name#',
    );
    expect(read('birthDate.extension[1].valueDateTime', 'Patient').steps).toBe('_birthDate.extension#1.valueDateTime');
    expect(read('identifier.type.coding.code="PLAC"', 'Immunization')).toMatchObject({ assignment: 'PLAC' });
  });

  it('knows the other values of a choice', () => {
    expect(read('effectivePeriod.start', 'DiagnosticReport')).toEqual({
      steps: 'effectivePeriod.start',
      type: 'dateTime',
      others: { effectivePeriod: ['effectiveDateTime'] },
    });
  });

  it.each([
    ['coding.value', 'Observation'],
    ['valueSampled', 'Observation'],
    ['performer(Practitioner', 'Observation'],
    ['status(Practitioner)', 'Observation'],
    ['performer(Nobody)', 'Observation'],
  ])('refuses %s', (text, resource) => {
    expect(() => read(text, resource)).toThrow();
  });
});

describe('rows of ours', () => {
  it('are lines', () => {
    const [row] = readOwnRows('X', 'FT1-7 > code #CWE[CodeableConcept] %Y ="a b" ?FT1-2 VALUED');
    expect(row).toEqual({
      ...{ n: 1, source: 'FT1-7', target: 'code', via: 'CWE[CodeableConcept]', vocabulary: 'Y' },
      ...{ assignment: 'a b', condition: 'FT1-2 VALUED' },
    });
    expect(() => readOwnRows('X', 'FT1-7 code')).toThrow('is no rule');
  });
});

describe.skipIf(!existsSync(folder))(
  'the official maps (they lie beside the repository, where they lie at all)',
  () => {
    let sheets: Sheets;
    let compiled: ReturnType<typeof compile>;
    beforeAll(() => {
      sheets = readSheets(folder);
      compiled = compile(sheets, elements);
    });

    it.each(GENERATED)('give the %s that are kept', (kind) => {
      const kept = readFileSync(new URL(`../generated/${kind}.json`, import.meta.url), 'utf8');
      expect(written(compiled[kind]) === kept).toBe(true);
    });

    it('are compiled to these files, and to no others', () => {
      const there = readdirSync(new URL('../generated/', import.meta.url)).sort();
      expect(there).toEqual([...GENERATED.map((kind) => `${kind}.json`), 'LICENSE.txt'].sort());
    });

    it('have known defects, each of which is dealt with', () => {
      const defects = defectsIn(folder);
      expect(defects.length).toBe(786);
      const open = defects.filter((defect) => handlingOf(defect, sheets, compiled) === undefined);
      expect(open.map(({ kind, map, row, value }) => `${map} ${row}: ${kind}: ${value}`)).toEqual([]);
    });

    it('have no row of a data type with a target that is neither carried out nor left out for a reason', () => {
      const open = sheets.dataTypes.flatMap(({ map, rows }) =>
        rows
          .filter(({ n, target }) => target !== '' && !carriedOut().has(`${map} ${n}`) && !dropped.has(`${map} ${n}`))
          .map(({ n }) => `${map} ${n}`),
      );
      expect(open).toEqual([]);
    });

    it('have no row of a segment that code says it carries out and that there is not', () => {
      const rows = new Set(
        [...sheets.segments, ...sheets.dataTypes].flatMap(({ map, rows }) => rows.map(({ n }) => `${map} ${n}`)),
      );
      expect([...carriedOut()].filter((row) => !rows.has(row))).toEqual([]);
    });

    it('cannot be compiled where a row is not placed', () => {
      const row = sheets.segments.find(({ map }) => map === 'PID[Patient]')!.rows.find(({ n }) => n === 7)!;
      const broken = { map: 'PID[Patient]', rows: [{ ...row, target: 'nome' }] };
      const others = sheets.segments.filter(({ map }) => map !== 'PID[Patient]');
      expect(() => compile({ ...sheets, segments: [...others, broken] }, elements)).toThrow(
        'PID[Patient] 7: Patient has no element nome',
      );
    });
  },
);
