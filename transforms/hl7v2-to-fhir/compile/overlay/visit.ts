import { ALWAYS, ARITHMETIC, NOT_R4, type Repairs } from './repair.ts';

const HEADER = 'code: the message header';

/** Of segments about the message, the visit, appointments and documents. */
export const visitRepairs: Repairs = {
  'MSH[Bundle]': { '3,10,13-14': HEADER },
  'MSH[Encounter]': { '11': 'code: the status of a cancelled visit' },
  'MSH[MessageHeader]': { '5-11,14-15,17,23,25,29-38': HEADER },
  'MSH[Provenance-Operator]': { '6,24': HEADER },
  'MSH[Provenance-Source]': { '3-6,9-13,16-17,19,32-34': HEADER },
  'MSH[Provenance-Transformation]': { '3-13': HEADER },
  'MSA[MessageHeader]': { '3': { vocabulary: 'AcknowledgmentCode' } },
  'SFT[MessageHeader]': { '4-5': 'drop: SFT[Device] says it of the device' },
  'SFT[Device]': {
    '3': 'drop: no code for software is given',
    '11-12': NOT_R4,
  },
  'EVN[Provenance]': {
    '3': 'code: what happened, as a code of table 0003',
    '7': { when: 'EVN-4 NOT EQUALS "U"' },
    '8-9': 'drop: a reason that is unknown is not said; kept under its v2 path',
  },
  'PV1[Basic-EncounterHistory]': {
    '3-4,17-19,51-58': 'drop: R4 has no history of encounters; PV1-43 is kept under its v2 path',
  },
  'PV1[Coverage]': { '22': 'drop: a financial class alone is no coverage; kept under its v2 path' },
  'PV1[Encounter]': {
    '6': { via: 'PL[Location]' },
    '17': { assign: '' },
    '28-30': NOT_R4,
    '62': { assign: '' },
    '67': { assign: '' },
    '68': { assign: 'reserved' },
    '83-84': NOT_R4,
  },
  'PV2[Encounter]': {
    '12-15': NOT_R4,
    '18': 'drop: a description is no narrative of the resource; kept under its v2 path',
    '31': 'drop: yes and no are no security labels; kept under its v2 path',
  },
  'TXA[DocumentReference]': {
    '6': 'drop: a type of content like TX is no media type; kept under its v2 path',
    '9': ALWAYS,
    '10-11': NOT_R4,
    '21': { to: 'identifier[1].value', via: '' },
    '22': { vocabulary: 'DocumentCompletionStatus' },
    '25-26': NOT_R4,
  },
  'TXA[Provenance]': { '10-13,25,27-29': 'drop: the distribution of copies says neither who nor when in one field' },
  'OBX[DocumentReference]': { '7-12': 'code: what a document holds' },
  'NTE[DocumentReference]': { '5-6,12': 'code: comments' },
  'NTE[Appointment-Comment]': { '5-12,15-16': 'code: comments' },
  'NTE[Observation]': { '5,7-8': 'code: comments' },
  'NTE[ServiceRequest]': { '5,7-8': 'code: comments' },
  'SCH[Appointment]': {
    '9': { when: 'CWE.3 NOT EQUALS "HL70277"' },
    '11': ALWAYS,
    '12': { when: 'SCH-10.1 IN ("M", "MIN", "MIN.", "Min", "min", "MINUTES", "minutes", "Minutes")' },
    '14': 'code: the times of TQ',
    '16-17,22-23': 'drop: no code for a contact is given',
    '28': { assign: 'enterer' },
    '29': { assign: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type' },
    '35-36': 'code: the orders of an appointment',
  },
  'SCH[ServiceRequest]': {
    '3,9,35': 'code: the orders of an appointment',
    '36': 'code: the orders of an appointment',
    '37': 'code: the orders of an appointment',
  },
  'AIS[Appointment]': {
    '6': { to: 'start' },
    '7,9': ARITHMETIC,
    '12': { via: 'CWE[code]' },
  },
  'AIS[ServiceRequest]': { '5-7,9,13-14': 'drop: AIS[Appointment] says what is scheduled' },
  'AIG[Appointment]': { '5': { to: 'participant.actor(Device)', via: 'CWE[Device]', when: '' }, '11,13': ARITHMETIC },
  'AIL[Appointment]': { '5': { via: 'PL[Location]', to: 'participant.actor(Location)' }, '9,11': ARITHMETIC },
  'AIP[Appointment]': {
    '5': { to: 'participant.actor(Practitioner)' },
    '6': { assign: '' },
    '9,11': ARITHMETIC,
    '14': 'drop: no map for these codes is given; kept under its v2 path',
  },
};
