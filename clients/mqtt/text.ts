const longest = 65_535;
/** A broker may close the connection over any of them (MQTT 5 §1.5.4), and would do so at each retry. */
const notAllowed = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]/;

/** Why a text cannot be one of MQTT (§1.5.4), without the text: it may be about a patient. Undefined where it can. */
export function mqttTextFault(text: string): string | undefined {
  if (Buffer.byteLength(text) > longest) return `is longer than ${longest} bytes`;
  if (notAllowed.test(text) || !text.isWellFormed()) return 'holds a character that MQTT does not allow';
  return undefined;
}
