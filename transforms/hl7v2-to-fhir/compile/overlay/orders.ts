import { ALWAYS, NOT_R4, type Repairs } from './repair.ts';

const VALUE = 'code: the value of an observation';
const NO_SUBID = 'code: the sub-identifier of an observation';
const SPECIMENS = 'drop: R4 has one specimen for an observation; the others are kept under their v2 path';

const performers = {
  '64': { to: 'performer[2](Organization)' },
  '65': { to: 'performer[2](PractitionerRole.organization(Organization))' },
  '66': { to: 'performer[2](Organization.address)' },
  '67': { to: 'performer[2](PractitionerRole.organization(Organization.address))' },
  '68': { to: 'performer[2](PractitionerRole.practitioner(Practitioner))', via: 'XCN[Practitioner]' },
  '69': { to: 'performer[2](PractitionerRole.code.coding.code)' },
  '70': { to: 'performer[2](PractitionerRole.code.coding.system)' },
} as const;

/** Of segments about orders, results, specimens, medication and immunization. */
export const orderRepairs: Repairs = {
  'ORC[DiagnosticReport]': { '7': 'code: the report is based on its request' },
  'ORC[Immunization]': {
    '19': { to: 'performer.actor(PractitionerRole.practitioner(Practitioner))', via: 'XCN[Practitioner]' },
  },
  'ORC[MedicationAdministration]': { '3-6': NOT_R4 },
  'ORC[ServiceRequest]': {
    '4': 'drop: OBR[ServiceRequest] says the intent; without an OBR it is completed',
    '5-8,29-31,36-37': NOT_R4,
    // ORC asks for an empty OBR-2 and OBR for an empty ORC-2: where both are filled, neither would be taken.
    '9-14': ALWAYS,
    '15': { to: 'requisition', via: 'EI[Identifier-Extension]', when: '' },
    '16-17': { when: '' },
    '18-23,65-67': 'drop: the group number is said by row 15; kept under its v2 path',
    '26': 'code: quantity and timing of TQ',
    '34': { to: 'requester(PractitionerRole.practitioner(Practitioner))' },
    '39-40': ALWAYS,
    '49': { to: 'requester(PractitionerRole.practitioner(Practitioner.address))' },
  },
  'OBR[DiagnosticReport]': {
    '4-6': { when: 'ORC-2 NOT VALUED' },
    '7-9': { when: 'ORC-3 NOT VALUED' },
  },
  'OBR[ServiceRequest]': {
    '3': { when: 'OBR-11 NOT EQUALS "G"' },
    // R4 has no intent for an add-on: it is an order.
    '19': { assign: 'order' },
    '23-24': NOT_R4,
    '29-30': 'drop: a number to call back is no extension of R4; kept under its v2 path',
    '40': 'code: quantity and timing of TQ',
  },
  'OBR[Specimen]': {
    '4': 'drop: nothing says that the placer number is the accession number',
    '16-17': 'drop: nothing says that the relevant information is about fasting',
    '19': 'code: the source of a specimen',
    '45': { to: 'note.text', via: 'CWE[Annotation]' },
  },
  'OBX[Observation]': {
    '6': NO_SUBID,
    '7-27,29-36': VALUE,
    '40-41,43-45,58-59,76-78': NOT_R4,
    '46-47': { when: 'OBX-11 EQUALS "N" AND OBX-5 NOT VALUED' },
    '51': { to: 'performer[3](Organization)' },
    '52': 'drop: row 51 has the producer as an organization',
    ...performers,
    '75': { assign: 'http://terminology.hl7.org/CodeSystem/v2-0936' },
    '81-84': SPECIMENS,
  },
  'OBX[Observation-Component]': {
    '6': VALUE,
    '7': NO_SUBID,
    '8-25,27-29,31-40': VALUE,
    '43-44,46-48,60-61,78-80': NOT_R4,
    '49-50': 'drop: there are values',
    '55': { via: 'XCN[Practitioner]' },
    '66': { to: 'performer[2](Organization)', when: 'OBX-25 NOT VALUED' },
    '68': { to: 'performer[2](Organization.address)', when: 'OBX-25 NOT VALUED' },
    '70': { to: 'performer[2](PractitionerRole.practitioner(Practitioner))', via: 'XCN[Practitioner]' },
    '71': { to: 'performer[2](PractitionerRole.code.coding.code)' },
    '77': { assign: 'http://terminology.hl7.org/CodeSystem/v2-0936' },
    '83-86': SPECIMENS,
  },
  'SPM[Specimen]': {
    '18': { to: 'note.text' },
    '36': { to: 'identifier[4]' },
    '38-39': 'drop: no type is given',
  },
  'TQ1[ServiceRequest]': {
    '6-7': 'drop: a time of day and an offset need a pattern that is not said; kept under its v2 path',
    '8-10,17-18': 'drop: durations are not turned into bounds; kept under its v2 path',
    // Beside the timing of ORC-7, which is of older versions, another one is kept.
    '5,11,12': { when: 'ORC-7 NOT VALUED' },
    '15': { to: 'note.text' },
    '19': { to: 'occurrenceTiming.repeat.count', when: 'ORC-7 NOT VALUED' },
  },
  'TQ1[MedicationRequest]': {
    '7': 'drop: an offset needs an event that is not said; kept under its v2 path',
    '8-10,17-18': 'drop: durations are not turned into bounds; kept under its v2 path',
    '15': { to: 'dosageInstruction.text' },
    '19': { to: 'dosageInstruction.timing.repeat.count' },
  },
  'RXA[Immunization]': { '25': 'drop: completion says it', '32-33': { when: '' } },
  'RXO[MedicationRequest]': {
    '4': { to: 'medicationCodeableConcept' },
    '6': { to: 'dosageInstruction.doseAndRate[1].type.coding.code' },
    '8,10,19': 'drop: a code without its system is no unit; rows 9, 11 and 20 have it as text',
    '9': { when: 'RXO-2 VALUED' },
    '11': { when: 'RXO-3 VALUED' },
    '20': { when: '' },
    '12': 'drop: the medication is a code; kept under its v2 path',
    '26-28,36-38': 'drop: the medication is a code; kept under its v2 path',
    '32-34': 'drop: a row of another segment; RXE[MedicationRequest] has it',
  },
};
