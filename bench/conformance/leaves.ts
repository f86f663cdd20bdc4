import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Part } from '../../protocols/hl7v2/segment.ts';

/** A populated subcomponent, as the judge reads it: not by the reader of the maps that are judged. */
export interface Leaf {
  /** `PID-3.4.2`, for findings: without the numbers of segments and repetitions. */
  readonly path: string;
  /** As the converter's report names it: `PID[1]-3[2].4.2`. */
  readonly place: string;
  /** Decoded, without blanks around it; `""` as it stands. */
  readonly text: string;
  /** Says how the message is written (MSH-1, MSH-2), not what it says. */
  readonly encoding: boolean;
}

/** FHIR allows no other control characters in texts than these: tab, line feed, carriage return. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** Every populated leaf of a message. Blanks alone are nothing. */
export function leavesOf(message: Hl7Message): Leaf[] {
  const leaves: Leaf[] = [];
  const occurrences = new Map<string, number>();
  for (const segment of message.segments()) {
    const name = /^[A-Z][A-Z0-9]{2}$/.test(segment.name) ? segment.name : '';
    const occurrence = (occurrences.get(name) ?? 0) + 1;
    occurrences.set(name, occurrence);
    for (let n = 1; n <= segment.fieldCount; n++) {
      const encoding = name === 'MSH' && n <= 2;
      for (const [repetition, component, subcomponent, part] of partsOf(segment.field(n))) {
        const text = part.value === null ? '""' : (part.value ?? '').replace(CONTROL, '').trim();
        if (text === '') continue;
        const deeper = subcomponent > 1 ? `.${subcomponent}` : '';
        leaves.push({
          path: `${name || 'line'}-${n}${component > 1 || deeper ? `.${component}${deeper}` : ''}`,
          place: `${name}[${occurrence}]-${n}[${repetition}].${component}.${subcomponent}`,
          text,
          encoding,
        });
      }
    }
  }
  return leaves;
}

function* partsOf(
  field: Part,
): Generator<readonly [repetition: number, component: number, subcomponent: number, part: Part]> {
  for (const [r, repetition] of field.repetitions.entries())
    for (const [c, component] of repetition.components.entries())
      for (const [s, part] of component.subcomponents.entries()) yield [r + 1, c + 1, s + 1, part];
}
