import { HubError } from '../../core/errors.ts';
import { many, type TransformSpec } from '../../core/transform.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { isGroup, isKnownGroup, splitMessage } from '../../protocols/hl7v2/schema/split.ts';
import { hl7v2 } from '../hl7v2.ts';
import { readHl7Path } from '../hl7v2-path.ts';

/**
 * Makes one message of each repetition of a segment (`OBR`) or of a group (`ORDER_OBSERVATION`, `PATIENT_RESULT/ORDER_OBSERVATION`):
 * what stands before the first, then the repetition with what follows it. A message without one is filtered. Throws HubError
 * `config-invalid` where HL7 has no such segment or group.
 */
export function splitHl7(unit: string): TransformSpec<Hl7Message, Hl7Message> {
  if (isGroup(unit.split('/').at(-1)!)) {
    if (!/^[A-Z][A-Z0-9_]*(?:\/[A-Z][A-Z0-9_]*)*$/.test(unit) || !isKnownGroup(unit))
      throw invalid(`no version of HL7 has a group ${unit}`);
  } else if (readHl7Path(unit).field !== 0) throw invalid('a segment or a group is split off, not a field');
  return Object.freeze({
    kind: 'transform' as const,
    type: 'split',
    config: { at: unit },
    accepts: hl7v2,
    produces: hl7v2,
    create: () => (message: Hl7Message) => many(splitMessage(message, unit)),
  });
}

function invalid(what: string): HubError {
  return new HubError('config-invalid', 'permanent', what);
}
