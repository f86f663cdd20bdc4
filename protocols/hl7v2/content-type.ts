/** HAPI's content type of messages in their pipe-and-hat encoding, and those that others write for the same. */
const contentTypes: ReadonlySet<string> = new Set([
  'application/hl7-v2',
  'application/hl7-v2+er7',
  'x-application/hl7-v2+er7',
]);

/** @param type without parameters */
export function isHl7ContentType(type: string): boolean {
  return contentTypes.has(type.trim().toLowerCase());
}
