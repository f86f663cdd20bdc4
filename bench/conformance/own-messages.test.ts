import { basename } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from '../../protocols/hl7v2/message.ts';
import { passes } from '../gates.ts';
import { gatesOf } from './asked.ts';
import { converted } from './converted.ts';
import { HapiJudge } from './hapi.ts';
import type { Issue } from './issue.ts';
import { measure } from './measure.ts';
import { digestsElsewhere } from './other-process.ts';
import { danglingIn } from './references.ts';
import { ownInputs } from './sources.ts';
import { judge } from './verdicts.ts';

const missing = await HapiJudge.get().then(
  () => undefined,
  (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))),
);
if (missing && process.env.CI === 'true') throw missing;
if (missing) console.warn(`NOT JUDGED BY HAPI FHIR: ${missing.message.split('\n')[0]}`);

const measured = ownInputs().map(measure);
const named = (name: string) => measured.find(({ path }) => path.endsWith(`/hl7v2-to-fhir/${name}`));

/** What a message with a document of 500 KB becomes. */
function large(): string {
  const pdf = Buffer.alloc(500_000, '%PDF-1.4 synthetic\n').toString('base64');
  const segments = [
    'MSH|^~\\&|LIS|LAB|WEIR|HOSP|20260302081500+0100||ORU^R01^ORU_R01|PDF1|P|2.5.1',
    'PID|1||4712001^^^HOSP^MR||Haller^Miriam',
    'OBR|1||LAB1^LAB|11502-2^Report^LN|||20260302073000+0100||||||||||||||||||F',
    `OBX|1|ED|60572-5^Report PDF^LN||LAB^AP^PDF^Base64^${pdf}||||||F`,
  ];
  const text = converted(parse(Buffer.from(segments.join('\r'))));
  expect(text).toContain(pdf);
  return text;
}

const broken = JSON.stringify({
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    {
      fullUrl: 'urn:uuid:3e8b1e58-6bf5-4b0c-9c3f-1f1b0d9a5f10',
      resource: { resourceType: 'Patient', gender: 'f', birthDate: '2024-02-30', nickname: 'x' },
    },
    {
      fullUrl: 'urn:uuid:3e8b1e58-6bf5-4b0c-9c3f-1f1b0d9a5f11',
      resource: {
        resourceType: 'Observation',
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: 'no-such-code' }] },
        subject: { reference: 'urn:uuid:3e8b1e58-6bf5-4b0c-9c3f-1f1b0d9a5f12' },
        effectiveDateTime: '2026-03-02T08:15:00',
        valueTime: '25:31:00',
      },
    },
  ],
});

describe('our own messages as bundles', () => {
  it('are of every type that has maps', () => {
    const types = new Set(measured.map(({ type }) => type));
    const events = '01 02 03 04 05 06 07 08 11 12 13 28 31 40'.split(' ').map((event) => `ADT^A${event}`);
    const others =
      'ORU^R01 ORM^O01 OML^O21 OUL^R22 SIU^S12 SIU^S13 SIU^S14 SIU^S15 SIU^S26 MDM^T02 VXU^V04 RDE^O11 RAS^O17';
    const rest = 'DFT^P03 BAR^P01 PPR^PC1 OMP^O09 REF^I12 MFN^M02 ACK^A01';
    expect([...events, ...others.split(' '), ...rest.split(' ')].filter((type) => !types.has(type))).toEqual([]);
  });

  it('are whole: nothing throws, leads nowhere, holds nothing or is unaccounted for, and 95 % of the values are there', async () => {
    const elsewhere = await digestsElsewhere(measured.map(({ path }) => path));
    for (const [at, each] of measured.entries()) {
      each.same &&= elsewhere[at] === each.digest;
      expect({ ...each, lost: [], text: '' }, basename(each.path)).toMatchObject({
        ...{ thrown: undefined, dangling: [], empty: [], unaccounted: [], same: true },
      });
    }
    expect(gatesOf(measured, [], true).filter((gate) => !passes(gate))).toEqual([]);
  });

  it('are refused where there is no message, and only there', () => {
    const refused = measured.filter(({ refused }) => refused !== undefined).map(({ path }) => basename(path));
    expect(refused.toSorted()).toEqual([
      // Batches are divided before their messages are converted.
      ...['batch-file.hl7', 'batch-wrong-count.hl7', 'no-message.hl7', 'no-msh.hl7', 'truncated.hl7'],
    ]);
  });

  it.for([
    ['misplaced-segments.hl7', 'misplaced-segment'],
    ['misplaced-segments.hl7', 'unmapped-segment'],
    ['unknown-message.hl7', 'unknown-structure'],
    ['unknown-trigger.hl7', 'unknown-structure'],
    ['absent-segments.hl7', 'absent-segment'],
    ['no-patient.hl7', 'absent-segment'],
    ['empty-obx-2.hl7', 'unknown-type'],
    ['empty-obx-2.hl7', 'completed'],
    ['bad-dates.hl7', 'bad-date'],
    ['bad-numbers.hl7', 'bad-number'],
    ['unknown-codes.hl7', 'unknown-code'],
    ['unknown-status.hl7', 'unknown-code'],
    ['only-delete.hl7', 'delete'],
  ] as const)('tell of what is wrong with %s: %s', ([name, code]) => {
    expect(named(`bad/${name}`)?.reported.map((issue) => issue.code)).toContain(code);
  });
});

describe.skipIf(missing)('the judges', { timeout: 300_000 }, () => {
  const bundles = measured.flatMap(({ path, text }) => (text === undefined ? [] : [{ name: basename(path), text }]));
  let verdicts: Issue[][] = [];
  beforeAll(async () => {
    verdicts = await judge([broken, large(), ...bundles.map(({ text }) => text)]);
  }, 300_000);

  it('both find what is wrong with a bundle that is made wrong, and know no LOINC', () => {
    const found = (by: Issue['judge']) =>
      (verdicts[0] ?? []).filter((issue) => issue.judge === by).map(({ path }) => path);
    for (const by of ['hapi', 'medplum'] as const) {
      expect(found(by).join('\n')).toMatch(/Patient\.gender/);
      expect(found(by).join('\n')).toMatch(/Patient\.birthDate/);
      expect(found(by).join('\n')).not.toMatch(/Observation\.code/);
    }
    expect(found('hapi').join('\n')).toMatch(/Observation\.effective/);
    expect(found('medplum').join('\n')).toMatch(/Observation\.value/);
    expect(danglingIn(JSON.parse(broken))).toEqual(['Observation.subject']);
  });

  it('find nothing wrong with a document of 500 KB', () => {
    expect(verdicts[1]).toEqual([]);
  });

  it('find nothing wrong with any of our own messages', () => {
    const wrong = bundles.flatMap(({ name }, at) => (verdicts[at + 2] ?? []).map((issue) => ({ name, ...issue })));
    expect(wrong).toEqual([]);
  });
});
