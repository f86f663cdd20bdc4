/**
 * Where several fields become elements that nothing tells apart, a note on those of all but one says which field it was, for the
 * way back: `field > element`, by map. Identifiers that an EIP value makes are told apart by its component.
 */
const notes: Readonly<Record<string, string>> = {
  'PID[Patient]': `
    PID-2 > identifier[1]
    PID-4 > identifier[3]
    PID-19 > identifier[4]
    PID-20 > identifier[5]
    PID-9 > name[2]
    PID-12 > address[2] ?PID-11 LST.count GREATER THAN 1
    PID-12 > address[2] ?PID-11 LST.count EQUALS 1 AND PID-11.9 VALUED AND PID-11.9 NOT EQUALS PID-12
    PID-12 > address[1].district ?PID-11 LST.count EQUALS 1 AND PID-11.9 NOT VALUED
    PID-12 > address[1].district ?PID-11 NOT VALUED
    PID-14 > telecom[2]
    PID-40 > telecom[3]
    PID-39 > extension[7].extension[1].valueCodeableConcept`,
  'NK1[Patient]': `
    NK1-6 > contact.telecom[2]
    NK1-7 > contact.relationship[2]
    NK1-40 > contact.telecom[3]
    NK1-41 > contact.telecom[4]`,
  'NK1[RelatedPerson]': `
    NK1-6 > telecom[2]
    NK1-7 > relationship[2]
    NK1-30 > name[2]
    NK1-31 > telecom[3]
    NK1-32 > address[2]
    NK1-33 > identifier[2]
    NK1-37 > identifier[3]
    NK1-40 > telecom[4]
    NK1-41 > telecom[5]`,
  'PV1[Encounter]': `
    PV1-11 > location[3]
    PV1-50 > identifier[2]`,
  'PV2[Encounter]': `
    PV2-1 > location[5]
    PV2-13 > participant`,
  'IN1[Coverage]': `
    IN1-4 > payor[1]
    IN1-11 > policyHolder ?IN1-10 NOT VALUED
    IN1-36 > identifier[2]`,
  'MRG[Patient]': `
    MRG-2 > identifier[2]
    MRG-4 > identifier[3]`,
  'GT1[RelatedPerson]': `
    GT1-7 > telecom[2]`,
  'ORC[ServiceRequest]': `
    ORC-1 > status ?ORC-5 NOT VALUED
    ORC-33 > identifier[4] ?OBR-53 NOT VALUED`,
  'ORC[DiagnosticReport]': `
    ORC-4 > identifier[3] =ORC-4.2
    ORC-4 > identifier[4]`,
  'ORC[Immunization]': `
    ORC-4 > identifier[3] =ORC-4.2
    ORC-4 > identifier[4]`,
  'OBR[DiagnosticReport]': `
    OBR-2 > identifier[1] ?ORC-2 NOT VALUED
    OBR-3 > identifier[2] ?ORC-3 NOT VALUED`,
  'OBR[ServiceRequest]': `
    OBR-2 > identifier[1] ?ORC-2 NOT VALUED
    OBR-3 > identifier[2] ?ORC-3 NOT VALUED
    OBR-29 > basedOn[2] =OBR-29.2 ?OBR-29.2 VALUED AND OBR-50 NOT VALUED
    OBR-47 > orderDetail[2]
    OBR-53 > identifier[3]`,
  'OBR[Specimen]': `
    OBR-0 >
    OBR-39 > note`,
  'OBX[Observation]': `
    OBX-15 > performer[3]
    OBX-33 > specimen(Specimen.identifier[1]) ?OBX-33 LST.count EQUALS 1 AND OBX-33.1 VALUED
    OBX-33 > specimen(Specimen.identifier[2]) =OBX-33.2 ?OBX-33 LST.count EQUALS 1 AND OBX-33.2 VALUED`,
  'OBX[Observation-Component]': `
    OBX-33 > specimen(Specimen.identifier[1]) ?OBX-33 LST.count EQUALS 1 AND OBX-33.1 VALUED
    OBX-33 > specimen(Specimen.identifier[2]) =OBX-33.2 ?OBX-33 LST.count EQUALS 1 AND OBX-33.2 VALUED`,
  'PRT[PractitionerRole]': `
    PRT-0 >`,
  'PRT[CareTeam]': `
    PRT-0 >`,
  'RF1[ServiceRequest]': `
    RF1-0 >
    RF1-11 > identifier[2]`,
  'RXA[Immunization]': `
    RXA-11 > location ?RXA-27 NOT VALUED
    RXA-22 > recorded ?RXA-21 EQUALS "A" AND ORC-9 NOT VALUED`,
  'SCH[Appointment]': `
    SCH-2 > identifier[2]
    SCH-7 > appointmentType ?CWE.3 EQUALS "HL70277"
    SCH-12 > participant[1]
    SCH-16 > participant[2]
    SCH-20 > participant[3]`,
  'AIS[Appointment]': `
    AIS-4 > start ?SCH-11.4 NOT VALUED
    AIS-10 > status ?SCH-25 NOT VALUED`,
  'SPM[Specimen]': `
    SPM-2 > identifier[2] =SPM-2.2 ?SPM-2.2 VALUED
    SPM-3 > parent[1](Specimen.identifier[2]) =SPM-3.2 ?SPM-3.2 VALUED
    SPM-14 > note
    SPM-31 > identifier[4]
    SPM-32 > identifier[3]`,
  'SAC[Specimen]': `
    SAC-2 > accessionIdentifier ?SPM-30 NOT VALUED
    SAC-3 > identifier[1]
    SAC-4 > identifier[2]
    SAC-6 > type ?SPM-4 NOT VALUED
    SAC-7 > receivedTime ?SPM-18 NOT VALUED`,
  'TQ1[ServiceRequest]': `
    TQ1-2 > quantityQuantity
    TQ1-3 > occurrenceTiming ?ORC-7 NOT VALUED
    TQ1-7 > occurrenceTiming ?ORC-7 NOT VALUED
    TQ1-8 > occurrenceTiming ?ORC-7 NOT VALUED
    TQ1-14 > occurrenceTiming ?ORC-7 NOT VALUED
    TQ1-9 > priority ?OBR-5 NOT VALUED
    TQ1-11 > note`,
};

const LINE = /^((\w{3}-\d+) >)(?: ([^=?]+?))?(?: =(\S+))?( \?.+)?$/;

/** The notes as lines of maps: an extension that says the field, on each element that they name. */
export const wayBack: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(notes).map(([map, text]) => [
    map,
    text
      .split('\n')
      .flatMap((line) => line.trim() || [])
      .flatMap((line) => {
        const found = LINE.exec(line);
        if (!found) throw new Error(`${map}: "${line}" is no note`);
        const [, head = '', field = '', target = '', name = field, when = ''] = found;
        const place = extensionOf(target);
        return [
          `${head} ${place.replace('*', 'url')} ="urn:weir:hl7v2:from"${when}`,
          `${head} ${place.replace('*', 'valueCode')} ="${name}"${when}`,
        ];
      })
      .join('\n'),
  ]),
);

/** `extension[9]` stands last in an element, within the brackets of the resource that it is in. */
function extensionOf(target: string): string {
  if (target === '') return 'extension[9].*';
  return target.endsWith(')') ? `${target.slice(0, -1)}.extension[9].*)` : `${target}.extension[9].*`;
}
