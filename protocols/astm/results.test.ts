import { describe, expect, it } from 'vitest';
import { type LabResult, labResultSchema } from '../../contracts/lab-result.ts';
import { build } from './build.ts';
import type { Dialect } from './dialect.ts';
import { labResultsOf } from './lab-result.ts';
import { parse } from './message.ts';
import { answer, queriesOf } from './query.ts';
import { resultsOf } from './results.ts';
import { isoTime, timestamp } from './time.ts';

const read = (...records: string[]) => parse(Buffer.from(records.map((record) => `${record}\r`).join(''), 'latin1'));

/** One record per result, as most chemistry analyzers write: padded specimen, local test codes, instrument flags as comments. */
const chemistry = read(
  'H|\\^&|msg7||CHEM^1.0|||||host||P|1|20260302081500',
  'P|1||L-77|||Muster^Anna',
  'O|1|S-100   ^^1|7|^^^687\\^^^690|R||20260302070000||||N||||SER||||||||||F',
  'R|1|^^^687|15.0|U/L|10.0 to 40.0^normal|N||F||op1^sup||20260302081300|C1',
  'C|1|I|0^ok|I',
  'R|2|^^^690|>340|umol/L||H\\A||W|||20260302081200||C1',
  'L|1|N',
);

/** The test's name in component 7, values in the second component, delimiters of their own: as a molecular analyzer writes. */
const molecular = read(
  'H|@^\\|id-1||lab^PCR^4.8|||||LIS||P|1394-97|20260302081500',
  'P|1',
  'O|1|PR25||^^^MTB|R||||||||||ORH||||||||||F',
  'R|1|^MTB^^X^Assay^4^MTB^|NOT DETECTED^|||||F||Jo|20260302070000|20260302080000|unit-9',
  'R|2|^MTB^^X^^^rpoB1^Ct|^0.0|||',
  'L|1|N',
);
const molecularDialect: Partial<Dialect> = { testCode: ['3.7', '3.4'], testName: ['3.8'], operator: ['11'] };

describe('the results of a message', () => {
  it('are plain values with what stands above them', () => {
    const [first, second] = resultsOf(chemistry);
    expect(first).toMatchObject({
      purpose: 'patient',
      patientId: 'L-77',
      specimenId: 'S-100',
      test: { code: '687', name: undefined, system: undefined },
      testId: ['', '', '', '687'],
      value: '15.0',
      values: ['15.0'],
      unit: 'U/L',
      range: '10.0 to 40.0',
      flags: ['N'],
      status: 'F',
      operator: 'op1',
      startedAt: undefined,
      completedAt: '2026-03-02T08:13:00',
      instrument: 'C1',
      comments: [{ source: 'I', text: ['0', 'ok'], type: 'I' }],
    });
    expect(second).toMatchObject({ value: '>340', flags: ['H', 'A'], status: 'W', startedAt: '2026-03-02T08:12:00' });
  });

  it('are found where a dialect has them', () => {
    const [first, second] = resultsOf(molecular, molecularDialect);
    expect(first).toMatchObject({ test: { code: 'MTB' }, value: 'NOT DETECTED', operator: 'Jo', instrument: 'unit-9' });
    expect(second).toMatchObject({ test: { code: 'rpoB1', name: 'Ct' }, value: '0.0', instrument: 'lab' });
  });

  it('say what they are for', () => {
    const purpose = (header: string, order: string) =>
      resultsOf(read(header, 'P|1', order, 'R|1|^^^A|1', 'L|1'))[0]?.purpose;
    expect(purpose('H|\\^&|||||||||||', 'O|1|QC||^^^A|||||||Q')).toBe('quality-control');
    expect(purpose('H|\\^&||||||||||Q', 'O|1|s')).toBe('quality-control');
    expect(purpose('H|\\^&||||||||||T', 'O|1|s')).toBe('training');
    expect(purpose('H|\\^&||||||||||D', 'O|1|s')).toBe('debugging');
    expect(purpose('H|\\^&', 'O|1|s')).toBe('patient');
  });
});

describe('the laboratory contract', () => {
  /** What compiles here is what the contract has. */
  const contract = (message: typeof chemistry, dialect?: Partial<Dialect>): LabResult[] =>
    labResultsOf(message, dialect).map((result) => labResultSchema.parse(result));

  it('is what an order with its results yields', () => {
    expect(contract(chemistry)).toEqual([
      {
        patient: { identifiers: [{ value: 'L-77' }] },
        order: { placer: 'S-100', service: {}, status: 'F', observedAt: '2026-03-02T07:00:00' },
        origin: { application: 'CHEM', controlId: 'msg7' },
        observations: [
          {
            setId: '1',
            code: { code: '687' },
            valueType: 'NM',
            values: ['15.0'],
            unit: 'U/L',
            referenceRange: '10.0 to 40.0',
            flags: ['N'],
            status: 'F',
            observedAt: '2026-03-02T08:13:00',
          },
          {
            setId: '2',
            code: { code: '690' },
            valueType: 'ST',
            values: ['>340'],
            unit: 'umol/L',
            flags: ['H', 'A'],
            observedAt: '2026-03-02T08:12:00',
          },
        ],
      },
    ]);
    expect(contract(molecular, molecularDialect)[0]?.observations.map(({ code }) => code)).toEqual([
      { code: 'MTB' },
      { code: 'rpoB1', text: 'Ct' },
    ]);
  });

  it('has each order of each patient for itself, and none without results', () => {
    const message = read(
      'H|\\^&',
      'P|1||a',
      'O|1|s1',
      'R|1|x|1',
      'O|2|s2',
      'O|3|s3',
      'R|1|y|2',
      'P|2||b',
      'R|1|z|3',
      'L|1',
    );
    expect(
      contract(message).map(({ patient, order, observations }) => [
        patient.identifiers[0]?.value,
        order.placer,
        observations.map(({ values }) => values[0]),
      ]),
    ).toEqual([
      ['a', 's1', ['1']],
      ['a', 's3', ['2']],
      ['b', undefined, ['3']],
    ]);
  });

  it('does not let quality control into a chart', () => {
    expect(contract(read('H|\\^&', 'P|1', 'O|1|QC||^^^A|||||||Q', 'R|1|^^^A|1', 'L|1'))).toEqual([]);
  });

  it('has no time that is none', () => {
    expect(contract(read('H|\\^&', 'R|1|a|1|||||||||20261302', 'L|1'))[0]?.observations[0]?.observedAt).toBeUndefined();
  });
});

