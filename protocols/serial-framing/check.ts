import { type Crc16Name, crc16 } from './crc16.ts';

/**
 * `sum8`: the sum of the bytes modulo 256. `lrc8`: its two's complement, so that bytes and check add up to 0 (MODBUS over
 * Serial Line V1.02 §2.5.2.2). `xor8`: the bytes XORed, often called BCC.
 */
export type CheckName = 'sum8' | 'lrc8' | 'xor8' | Crc16Name;

/** Where a frame has its check value, how it is written, and what it is taken over. */
export interface CheckField {
  readonly algorithm: CheckName;
  /** `hex`: ASCII digits, the most significant first, written in upper case and read in either. */
  readonly written: 'big-endian' | 'little-endian' | 'hex';
  /** Index in the frame of the first byte that is covered: 0, or 1 where the start byte is not. */
  readonly from: number;
  /** Bytes immediately before the check that are not covered, such as the `*` of an NMEA sentence. */
  readonly uncovered: number;
  /** Bytes of the frame after the check, such as an ETX or CR LF. */
  readonly after: number;
}

/** Of these bytes, the value that the check of `bytes[start, end)` must have. */
export function checkValue(algorithm: CheckName, bytes: Uint8Array, start = 0, end = bytes.length): number {
  switch (algorithm) {
    case 'sum8':
      return sum8(bytes, start, end);
    case 'lrc8':
      return -sum8(bytes, start, end) & 0xff;
    case 'xor8': {
      let xor = 0;
      for (let at = start; at < end; at++) xor ^= bytes[at]!;
      return xor;
    }
    default:
      return crc16(algorithm, bytes, start, end);
  }
}

/** How many bytes of the frame the check itself takes: 1 to 4. */
export function checkWidth({ algorithm, written }: CheckField): number {
  return bytesOf(algorithm) * (written === 'hex' ? 2 : 1);
}

/** The shortest frame that can have this check. */
export function shortestWith(field: CheckField): number {
  return field.from + field.uncovered + checkWidth(field) + field.after;
}

/** Whether the frame `bytes[start, end)` has the check value that it should have; false when it is too short for one. */
export function checkHolds(bytes: Buffer, start: number, end: number, field: CheckField): boolean {
  const at = end - field.after - checkWidth(field);
  const from = start + field.from;
  const covered = at - field.uncovered;
  if (covered < from) return false;
  return readCheck(bytes, at, field) === checkValue(field.algorithm, bytes, from, covered);
}

/** Puts the check value into a frame that has room for it. The frame must be at least `shortestWith` long. */
export function writeCheck(frame: Buffer, field: CheckField): void {
  const width = checkWidth(field);
  const at = frame.length - field.after - width;
  const value = checkValue(field.algorithm, frame, field.from, at - field.uncovered);
  if (field.written === 'hex') frame.write(value.toString(16).toUpperCase().padStart(width, '0'), at, 'latin1');
  else if (field.written === 'big-endian') frame.writeUIntBE(value, at, width);
  else frame.writeUIntLE(value, at, width);
}

/** -1 where hex digits should stand and do not. */
function readCheck(bytes: Buffer, at: number, field: CheckField): number {
  const width = checkWidth(field);
  if (width === 1) return bytes[at]!;
  if (field.written === 'big-endian') return bytes.readUIntBE(at, width);
  if (field.written === 'little-endian') return bytes.readUIntLE(at, width);
  let value = 0;
  for (let digit = at; digit < at + width; digit++) {
    const nibble = nibbleOf(bytes[digit]!);
    if (nibble < 0) return -1;
    value = value * 16 + nibble;
  }
  return value;
}

function nibbleOf(character: number): number {
  if (character >= 0x30 && character <= 0x39) return character - 0x30;
  const upper = character & ~0x20;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
}

function bytesOf(algorithm: CheckName): 1 | 2 {
  return algorithm === 'sum8' || algorithm === 'lrc8' || algorithm === 'xor8' ? 1 : 2;
}

function sum8(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  // No frame is so long that this overflows: 2^53 / 255 bytes.
  for (let at = start; at < end; at++) sum += bytes[at]!;
  return sum & 0xff;
}
