import type { FileRange, FileRecords } from './message.ts';

/** Before each range or group of records in a file message (V1.1b3 §6.14). */
const REFERENCE_TYPE = 6;

/** `count` and the ranges after it, as they stand after the function code. */
export function encodeRanges(ranges: readonly FileRange[]): Buffer {
  const bytes = Buffer.alloc(1 + 7 * ranges.length);
  bytes[0] = bytes.length - 1;
  let at = 1;
  for (const { file, record, quantity } of ranges) at = writeHead(bytes, at, file, record, quantity);
  return bytes;
}

export function encodeRecords(records: readonly FileRecords[]): Buffer {
  const bytes = Buffer.alloc(records.reduce((sum, { registers }) => sum + 7 + registers.length, 1));
  bytes[0] = bytes.length - 1;
  let at = 1;
  for (const { file, record, registers } of records) {
    at = writeHead(bytes, at, file, record, registers.length / 2);
    bytes.set(registers, at);
    at += registers.length;
  }
  return bytes;
}

/** The answer to a read: for each range its length, the reference type and the registers. */
export function encodeAnswered(ranges: readonly Buffer[]): Buffer {
  const bytes = Buffer.alloc(ranges.reduce((sum, registers) => sum + 2 + registers.length, 1));
  bytes[0] = bytes.length - 1;
  let at = 1;
  for (const registers of ranges) {
    bytes[at] = registers.length + 1;
    bytes[at + 1] = REFERENCE_TYPE;
    bytes.set(registers, at + 2);
    at += 2 + registers.length;
  }
  return bytes;
}

/** What follows the byte count; undefined where it is not shaped as ranges are. */
export function decodeRanges(bytes: Buffer): FileRange[] | undefined {
  const ranges: FileRange[] = [];
  for (let at = 0; at < bytes.length; at += 7) {
    if (at + 7 > bytes.length || bytes[at] !== REFERENCE_TYPE) return undefined;
    ranges.push({
      file: bytes.readUInt16BE(at + 1),
      record: bytes.readUInt16BE(at + 3),
      quantity: bytes.readUInt16BE(at + 5),
    });
  }
  return ranges;
}

export function decodeRecords(bytes: Buffer): FileRecords[] | undefined {
  const records: FileRecords[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 7 > bytes.length || bytes[at] !== REFERENCE_TYPE) return undefined;
    const end = at + 7 + 2 * bytes.readUInt16BE(at + 5);
    if (end > bytes.length) return undefined;
    records.push({
      file: bytes.readUInt16BE(at + 1),
      record: bytes.readUInt16BE(at + 3),
      registers: bytes.subarray(at + 7, end),
    });
    at = end;
  }
  return records;
}

export function decodeAnswered(bytes: Buffer): Buffer[] | undefined {
  const ranges: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end = at + 1 + bytes[at]!;
    if (end > bytes.length || end < at + 2 || bytes[at + 1] !== REFERENCE_TYPE || (end - at) % 2 !== 0)
      return undefined;
    ranges.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return ranges;
}

function writeHead(bytes: Buffer, at: number, file: number, record: number, quantity: number): number {
  bytes[at] = REFERENCE_TYPE;
  bytes.writeUInt16BE(file, at + 1);
  bytes.writeUInt16BE(record, at + 3);
  bytes.writeUInt16BE(quantity, at + 5);
  return at + 7;
}
