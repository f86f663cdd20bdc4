/** The control characters of the link (LIS01-A2 §6, ASCII names). */
export const STX = 0x02;
export const ETX = 0x03;
export const EOT = 0x04;
export const ENQ = 0x05;
export const ACK = 0x06;
export const LF = 0x0a;
export const CR = 0x0d;
export const NAK = 0x15;
export const ETB = 0x17;

/** What the text of a frame must not hold: SOH, STX, ETX, EOT, ENQ, ACK, LF, DLE, DC1 to DC4, NAK, SYN, ETB (LIS01-A2 §6.6). */
const RESTRICTED: ReadonlySet<number> = new Set([
  0x01,
  STX,
  ETX,
  EOT,
  ENQ,
  ACK,
  LF,
  0x10,
  0x11,
  0x12,
  0x13,
  0x14,
  NAK,
  0x16,
  ETB,
]);

export function isRestricted(byte: number): boolean {
  return byte < 0x20 && RESTRICTED.has(byte);
}
