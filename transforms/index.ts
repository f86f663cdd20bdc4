import { deviceToLabResult } from './device-to-lab-result/device-to-lab-result.ts';
import { deviceToReading } from './device-to-reading/device-to-reading.ts';
import { fhirToHl7v2 } from './fhir-to-hl7v2/fhir-to-hl7v2.ts';
import { hl7v2ToAppointment } from './hl7v2-to-appointment/hl7v2-to-appointment.ts';
import { hl7v2ToCharge } from './hl7v2-to-charge/hl7v2-to-charge.ts';
import { hl7v2ToFhir } from './hl7v2-to-fhir/hl7v2-to-fhir.ts';
import { hl7v2ToImmunization } from './hl7v2-to-immunization/hl7v2-to-immunization.ts';
import { hl7v2ToLabResult } from './hl7v2-to-lab-result/hl7v2-to-lab-result.ts';
import { hl7v2ToPatientEvent } from './hl7v2-to-patient-event/hl7v2-to-patient-event.ts';
import { hl7v2ToReading } from './hl7v2-to-reading/hl7v2-to-reading.ts';
import { labResultToCritical } from './lab-result-to-critical/lab-result-to-critical.ts';
import { mapping } from './mapping/mapping.ts';
import { readingToFhir } from './reading-to-fhir/reading-to-fhir.ts';
import { readingToHl7v2 } from './reading-to-hl7v2/reading-to-hl7v2.ts';

/** Every transform and filter that is shipped. One is known by being in this list, and in no other way. */
export const transforms = [
  deviceToReading,
  deviceToLabResult,
  hl7v2ToFhir,
  fhirToHl7v2,
  hl7v2ToPatientEvent,
  hl7v2ToLabResult,
  hl7v2ToAppointment,
  hl7v2ToImmunization,
  hl7v2ToCharge,
  labResultToCritical,
  readingToHl7v2,
  hl7v2ToReading,
  readingToFhir,
  mapping,
] as const;
