/**
 * The fields of each record by name, numbered as LIS02-A2 (E1394-97) §6 to §14 numbers them: 1 is the record type, 2
 * the sequence number; in H it is the delimiters. M (§14) has no fields of its own but these two.
 */
export const FIELDS = {
  H: {
    controlId: 3,
    password: 4,
    sender: 5,
    senderAddress: 6,
    senderPhone: 8,
    senderCharacteristics: 9,
    receiver: 10,
    comment: 11,
    processingId: 12,
    version: 13,
    time: 14,
  },
  P: {
    practiceId: 3,
    laboratoryId: 4,
    thirdId: 5,
    name: 6,
    mothersName: 7,
    birthTime: 8,
    sex: 9,
    race: 10,
    address: 11,
    phone: 13,
    physician: 14,
    special1: 15,
    special2: 16,
    height: 17,
    weight: 18,
    diagnosis: 19,
    medication: 20,
    diet: 21,
    practice1: 22,
    practice2: 23,
    admissionTimes: 24,
    admissionStatus: 25,
    location: 26,
    diagnosticCodeNature: 27,
    diagnosticCode: 28,
    religion: 29,
    maritalStatus: 30,
    isolationStatus: 31,
    language: 32,
    hospitalService: 33,
    hospitalInstitution: 34,
    dosageCategory: 35,
  },
  O: {
    specimenId: 3,
    instrumentSpecimenId: 4,
    testId: 5,
    priority: 6,
    orderedAt: 7,
    collectedAt: 8,
    collectionEndedAt: 9,
    volume: 10,
    collector: 11,
    actionCode: 12,
    dangerCode: 13,
    clinicalInformation: 14,
    receivedAt: 15,
    specimenDescriptor: 16,
    physician: 17,
    physicianPhone: 18,
    user1: 19,
    user2: 20,
    laboratory1: 21,
    laboratory2: 22,
    reportedAt: 23,
    instrumentCharge: 24,
    instrumentSection: 25,
    reportType: 26,
    location: 28,
    nosocomialFlag: 29,
    specimenService: 30,
    specimenInstitution: 31,
  },
  R: {
    testId: 3,
    value: 4,
    unit: 5,
    range: 6,
    flags: 7,
    flagNature: 8,
    status: 9,
    normsChangedAt: 10,
    operator: 11,
    startedAt: 12,
    completedAt: 13,
    instrument: 14,
  },
  C: { source: 3, text: 4, kind: 5 },
  Q: {
    start: 3,
    end: 4,
    testId: 5,
    timeNature: 6,
    from: 7,
    to: 8,
    physician: 9,
    physicianPhone: 10,
    user1: 11,
    user2: 12,
    status: 13,
  },
  L: { code: 3 },
  S: {
    method: 3,
    instrument: 4,
    reagents: 5,
    unit: 6,
    qualityControl: 7,
    specimenDescriptor: 8,
    container: 10,
    specimenId: 11,
    analyte: 12,
    result: 13,
    resultUnit: 14,
    collectedAt: 15,
    resultAt: 16,
    preprocessing: 17,
    diagnosis: 18,
    birthDate: 19,
    sex: 20,
    race: 21,
  },
  M: {},
} as const;

export type RecordType = keyof typeof FIELDS;
/** The names of a record's fields. */
export type FieldName<T extends RecordType> = keyof (typeof FIELDS)[T] & string;

export function isRecordType(type: string): type is RecordType {
  return Object.hasOwn(FIELDS, type);
}

/** The number of a record's named field. */
export function fieldNumber<T extends RecordType>(type: T, name: FieldName<T>): number {
  const fields: Readonly<Record<string, number>> = FIELDS[type];
  return fields[name]!;
}

/** How a message ended: field 3 of L (LIS02-A2 §12.3). */
export type TerminationCode =
  /** Normal. */
  | 'N'
  /** The sender broke off. */
  | 'T'
  /** The receiver asked to break off. */
  | 'R'
  /** Unknown error of the system. */
  | 'E'
  /** Error in the last query. */
  | 'Q'
  /** Nothing is known that answers the last query. */
  | 'I'
  /** The last query is answered. */
  | 'F';
