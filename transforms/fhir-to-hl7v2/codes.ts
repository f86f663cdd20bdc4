import { V2 } from '../hl7v2-to-fhir/urls.ts';
import { firstCodeOf } from '../hl7v2-to-fhir/vocabulary.ts';

/** The code to write for what several v2 codes mean, where it is not the first of them. */
const USUAL: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  AdministrativeSex: { other: 'O' },
  AllergyType: { allergy: 'DA', intolerance: 'DI' },
  'AllergenType[AllergyIntoleranceCategory]': { environment: 'EA' },
  ExtendedPriorityCodes: { urgent: 'A', asap: 'A', stat: 'S', routine: 'R' },
  CompletionStatus: { completed: 'CP', 'not-done': 'NA' },
  NameType: { official: 'L', temp: 'TEMP', usual: 'D' },
  ObservationResultStatusCodesInterpretation: { 'entered-in-error': 'W' },
  OrderStatus: { active: 'IP', revoked: 'CA' },
  'OrderControlCode[ServiceRequest.status]': { active: 'NW', revoked: 'CA' },
  'PatientClass[EncounterClass]': { IMP: 'I', AMB: 'O', EMER: 'E', PRENC: 'P', ACUTE: 'I', NONAC: 'I' },
  'ResultStatus[Non-Queries]': { registered: 'O' },
  TelecommunicationEquipmentType: { email: 'Internet', phone: 'PH', other: 'PH' },
};

/**
 * The v2 code that means a code of FHIR. Of several the first of the vocabulary, as that is what the way there leaves unsaid; in
 * a bundle of another maker the usual one.
 */
export function backFrom(vocabulary: string, code: string, own: boolean): string | undefined {
  const usual = own ? undefined : USUAL[vocabulary];
  return (usual && Object.hasOwn(usual, code) ? usual[code] : undefined) ?? firstCodeOf(vocabulary, code);
}

/** The number of an HL7 table by its URI. */
export function tableIn(uri: string): string | undefined {
  return /^http:\/\/terminology\.hl7\.org\/CodeSystem\/v2-(\d{4})$/.exec(uri)?.[1];
}

const NAMESPACE = `${V2}namespace:`;

/** The name of an authority that had nothing but a name. */
export function namespaceIn(uri: string): string | undefined {
  return uri.startsWith(NAMESPACE) ? decoded(uri.slice(NAMESPACE.length)) : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
