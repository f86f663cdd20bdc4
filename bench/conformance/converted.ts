import { fhirBundle } from '../../contracts/fhir.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { trace } from '../../transforms/hl7v2-to-fhir/convert.ts';
import { type Leaf, leavesOf } from './leaves.ts';

/** When every message is taken to have come: what is the same for each is in none of the differences. */
const RECEIVED_AT = Date.UTC(2026, 2, 2, 12);

export interface Converted {
  /** The bundle as it is written. */
  readonly text: string;
  /** What the converter has to tell, by code. */
  readonly issues: readonly { readonly code: string; readonly path: string }[];
  readonly leaves: readonly Leaf[];
  /** What took each leaf, by its place: the row of a map, `keep`, `ignore`. Of leaves that nothing is said of there is none. */
  readonly marks: ReadonlyMap<string, string>;
}

/** A message as the product converts it, by default. Throws what the converter throws, which must throw nothing. */
export function converted(message: Hl7Message): Converted {
  const leaves = leavesOf(message);
  const { bundle, issues, read } = trace(message, { receivedAt: RECEIVED_AT });
  const marks = new Map<string, string>();
  for (const segment of read.segments) {
    for (const [field, repetition, component, subcomponent, { mark }] of segment.leaves()) {
      if (mark !== undefined) marks.set(`${segment.index}-${field}[${repetition}].${component}.${subcomponent}`, mark);
    }
  }
  return { text: Buffer.from(fhirBundle.encode(bundle)).toString('utf8'), issues, leaves, marks };
}
