import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { VERSIONS, type Version } from '../versions.ts';
import { compileLines, KINDS, writeLines } from './compile.ts';
import type { Facts } from './facts.ts';
import { writeTypes } from './types.ts';

const folder = new URL('../../../../../shared/data/hl7v2-schema/', import.meta.url);
const generated = (name: string) => readFileSync(new URL(`../generated/${name}`, import.meta.url), 'utf8');
const typedVersions = ['2.3', '2.3.1', '2.4', '2.5', '2.5.1', '2.6', '2.8'] as const;

const empty: Facts = { segments: {}, dataTypes: {}, messages: {}, events: {}, tables: {} };

function factsOf(parts: Partial<Record<Version, Partial<Facts>>>): Record<Version, Facts> {
  const facts = VERSIONS.map((version) => [version, { ...empty, ...parts[version] }] as const);
  return Object.fromEntries(facts) as Record<Version, Facts>;
}

describe('compiling definitions', () => {
  it('writes what versions share once, with a bit for each of them', () => {
    const events = { 'ADT^A04': 'ADT_A01' };
    expect(compileLines(factsOf({ '2.1': { events }, '2.8': { events } }), 'events')).toEqual(['401 ADT^A04 ADT_A01']);
  });

  it('writes how often a field may stand, and that it is withdrawn', () => {
    const field = { n: 1, name: 'A', type: 'ST', min: 0, max: 1 };
    const segments = {
      PID: {
        name: 'P',
        fields: [
          { ...field, min: 1, max: null, table: '0001' },
          { ...field, max: 3, len: 9 },
          { ...field, withdrawn: true },
        ],
      },
    };
    expect(compileLines(factsOf({ '2.2': { segments } }), 'segments')).toEqual([
      '2 PID P~A|ST|R*|0001~A|ST|3||9~A|ST|W',
    ]);
  });

  it('leaves out of a table what is a sentence or no code', () => {
    const codes = { B: 'Bee', A: null, '...': 'and so on', C: 'It goes on. And on.', HL7nnnn: 'x' };
    expect(
      compileLines(factsOf({ '2.1': { tables: { '0001': { name: 'T', type: 'hl7', codes } } } }), 'tables'),
    ).toEqual(['1 0001 T~ho~A~B=Bee~C']);
  });

  it('writes a tree in one line', () => {
    const once = { min: 1, max: 1 };
    const messages = {
      X: [
        { segment: 'MSH', ...once },
        {
          group: 'G',
          min: 0,
          max: null,
          children: [
            { segment: '*', ...once },
            { segment: 'Z*', min: 1, max: null },
          ],
        },
        { group: 'C', ...once, choice: [{ segment: 'OBR', ...once }] },
      ],
    };
    expect(compileLines(factsOf({ '2.1': { messages } }), 'structures')).toEqual(['1 X MSH G*(any local+) C(OBR|)']);
  });
});

describe.skipIf(!existsSync(folder))('the facts (they lie beside the repository, where they lie at all)', () => {
  const read = (version: Version) => JSON.parse(readFileSync(new URL(`${version}.json`, folder), 'utf8')) as Facts;
  let facts: Record<Version, Facts>;
  beforeAll(() => {
    facts = Object.fromEntries(VERSIONS.map((version) => [version, read(version)])) as Record<Version, Facts>;
  });

  it.each(KINDS)('give the %s that are kept', (kind) => {
    expect(writeLines(compileLines(facts, kind)) === generated(`${kind}.json`)).toBe(true);
  });

  it.each(typedVersions)('give the types of %s that are kept', (version) => {
    expect(writeTypes(facts[version]) === generated(`types-${version}.ts`)).toBe(true);
  });
});
