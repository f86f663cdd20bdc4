import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { roundTrip } from '../../bench/conformance/round-trip.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { explain } from '../hl7v2-to-fhir/explain.ts';
import { toHl7v2 } from './to-hl7v2.ts';

const folders = ['hl7v2-to-fhir', 'hl7v2'].map((name) => new URL(`../../test-fixtures/${name}/`, import.meta.url));

function messageIn(file: URL): Hl7Message | undefined {
  try {
    return parse(readFileSync(file));
  } catch (thrown) {
    if (thrown instanceof ProtocolFault) return undefined;
    throw thrown;
  }
}

const messages = folders.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.hl7'))
    .sort()
    .flatMap((name) => {
      const message = messageIn(new URL(name, folder));
      return message && roundTrip(message) ? [[name, message] as const] : [];
    }),
);

describe('messages that went to FHIR and back', () => {
  it('are of every type that there is a way back to', () => {
    const types = new Set(messages.map(([, { type }]) => type));
    expect([...types]).toEqual(
      expect.arrayContaining(['ADT^A01', 'ADT^A40', 'ORU^R01', 'OML^O21', 'SIU^S12', 'VXU^V04']),
    );
    expect(messages.length).toBeGreaterThan(40);
  });

  it.for(messages)('have every leaf that is mapped or kept in its place: %s', ([, message]) => {
    const { mapped, differing, keptDiffering } = roundTrip(message)!;
    expect(mapped).toBeGreaterThan(0);
    // The first one, with the rows of the maps that took it: what to mend.
    expect(differing[0]).toBeUndefined();
    expect(keptDiffering[0]).toBeUndefined();
  });

  it('give the same bytes each time, and keep their control id', () => {
    for (const [, message] of messages) {
      const { bundle } = explain(message, { receivedAt: 0 });
      const one = toHl7v2(bundle).message;
      expect(one.text()).toBe(toHl7v2(JSON.parse(JSON.stringify(bundle))).message.text());
      if (message.controlId !== '') expect(one.controlId).toBe(message.controlId);
    }
  });
});
