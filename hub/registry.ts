import { adapters } from '../adapters/index.ts';
import { checked } from '../clients/fhir/checked.ts';
import { connectors } from '../connectors/index.ts';
import { appointment } from '../contracts/appointment.ts';
import { astm } from '../contracts/astm.ts';
import { charge } from '../contracts/charge.ts';
import { patientEvent } from '../contracts/clinical-patient.ts';
import { cronSchedule } from '../contracts/cron-schedule.ts';
import { deviceArrival } from '../contracts/device-arrival.ts';
import { readDeviceProfile } from '../contracts/device-profile/device-profile.ts';
import { deviceWrite } from '../contracts/device-write.ts';
import { envelopes } from '../contracts/envelopes/index.ts';
import { fhirBundle, fhirResource } from '../contracts/fhir.ts';
import { hl7v2 } from '../contracts/hl7v2.ts';
import { hubAlert } from '../contracts/hub-alert.ts';
import { immunization } from '../contracts/immunization.ts';
import { json } from '../contracts/json.ts';
import { criticalResult, labResult } from '../contracts/lab-result.ts';
import { hl7v2Profiles } from '../contracts/sender-profile/profile-format.ts';
import { vitalAlarm, vitalReadings } from '../contracts/vitals.ts';
import { createRegistry, type Registry } from '../core/config/registry.ts';
import { document } from '../core/document.ts';
import { bytes } from '../core/format.ts';
import { transforms } from '../transforms/index.ts';
import { astmLanguage } from './astm-language.ts';
import { fhirLanguage } from './fhir-language.ts';
import { hl7v2Language } from './hl7v2-language.ts';
import { jsonLanguage } from './json-language.ts';
import { recordLanguageFor } from './record-language.ts';

const clinicalEvents = [appointment, immunization, charge];

/** Everything that ships with Weir, as YAML channels name it. */
export function shippedRegistry(): Registry {
  return createRegistry({
    adapters,
    connectors,
    transforms,
    formats: [
      bytes,
      document,
      hl7v2,
      astm,
      checked(fhirResource),
      checked(fhirBundle),
      json,
      patientEvent,
      labResult,
      criticalResult,
      ...clinicalEvents,
      hubAlert,
      deviceArrival,
      deviceWrite,
      vitalReadings,
      vitalAlarm,
    ],
    languageFor: recordLanguageFor,
    envelopes,
    profiles: hl7v2Profiles,
    deviceProfile: readDeviceProfile,
    schedule: cronSchedule,
    languages: [
      hl7v2Language,
      astmLanguage,
      ...[fhirResource, fhirBundle].map(fhirLanguage),
      ...clinicalEvents.map(jsonLanguage),
      ...[
        json,
        patientEvent,
        labResult,
        criticalResult,
        hubAlert,
        deviceArrival,
        deviceWrite,
        vitalReadings,
        vitalAlarm,
      ].map(jsonLanguage),
    ],
  });
}