describe('times', () => {
  it.each([
    ['20260302081500', '2026-03-02T08:15:00'],
    ['202603020815', '2026-03-02T08:15'],
    ['2026030208', '2026-03-02T08:00'],
    ['20260302', '2026-03-02'],
    ['202603', '2026-03'],
    ['2026', '2026'],
    ['20260302081500+0100', '2026-03-02T08:15:00+01:00'],
    [' 19700101000000 ', '1970-01-01T00:00:00'],
    ['20260231', undefined],
    ['20260302240000', undefined],
    ['18:35', undefined],
    ['', undefined],
  ])('reads %j as %j', (text, iso) => expect(isoTime(text)).toBe(iso));

  it('are written to the second, in the zone asked for', () => {
    expect(timestamp(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe('20260102030405');
    expect(timestamp(Date.UTC(2026, 0, 1, 23, 30, 0), 60)).toBe('20260102003000');
  });
});

describe('a host query', () => {
  it('is read with its specimens, tests and times', () => {
    const query = (record: string) => queriesOf(read('H|\\^&', record, 'L|1|N'))[0];
    expect(query('Q|1|^S1\\^S2||^^^ALL||20260301|20260302|||||O')).toMatchObject({
      specimenIds: ['S1', 'S2'],
      patientIds: [],
      tests: [],
      from: '2026-03-01',
      to: '2026-03-02',
      status: 'O',
    });
    expect(query('Q|1|AC2202^^0^1^N||ALL||||||||O')).toMatchObject({
      specimenIds: ['AC2202'],
      patientIds: [],
      tests: [],
    });
    expect(query('Q|1|P7^S9^|^S12|^^^687\\^^^690')).toMatchObject({
      specimenIds: ['S9'],
      patientIds: ['P7'],
      end: 'S12',
      tests: ['687', '690'],
      status: undefined,
    });
    expect(query('Q|1|ALL||ALL||||||||A')).toMatchObject({ specimenIds: [], tests: [], status: 'A' });
  });

  it('is read where a dialect has the specimen', () => {
    const asked = read('H|\\^&', 'Q|1|^^ S77 ^50001^^A^SC||ALL||||||||O', 'L|1');
    expect(queriesOf(asked, { queriedSpecimen: [3] })[0]).toMatchObject({ specimenIds: ['S77'], patientIds: [] });
    expect(queriesOf(asked)[0]?.specimenIds).toEqual([]);
  });

  it('is answered with the orders, or by saying that there are none', () => {
    const header = { sender: 'weir', receiver: 'CHEM', processingId: 'P', time: '20260302081501' };
    const worklists = [
      {
        patient: { laboratoryId: 'L-77', name: ['Muster', 'Anna'], birthTime: '19700101', sex: 'F' },
        orders: [
          {
            specimenId: 'S1',
            testId: {
              repeats: [
                ['', '', '', '687'],
                ['', '', '', '690'],
              ],
            },
            priority: 'R',
            actionCode: 'A',
          },
          { specimenId: 'S2', testId: ['', '', '', '687'], reportType: 'O' },
        ],
      },
    ];
    const lines = (input: Parameters<typeof answer>[0]) => Buffer.from(answer(input).raw).toString().split('\r');
    expect(lines({ header, worklists })).toEqual([
      'H|\\^&|||weir|||||CHEM||P||20260302081501',
      'P|1||L-77||Muster^Anna||19700101|F',
      'O|1|S1||^^^687\\^^^690|R||||||A||||||||||||||Q',
      'O|2|S2||^^^687|||||||||||||||||||||O',
      'L|1|F',
      '',
    ]);
    expect(lines({ header, worklists: [] }).at(-2)).toBe('L|1|I');
    expect(lines({ header, worklists: [], termination: 'Q' }).at(-2)).toBe('L|1|Q');
    expect(lines({ header, worklists, termination: 'N' }).at(-2)).toBe('L|1|N');
  });

  it('is written as it is read', () => {
    const asked = build({
      header: {},
      records: [
        {
          type: 'Q',
          start: {
            repeats: [
              ['', 'S1'],
              ['', 'S2'],
            ],
          },
          testId: ['', '', '', 'ALL'],
          status: 'O',
        },
      ],
    });
    expect(queriesOf(asked)[0]).toMatchObject({ specimenIds: ['S1', 'S2'], tests: [], status: 'O' });
  });
});
