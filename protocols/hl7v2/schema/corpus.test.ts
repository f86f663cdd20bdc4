import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ProtocolFault } from '../../fault.ts';
import { type Hl7Message, parse } from '../message.ts';
import { group } from './group.ts';
import { structureOf } from './structure-of.ts';
import { validate } from './validate.ts';

const fixtures = new URL('../../../test-fixtures/hl7v2/', import.meta.url);
const corpus = new URL('../../../../shared/data/hl7-corpus/', import.meta.url);

describe('every message of the fixtures', () => {
  const messages = messagesIn(fixtures);

  it('is grouped without leaving a segment out', () => {
    expect(messages.length).toBeGreaterThan(30);
    for (const { name, message } of messages) expectWhole(name, message);
  });

  it('has its segments where its structure has them, but for those that show the contrary', () => {
    const odd = messages.filter(({ message }) => group(message, structureOf(message)!).misplaced.length > 0);
    expect(odd.map(({ name }) => name)).toEqual(['adt-a04-windows-1252.hl7', 'batch-bare.hl7']);
  });
});

describe.skipIf(!existsSync(corpus))(
  'every message of the corpus (it lies beside the repository, where it lies at all)',
  () => {
    const messages = messagesIn(corpus);

    it('is grouped without leaving a segment out', () => {
      expect(messages.length).toBeGreaterThan(600);
      for (const { name, message } of messages) expectWhole(name, message);
    });

    it('mostly has its segments where its structure has them', () => {
      const known = messages.filter(({ message }) => structureOf(message));
      const placed = known.filter(({ message }) => group(message, structureOf(message)!).misplaced.length === 0);
      expect(known.length / messages.length).toBeGreaterThan(0.98);
      expect(placed.length / known.length).toBeGreaterThan(0.96);
    });

    it('follows its structure as often as was counted independently of this code: 475 of 658', () => {
      const following = messages.filter(({ message }) => {
        if (!structureOf(message)) return false;
        const codes = validate(message).map(({ code }) => code);
        return !codes.some((code) => ORDER.includes(code));
      });
      expect(following.length).toBeGreaterThanOrEqual(475);
      expect(following.length).toBeLessThan(520);
    });
  },
);

const ORDER: readonly string[] = [
  'missing-segment',
  'misplaced-segment',
  'repeated-segment',
  'unexpected-segment',
  'unknown-segment',
];

function expectWhole(name: string, message: Hl7Message): void {
  const structure = structureOf(message);
  if (!structure) return;
  const found = [...group(message, structure).root.everySegment()].map(({ index }) => index).sort((a, b) => a - b);
  expect(found, name).toEqual(message.segments().map(({ index }) => index));
  for (const { path } of validate(message)) if (path !== '') expect(() => message.has(path), name).not.toThrow();
}

/** Those of a folder that are messages; some files there show what is none. */
function messagesIn(folder: URL): { readonly name: string; readonly message: Hl7Message }[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.hl7'));
  return files.sort().flatMap((name) => {
    const url = new URL(name.split('/').map(encodeURIComponent).join('/'), folder);
    try {
      return [{ name, message: parse(readFileSync(url)) }];
    } catch (fault) {
      if (fault instanceof ProtocolFault) return [];
      throw fault;
    }
  });
}
