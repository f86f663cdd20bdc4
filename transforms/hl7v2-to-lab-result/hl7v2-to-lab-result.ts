import { z } from 'zod';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import { codedIn, identifiersOf, isoTime, originOf, said, textAt } from '../../contracts/hl7v2-clinical.ts';
import { type LabResult, labResult, type Observation } from '../../contracts/lab-result.ts';
import { defineTransform } from '../../core/define.ts';
import { type Many, many } from '../../core/transform.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Segment } from '../../protocols/hl7v2/segment.ts';

/** Splits a result message into one typed event per order: an OBR with the OBX that follow it (HL7 2.5.1 §7.3). */
export const hl7v2ToLabResult = defineTransform({
  type: 'hl7v2-to-lab-result',
  summary:
    'Splits a result message into one typed event per order: an OBR with the OBX that follow it (HL7 2.5.1 §7.3).',
  accepts: hl7v2,
  produces: labResult,
  config: z.strictObject({}),
  examples: [{ title: 'Results by order from ORU messages', config: {} }],
  create: () => (message) => labResultsOf(message),
});

function labResultsOf(message: Hl7Message): Many<LabResult> {
  const results: LabResult[] = [];
  const origin = originOf(message);
  let patient: LabResult['patient'] = { identifiers: [] };
  let observations: Observation[] | undefined;
  for (const segment of message.segments()) {
    switch (segment.name) {
      case 'PID':
        patient = { identifiers: identifiersOf(segment, 3) };
        observations = undefined;
        break;
      case 'OBR':
        observations = [];
        results.push({ patient, order: orderIn(segment), origin, observations });
        break;
      case 'SPM':
        // The OBX that follow a specimen describe the specimen, not the patient (HL7 2.5.1 §7.3.1).
        observations = undefined;
        break;
      case 'OBX':
        observations?.push(observationIn(segment));
        break;
    }
  }
  return many(results);
}

function orderIn(obr: Segment): LabResult['order'] {
  return said<LabResult['order']>({
    placer: textAt(obr, '2.1'),
    filler: textAt(obr, '3.1'),
    service: codedIn(obr, 4),
    status: textAt(obr, '25'),
    observedAt: isoTime(obr.get('7')),
  });
}

function observationIn(obx: Segment): Observation {
  const valueType = textAt(obx, '2');
  return said<Observation>({
    setId: textAt(obx, '1'),
    code: codedIn(obx, 3),
    subId: textAt(obx, '4'),
    valueType,
    values: valuesOf(obx, valueType),
    unit: textAt(obx, '6.1'),
    referenceRange: textAt(obx, '7'),
    flags: obx.all('8.1'),
    status: textAt(obx, '11'),
    observedAt: isoTime(obx.get('14')),
  });
}

function valuesOf(obx: Segment, valueType: string | undefined): string[] {
  switch (valueType) {
    case 'ED':
    case 'RP':
      return [];
    case 'CE':
    case 'CWE':
    case 'CNE':
      return obx.field(5).repetitions.flatMap(({ components: [code, text] }) => text?.value || code?.value || []);
    default:
      return obx.all('5');
  }
}
