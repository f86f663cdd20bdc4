import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from './message.ts';

interface MedplumField {
  readonly components: readonly (readonly string[])[];
}
interface MedplumSegment {
  readonly name: string;
  readonly fields: readonly MedplumField[];
}
interface Medplum {
  readonly Hl7Message: { parse(text: string): { readonly segments: readonly MedplumSegment[] } };
}

const oracle = '@medplum/core';
const { Hl7Message } = (await import(oracle)) as Medplum;

describe('beside @medplum/core', () => {
  for (const folder of ['../../test-fixtures/hl7v2/', '../../../shared/data/hl7-corpus/']) {
    const url = new URL(folder, import.meta.url);
    it.skipIf(!existsSync(url))(`every message of ${folder} has the same segments, fields and components`, () => {
      let compared = 0;
      for (const name of readdirSync(url, { recursive: true, encoding: 'utf8' })) {
        if (!name.endsWith('.hl7')) continue;
        const text = readFileSync(new URL(name, url), 'latin1').replace(/^\xef\xbb\xbf\s*/, '');
        if (!/^MSH.....[^\r\n]/.test(text)) continue;
        expect(ours(text), name).toEqual(theirs(text));
        compared++;
      }
      expect(compared).toBeGreaterThan(30);
    });
  }
});

/** Segment name and, for each field, its repetitions as lists of components. */
type Tree = [name: string, fields: string[][][]][];

function ours(text: string): Tree {
  const message = parse(Buffer.from(text, 'latin1'), { charset: '8859/1' });
  return message.segments().map((segment) => {
    const fields: string[][][] = [];
    for (let n = segment.name === 'MSH' ? 3 : 1; n <= segment.fieldCount; n++) {
      fields.push(segment.field(n).repetitions.map(({ components }) => components.map((part) => part.text)));
    }
    return [segment.name, fields];
  });
}

/** Theirs counts the segment's name as a field, splits MSH-2 and sees a segment in every blank line. */
function theirs(text: string): Tree {
  return Hl7Message.parse(text)
    .segments.filter(({ name, fields }) => name.trim() !== '' || fields.length > 1)
    .map(({ name, fields }) => [
      name.trimStart(),
      fields.slice(name === 'MSH' ? 2 : 1).map(({ components }) => components.map((parts) => [...parts])),
    ]);
}
