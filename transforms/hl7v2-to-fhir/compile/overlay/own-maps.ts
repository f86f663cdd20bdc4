import { wayBack } from './way-back.ts';

/**
 * Maps of ours, for segments and fields that the official maps leave out: a line each, `field > target`, then `#` the map of
 * the data type, `%` the vocabulary, `=` a fixed value, `?` the condition. A line is known as `PID[Patient] w1`.
 */
const maps: Readonly<Record<string, string>> = {
  'MSA[MessageHeader]': `
    MSA-2 > response.identifier`,
  'NK1[RelatedPerson]': `
    NK1-37 > identifier[3].type.coding.system ="http://terminology.hl7.org/CodeSystem/v2-0203"`,
  'PV1[Encounter]': `
    PV1-39 > serviceProvider(Organization.identifier.value)`,
  'IN1[Coverage]': `
    IN1-3 > payor[1](Organization.identifier) #CX[Identifier]
    IN1-7 > payor[1](Organization.telecom) #XTN[ContactPoint]
    IN1-8 > class[1].value
    IN1-8 > class[1].type.coding.code ="group"
    IN1-8 > class[1].type.coding.system ="http://terminology.hl7.org/CodeSystem/coverage-class"
    IN1-9 > class[1].name #XON[string] ?IN1-8 VALUED
    IN1-18 > subscriber(RelatedPerson.birthDate) ?IN1-17.1 NOT IN ("SEL", "S", "18", "SELF", "Self", "patient")
    IN1-19 > subscriber(RelatedPerson.address) #XAD[Address] ?IN1-17.1 NOT IN ("SEL", "S", "18", "SELF", "Self", "patient")
    IN1-36 > identifier[2].value
    IN1-43 > subscriber(RelatedPerson.gender) #CWE[code] %AdministrativeSex ?IN1-17.1 NOT IN ("SEL", "S", "18", "SELF", "Self", "patient")
    IN1-49 > subscriberId #CX[string]`,
  'AIL[Appointment]': `
    AIL-4 > participant.type #CWE[CodeableConcept]`,
  'MRG[Patient]': `
    MRG-1 > identifier[1] #CX[Identifier]
    MRG-2 > identifier[2] #CX[Identifier]
    MRG-4 > identifier[3] #CX[Identifier]
    MRG-7 > name[1] #XPN[HumanName]`,
  'RXA[Immunization]': `
    RXA-11 > location(Location) #PL[Location] ?RXA-27 NOT VALUED`,
  'TXA[DocumentReference]': `
    TXA-13 > relatesTo.target(DocumentReference.identifier) #EI[Identifier-Extension]
    TXA-13 > relatesTo.code ="replaces"
    TXA-19 > status ="superseded" ?TXA-19 EQUALS "OB"
    TXA-19 > status ="entered-in-error" ?TXA-19 EQUALS "CA"`,
  'FT1[ChargeItem]': `
    FT1-2 > identifier[1].value
    FT1-4 > occurrenceDateTime
    FT1-5 > enteredDate
    FT1-7 > code #CWE[CodeableConcept]
    FT1-10 > quantity.value
    FT1-11 > priceOverride #CP[Money]
    FT1-13 > performingOrganization(Organization.identifier.value)
    FT1-19 > reason #CWE[CodeableConcept]
    FT1-20 > performer[1].actor(Practitioner) #XCN[Practitioner]
    FT1-21 > performer[2].actor(Practitioner) #XCN[Practitioner]
    FT1-24 > enterer(Practitioner) #XCN[Practitioner]
    FT1-25 > code #CWE[CodeableConcept] ?FT1-7 NOT VALUED`,
  'GT1[RelatedPerson]': `
    GT1-2 > identifier[1] #CX[Identifier]
    GT1-3 > name[1] #XPN[HumanName]
    GT1-5 > address #XAD[Address]
    GT1-6 > telecom[1] #XTN[ContactPoint]
    GT1-7 > telecom[2] #XTN[ContactPoint]
    GT1-8 > birthDate
    GT1-9 > gender #CWE[code] %AdministrativeSex
    GT1-11 > relationship #CWE[CodeableConcept] %Relationship
    GT1-13 > period.start
    GT1-14 > period.end`,
  'IAM[AllergyIntolerance]': `
    IAM-17 > verificationStatus #CWE[CodeableConcept] %AllergyVerificationStatus`,
  'PRT[CareTeam]': `
    PRT-8 > participant.member(PractitionerRole.organization(Organization)) #XON[Organization] ?PRT-6 VALUED`,
  'PRB[Condition]': `
    PRB-2 > recordedDate
    PRB-3 > code #CWE[CodeableConcept]
    PRB-4 > identifier #EI[Identifier-Extension]
    PRB-9 > abatementDateTime
    PRB-16 > onsetDateTime`,
  'GOL[Goal]': `
    GOL-2 > statusDate
    GOL-3 > description #CWE[CodeableConcept]
    GOL-4 > identifier #EI[Identifier-Extension]
    GOL-7 > startDate
    GOL-8 > target.dueDate`,
  'RXO[MedicationRequest]': `
    RXO-2 > dosageInstruction.doseAndRate[1].type.coding.system ="http://terminology.hl7.org/CodeSystem/dose-rate-type"
    RXO-6 > note.text #CWE[string]
    RXO-7 > dosageInstruction.text #CWE[string]`,
  'RXE[MedicationRequest]': `
    RXE-2 > medicationCodeableConcept #CWE[CodeableConcept]
    RXE-3 > dosageInstruction.doseAndRate[1].doseRange.low.value
    RXE-4 > dosageInstruction.doseAndRate[1].doseRange.high.value
    RXE-5 > dosageInstruction.doseAndRate[1].doseRange.low.unit #CWE[string] ?RXE-3 VALUED
    RXE-5 > dosageInstruction.doseAndRate[1].doseRange.high.unit #CWE[string] ?RXE-4 VALUED
    RXE-7 > dosageInstruction.patientInstruction #CWE[string]
    RXE-9 > substitution.allowedCodeableConcept #ID[CodeableConcept] %AllowSubstitution
    RXE-10 > dispenseRequest.quantity.value
    RXE-11 > dispenseRequest.quantity.unit #CWE[string]
    RXE-12 > dispenseRequest.numberOfRepeatsAllowed
    RXE-13 > requester(Practitioner) #XCN[Practitioner]
    RXE-15 > identifier[1].value
    RXE-27 > reasonCode #CWE[CodeableConcept]
    RXE-32 > authoredOn`,
  'RXA[MedicationAdministration]': `
    RXA-3 > effectiveDateTime ?RXA-4 NOT VALUED
    RXA-3 > effectivePeriod.start ?RXA-4 VALUED
    RXA-4 > effectivePeriod.end
    RXA-5 > medicationCodeableConcept #CWE[CodeableConcept]
    RXA-6 > dosage.dose.value
    RXA-7 > dosage.dose #CWE[Quantity]
    RXA-10 > performer.actor(Practitioner) #XCN[Practitioner]
    RXA-18 > statusReason #CWE[CodeableConcept]
    RXA-19 > reasonCode #CWE[CodeableConcept]`,
  'RXR[MedicationAdministration]': `
    RXR-1 > dosage.route #CWE[CodeableConcept] %RouteOfAdministration
    RXR-2 > dosage.site #CWE[CodeableConcept] %BodyParts
    RXR-4 > dosage.method #CWE[CodeableConcept] %AdministrationMethod`,
  'RXD[MedicationDispense]': `
    RXD-2 > medicationCodeableConcept #CWE[CodeableConcept]
    RXD-3 > whenHandedOver
    RXD-4 > quantity.value
    RXD-5 > quantity.unit #CWE[string]
    RXD-7 > identifier[1].value
    RXD-9 > note.text
    RXD-10 > performer.actor(Practitioner) #XCN[Practitioner]
    RXD-12 > daysSupply #CQ[Quantity]`,
  'RXR[MedicationDispense]': `
    RXR-1 > dosageInstruction.route #CWE[CodeableConcept] %RouteOfAdministration
    RXR-2 > dosageInstruction.site #CWE[CodeableConcept] %BodyParts
    RXR-4 > dosageInstruction.method #CWE[CodeableConcept] %AdministrationMethod`,
  'PRD[PractitionerRole]': `
    PRD-1 > code #CWE[CodeableConcept]
    PRD-2 > practitioner(Practitioner.name) #XPN[HumanName]
    PRD-3 > practitioner(Practitioner.address) #XAD[Address]
    PRD-4 > location(Location) #PL[Location]
    PRD-5 > telecom #XTN[ContactPoint]
    PRD-7 > practitioner(Practitioner.identifier) #PLN[Identifier]
    PRD-8 > period.start
    PRD-9 > period.end`,
  'ORC[MedicationRequest]': `
    ORC-2 > identifier[1] #EI[Identifier-Extension]
    ORC-2 > identifier[1].type.coding.code ="PLAC"
    ORC-2 > identifier[1].type.coding.system ="http://terminology.hl7.org/CodeSystem/v2-0203"
    ORC-3 > identifier[2] #EI[Identifier-Extension]
    ORC-3 > identifier[2].type.coding.code ="FILL"
    ORC-3 > identifier[2].type.coding.system ="http://terminology.hl7.org/CodeSystem/v2-0203"
    ORC-4 > groupIdentifier #EI[Identifier-Extension]
    ORC-5 > status %MedicationOrderStatus
    ORC-9 > authoredOn
    ORC-12 > requester(Practitioner) #XCN[Practitioner]
    ORC-16 > statusReason #CWE[CodeableConcept]
    ORC-28 > meta.security #CWE[Coding] %ConfidentialityCode`,
  'ORC[MedicationDispense]': `
    ORC-2 > identifier[1] #EI[Identifier-Extension]
    ORC-3 > identifier[2] #EI[Identifier-Extension]`,
  'RF1[ServiceRequest]': `
    RF1-2 > priority #CWE[code] %ReferralPriority
    RF1-3 > category #CWE[CodeableConcept]
    RF1-6 > identifier[1] #EI[Identifier-Extension]
    RF1-7 > occurrencePeriod.start
    RF1-8 > occurrencePeriod.end
    RF1-9 > authoredOn
    RF1-10 > reasonCode #CWE[CodeableConcept]
    RF1-11 > identifier[2] #EI[Identifier-Extension]`,
  'STF[Practitioner]': `
    STF-1 > identifier[1] #CWE[Identifier]
    STF-2 > identifier[2] #CX[Identifier]
    STF-3 > name #XPN[HumanName]
    STF-5 > gender #CWE[code] %AdministrativeSex
    STF-6 > birthDate
    STF-7 > active #ID[boolean] %ActiveInactive
    STF-10 > telecom[1] #XTN[ContactPoint]
    STF-11 > address #XAD[Address]
    STF-15 > telecom[2].value
    STF-15 > telecom[2].system ="email"`,
  'PRA[PractitionerRole]': `
    PRA-3 > code[1] #CWE[CodeableConcept]
    PRA-5 > specialty.coding.code
    PRA-6 > identifier #PLN[Identifier]`,
  'SAC[Specimen]': `
    SAC-2 > accessionIdentifier #EI[Identifier-Extension]
    SAC-3 > identifier[1] #EI[Identifier-Extension]
    SAC-4 > identifier[2] #EI[Identifier-Extension]
    SAC-6 > type #CWE[CodeableConcept] %SpecimenType
    SAC-7 > receivedTime`,
  'ERR[OperationOutcome]': `
    ERR-3 > issue.details #CWE[CodeableConcept]
    ERR-4 > issue.severity %ErrorSeverity
    ERR-7 > issue.diagnostics`,
};

