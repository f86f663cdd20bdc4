import { ALWAYS, NOT_R4, type Repairs } from './repair.ts';

const SSN_LENGTH = 'PID-19.1 LENGTH = 9 OR PID-19.1 LENGTH = 11';

/** Of segments about the patient and people around him. */
export const patientRepairs: Repairs = {
  'PID[Patient]': {
    '18': { when: 'PID-11 COUNT = 1 AND PID-11.9 VALUED AND PID-11.9 NOT EQUALS PID-12' },
    // A number as the United States have it is one of theirs; any other is a social beneficiary's of a country not said.
    '31': { when: SSN_LENGTH },
    '32': { when: 'PID-19.1 NOT LENGTH = 9 AND PID-19.1 NOT LENGTH = 11' },
    '34': { when: SSN_LENGTH, assign: 'http://hl7.org/fhir/sid/us-ssn' },
    '36': 'code: the mother as a related person',
  },
  'PID[Provenance-Patient]': { '3': 'code: Provenance.recorded' },
  'PID[Appointment]': { '4-12': 'code: the patient takes part in the appointment' },
  'PV1[Patient]': { '18-19': 'drop: PV1[Encounter] 35 has it as a courtesy of the visit' },
  'NK1[RelatedPerson]': {
    '42': ALWAYS,
    '43': 'drop: NK1-37 is the social security number of the United States',
  },
  'AL1[AllergyIntolerance]': {
    '7-8': NOT_R4,
    '11-13': 'drop: severity is not taken for criticality',
    '14': ALWAYS,
  },
  'IAM[AllergyIntolerance]': {
    '3-4': { when: 'IAM-17 NOT VALUED' },
    '7-8': NOT_R4,
    '11': ALWAYS,
    '12-14': 'drop: severity is not taken for criticality',
    '15': { to: 'reaction.manifestation.text', via: 'ST[CodeableConcept]' },
    '25': { to: 'recorder(Practitioner.name)' },
    '26-28': 'drop: who reported an allergy does not rename the patient; kept under its v2 path',
    // ait-2: what was entered in error has no clinical status.
    '30': { vocabulary: 'AllergyClinicalStatus', when: 'IAM-17.1 NOT EQUALS "E"' },
    '40': 'drop: the code is said by IAM-3; kept under its v2 path',
  },
  'DG1[Condition]': {
    '6': { to: 'code.text' },
    '21': { assign: 'http://hl7.org/fhir/StructureDefinition/condition-assertedDate' },
    '25-26': { when: 'DG1-21 EQUALS "D"' },
    '27-28': 'drop: the parent diagnosis is known by its number only; kept under its v2 path',
  },
  'DG1[Encounter]': { '5-7,18,21-28': 'drop: DG1[Condition] says it of the condition that is referred to' },
  'DG1[EpisodeOfCare]': { '5-8,17-18,21-28': 'drop: a diagnosis names no episode of care' },
  'PR1[Procedure]': {
    '3': { assign: 'completed', when: '' },
    '8': { when: '' },
    '9-12': 'drop: PR1-5 has one component and PR1-7 is minutes; kept under its v2 path',
    '16': { to: 'performer[1].function.coding.system' },
    '21': { to: 'performer[2].function.coding.system' },
    '26': 'drop: a modifier is no code of the procedure; kept under its v2 path',
    '35': 'drop: the procedure that it is part of is not in the message; kept under its v2 path',
  },
  'IN1[Coverage]': {
    '7': { to: 'payor[1](Organization.address)' },
    '12-13,54-55': NOT_R4,
    '14': { to: 'policyHolder(Organization.identifier)' },
    '15': { to: 'policyHolder(Organization)' },
    '20': {
      to: 'subscriber(RelatedPerson.name)',
      via: 'XPN[HumanName]',
      when: 'IN1-17.1 NOT IN ("SEL", "S", "18", "SELF", "Self", "patient")',
    },
    '21': 'code: the patient is the subscriber',
  },
  'IN3[CareTeam]': { '23-25': 'drop: a case manager is named by nothing else; kept under its v2 path' },
  'ROL[CareTeam]': {
    '6': ALWAYS,
    '7-8': 'drop: the role does not say that it is the patient or a relative',
    '14': 'drop: a type is no organization; kept under its v2 path',
    '15': { to: 'participant.member(Organization.type)' },
    '19': { to: 'participant.onBehalfOf(Organization)' },
    '20': { to: 'participant.member(Organization)' },
  },
  'ROL[Encounter-PractitionerRole]': {
    '3': 'drop: row 4 has it as an identifier',
    '4': { to: 'participant[1].individual(PractitionerRole.identifier)', via: 'EI[Identifier-Extension]' },
    '7': { to: 'participant[1].individual(PractitionerRole.practitioner(Practitioner))' },
    '14': { to: 'participant[1].individual(PractitionerRole.practitioner(Practitioner.address))' },
    '17': { to: 'participant[1].individual(PractitionerRole.organization(Organization))' },
  },
  'ROL[Patient-GeneralPractitioner]': {
    '6': { to: 'generalPractitioner(PractitionerRole.practitioner(Practitioner))' },
    '13': { to: 'generalPractitioner(PractitionerRole.practitioner(Practitioner.address))' },
    '15': { to: 'generalPractitioner(PractitionerRole.organization(Organization.address))' },
    '19': { to: 'generalPractitioner(PractitionerRole.organization(Organization))' },
  },
  'ROL[RelatedPerson]': { '3,5-8,13-14': 'drop: no message uses it' },
  'PRT[CareTeam]': {
    '7': { to: 'participant.role' },
    '8': { to: 'participant.member(Practitioner)' },
    '9': 'drop: row 8 has the person',
    '10': { to: 'participant.member(PractitionerRole.practitioner(Practitioner))', via: 'XCN[Practitioner]' },
    '11': { to: 'participant.member(PractitionerRole.code)', via: 'CWE[CodeableConcept]' },
    '13,24,29': { when: 'PRT-5 NOT VALUED AND PRT-6 NOT VALUED' },
    // ctm-1: only a practitioner acts for an organization; a role is of one.
    '14': { when: 'PRT-5 VALUED AND PRT-6 NOT VALUED' },
    '18': { to: 'participant.period.start' },
    '19': { to: 'participant.period.end' },
    '21': { to: 'participant.member(Practitioner.address)', when: 'PRT-5 VALUED AND PRT-6 NOT VALUED' },
    '22': 'drop: row 21 has the address',
    '23': {
      to: 'participant.member(PractitionerRole.practitioner(Practitioner.address))',
      when: 'PRT-5 VALUED AND PRT-6 VALUED',
    },
    '25,30': 'drop: the address is the person’s',
    '26': { to: 'participant.member(Practitioner.telecom)', when: 'PRT-5 VALUED AND PRT-6 NOT VALUED' },
    '27': 'drop: row 26 has the number',
    '28': { to: 'participant.member(PractitionerRole.telecom)' },
  },
  'PRT[Patient-GeneralPractitioner-PractitionerRole]': {
    '4': 'drop: what is done with a segment is no element of the patient',
    '7': { to: 'generalPractitioner(PractitionerRole.practitioner(Practitioner))', via: 'XCN[Practitioner]' },
    '16': { to: 'generalPractitioner(PractitionerRole.practitioner(Practitioner.address))' },
  },
  'PRT[PractitionerRole]': {
    '18': ALWAYS,
    '19-24,32-43': 'drop: which number is preferred is newer than 2.8; kept under its v2 path',
  },
  'PRT[RelatedPerson]': { '7-8,14-15,17-24,31-43': 'drop: PRT[CareTeam] has who takes part' },
  'PRT[Device]': {
    '13': 'drop: whether it is a unique device identifier is not said',
    '14': ALWAYS,
    '20': { to: 'udiCarrier.deviceIdentifier', via: '' },
    '25': { via: '' },
  },
  'PRT[Observation-Location]': {
    '19': { to: 'extension[2].valueReference(Location.address)' },
  },
};
