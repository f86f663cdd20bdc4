/**
 * What HAPI calls an error although it cannot know: it has the code systems and value sets of R4 and nothing else, and asks no
 * terminology server; and one thing in which it is not R4. Everything else that it calls an error is one. By its own id of the
 * message, and how the message begins.
 */
const rules: readonly { readonly id: string; readonly message: RegExp; readonly because: string }[] = [
  {
    id: 'Terminology_PassThrough_TX_Message',
    message: /^CodeSystem is unknown and can't be validated/,
    because: 'LOINC, SNOMED CT, CVX, tables of HL7 v2 that R4 does not hold, and the systems of the sender',
  },
  {
    id: 'Terminology_PassThrough_TX_Message',
    message: /^Unable to expand ValueSet/,
    because: 'a value set that is made of such a code system',
  },
  {
    id: 'Terminology_PassThrough_TX_Message',
    message: /^Unknown code '\S+\/v2-0203#(PGN|FGN)'/,
    because:
      'table 0203 got the types of group numbers, which the official maps ask for, after R4 had taken its copy (terminology.hl7.org)',
  },
  {
    id: 'Type_Specific_Checks_DT_Time_Valid',
    message: /^Not a valid time/,
    because:
      'it knows no fractions of a second in a time, which R4 allows (datatypes.html#time); @medplum/core judges times by the expression of R4',
  },
];

export function isUnknowable(id: string, message: string): boolean {
  return rules.some((rule) => rule.id === id && rule.message.test(message));
}
