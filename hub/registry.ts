import { adapters } from '../adapters/index.ts';
import { connectors } from '../connectors/index.ts';
import { patientEvent } from '../contracts/clinical-patient.ts';
import { hl7v2 } from '../contracts/hl7v2.ts';
import { criticalResult, labResult } from '../contracts/lab-result.ts';
import { createRegistry, type Registry } from '../core/config/registry.ts';
import { bytes } from '../core/format.ts';
import { transforms } from '../transforms/index.ts';
import { hl7v2Language } from './hl7v2-language.ts';

/** Everything that ships with Weir, as YAML channels name it. */
export function shippedRegistry(): Registry {
  return createRegistry({
    adapters,
    connectors,
    transforms,
    formats: [bytes, hl7v2, patientEvent, labResult, criticalResult],
    languages: [hl7v2Language],
  });
}