/** The maps of ours by name; those of the notes for the way back stand behind them. */
export const ownMaps: Readonly<Record<string, string>> = Object.fromEntries(
  [...new Set([...Object.keys(maps), ...Object.keys(wayBack)])].map((map) => [
    map,
    [maps[map], wayBack[map]].filter((text) => text !== undefined).join('\n'),
  ]),
);

/** Vocabularies of ours: code, then target code, display and system. */
export const ownVocabularies: Readonly<Record<string, Readonly<Record<string, readonly [string, string, string]>>>> = {
  AcknowledgmentCode: byCode('http://hl7.org/fhir/response-code', {
    AA: 'ok',
    CA: 'ok',
    AE: 'transient-error',
    CE: 'transient-error',
    AR: 'fatal-error',
    CR: 'fatal-error',
  }),
  DocumentCompletionStatus: byCode('http://hl7.org/fhir/composition-status', {
    AU: 'final',
    LA: 'final',
    DI: 'preliminary',
    DO: 'preliminary',
    IN: 'preliminary',
    IP: 'preliminary',
    PA: 'preliminary',
  }),
  MedicationOrderStatus: byCode('http://hl7.org/fhir/CodeSystem/medicationrequest-status', {
    A: 'active',
    CA: 'cancelled',
    CM: 'completed',
    DC: 'stopped',
    ER: 'entered-in-error',
    HD: 'on-hold',
    IP: 'active',
    RP: 'stopped',
    SC: 'active',
  }),
  ErrorSeverity: byCode('http://hl7.org/fhir/issue-severity', {
    F: 'fatal',
    E: 'error',
    W: 'warning',
    I: 'information',
  }),
  // Table 0438. What is not confirmed may harm all the same: it is active until somebody says otherwise.
  AllergyClinicalStatus: byCode('http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', {
    C: 'active',
    D: 'active',
    I: 'inactive',
    P: 'active',
    S: 'active',
    U: 'active',
  }),
  AllergyVerificationStatus: byCode('http://terminology.hl7.org/CodeSystem/allergyintolerance-verification', {
    C: 'confirmed',
    D: 'unconfirmed',
    E: 'entered-in-error',
    I: 'confirmed',
    P: 'unconfirmed',
    S: 'unconfirmed',
    U: 'unconfirmed',
  }),
  ActiveInactive: byCode('', { A: 'true', I: 'false' }),
  ReferralPriority: byCode('http://hl7.org/fhir/request-priority', { S: 'stat', A: 'asap', R: 'routine' }),
};

function byCode(
  system: string,
  codes: Readonly<Record<string, string>>,
): Record<string, readonly [string, string, string]> {
  return Object.fromEntries(Object.entries(codes).map(([code, target]) => [code, [target, '', system] as const]));
}
