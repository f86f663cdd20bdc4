import { rowsOf } from './repair.ts';

const AS_CWE = 'carried out as the same component of CWE[CodeableConcept]';
const AS_XCN = 'carried out as the same component of XCN[Practitioner]';
const ITSELF = 'the value itself: the rule of the segment carries it out';
const UNUSED = 'no rule uses this map';
const NOT_R4 = 'R4 has no such extension; the value is kept under its v2 path';
const KEPT = 'not placed; the value is kept under its v2 path';

/** Rows of data type maps that code does not name: with the reason, by map and rows. */
const reasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'CE[CodeableConcept]': { '3-8': AS_CWE },
  'CF[CodeableConcept]': { '3-15': AS_CWE },
  'CNE[CodeableConcept]': { '3-15': AS_CWE },
  'CQ[code]': { '4': UNUSED },
  'CQ[decimal]': { '3': UNUSED },
  'CQ[unsignedInt]': { '3': UNUSED },
  'CWE[Annotation]': { '3': 'the words of the value are the text: CWE[string]' },
  'CWE[Device]': { '4,8,10,14,20,24': 'an instance is meant, not a kind', '17-19,21-23': KEPT },
  'CWE[Duration]': { '3-4': UNUSED },
  'CWE[Identifier]': { '12-13,15': KEPT },
  'CWE[Observation-SupportingInfo]': { '3-10,14-15,17': UNUSED },
  'CWE[PractitionerRole]': { '3-8,11-14': 'carried out as CWE[CodeableConcept] of PractitionerRole.code' },
  'CWE[Timing-DurationUnit]': { '3': UNUSED },
  'CWE[code]': { '3,6': ITSELF },
  'CWE[uri]': { '3,6': 'carried out as DLN[Identifier] 6' },
  'CX[Identifier]': { '4-7': NOT_R4 },
  'CX[RelatedPerson-Mother]': { '3': 'the mother refers to the patient', '12': 'carried out as CX[Identifier] 9' },
  'CX[string]': { '3': ITSELF },
  'DR[dateTime]': { '3': ITSELF },
  'DTM[Annotation-Time]': { '3': 'carried out as NTE[Observation] 8' },
  'DTM[dateTime]': { '3': ITSELF },
  'ED[DocumentReference]': { '3,5-7,9': 'carried out as ED[Attachment] in a document of its own' },
  'EI[Coding]': { '3-4': UNUSED },
  'EI[Condition]': { '3-6': UNUSED },
  'EI[Device-udiCarrier]': { '3': ITSELF },
  'EI[Identifier-DefaultAssigner]': { '3': 'carried out as EI[Identifier-Extension] 3' },
  'EI[Identifier-System]': { '3-6': UNUSED },
  'EI[Procedure]': { '3': UNUSED },
  'FT[Annotation-Comment]': { '3': 'carried out as NTE[Observation] 5' },
  'HD[Device]': { '3-6': 'carried out as the same component of HD[Organization]' },
  'HD[Identifier]': { '3-5': 'carried out as the same component of HD[Organization]' },
  'HD[MessageHeader.destination-endpoint]': { '4-8': 'carried out as MSH[MessageHeader] 10 and 34' },
  'HD[MessageHeader.destination-name]': { '4': 'a universal identifier is no name' },
  'HD[MessageHeader.source-endpoint]': { '3-10': 'carried out as MSH[MessageHeader] 6 and 31' },
  'HD[MessageHeader.source-name]': { '4': 'a universal identifier is no software' },
  'HD[uri]': { '3-6': 'carried out as CX[Identifier] 9' },
  'ID[CodeableConcept-UniversalID]': { '3-4': 'carried out as HD[Organization] 5' },
  'ID[CodeableConcept]': { '3': AS_CWE },
  'ID[Coding]': { '3': UNUSED },
  'ID[boolean]': { '3': ITSELF },
  'ID[code]': { '3': ITSELF },
  'ID[string]': { '3': ITSELF },
  'IS[CodeableConcept]': { '3': AS_CWE },
  'IS[code]': { '3': UNUSED },
  'IS[string]': { '3': UNUSED },
  'MSG[MessageHeader]': { '4-6': 'carried out as MSG[Coding]; a structure has no canonical URL' },
  'MSG[code]': { '4': 'carried out as MSH[Encounter] 11' },
  'NA[SampledData]': { '3-7': 'numbers without period and origin are no sampled data: they are told as text' },
  'NDL[PractitionerRole]': {
    '7-10,12-15,17-20,22-24,33-36,38-41': 'carried out as PL[Location] of its components',
    '25-30': KEPT,
  },
  'NM[Quantity]': { '3': ITSELF },
  'NM[positiveInt]': { '3': ITSELF },
  'OG[Extension-Subidentifier]': { '3-10': NOT_R4 },
  'PL[Location]': {
    '5-8': 'said of each place alike',
    '37-49': 'the identifier is that of the innermost place that is said',
  },
  'RI[Timing]': { '4': KEPT },
  'RPT[Timing]': { '5-6,11': KEPT },
  'RP[DocumentReference]': { '3,5': 'carried out as RP[Attachment] in a document of its own' },
  'SN[Quantity]': { '3-4': 'what is more than a quantity is told as text' },
  'SN[Range]': { '3-4': 'a range says what the text said' },
  'SN[Ratio]': { '3-4': 'a ratio says what the text said' },
  'ST[CodeableConcept]': { '3': ITSELF },
  'ST[Identifier]': { '3': ITSELF },
  'TQ[MedicationRequest]': { '3-7,9-11,13,17': 'carried out as TQ[ServiceRequest]' },
  'TQ[ServiceRequest]': { '5-7,13,17': KEPT },
  'TQ[Task-ExecutionPeriod]': { '7-8': UNUSED },
  'TQ[Task-Priority]': { '9': UNUSED },
  'TS[dateTime]': { '3': ITSELF },
  'XAD[Address]': {
    '11-15': KEPT,
    '18-19': 'R4 has that extension on lines only; the value is kept under its v2 path',
  },
  'XCN[Annotation-Author]': { '3-9,11-18,22-27': AS_XCN },
  'XCN[Patient]': { '3-9,11-18,22-27': UNUSED },
  'XCN[PractitionerRole]': { '3-9,11-18,22-27': AS_XCN },
  'XCN[Practitioner]': { '14-17': NOT_R4 },
  'XCN[RelatedPerson]': { '3-9,12-17,21-26': UNUSED },
  'XON[Location]': { '6-11,13': KEPT },
  'XON[Organization]': { '6-9': NOT_R4 },
  'XPN[HumanName]': { '18-19': KEPT },
};

/** The same, by row: `CE[CodeableConcept] 3`. */
export const dropped: ReadonlyMap<string, string> = new Map(
  Object.entries(reasons).flatMap(([map, rows]) =>
    Object.entries(rows).flatMap(([numbers, reason]) =>
      rowsOf(numbers).map((row) => [`${map} ${row}`, reason] as const),
    ),
  ),
);
