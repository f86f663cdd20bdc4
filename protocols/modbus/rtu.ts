import { crc16 } from '../serial-framing/crc16.ts';
import type { Framing } from '../serial-framing/scanner.ts';
import { bytesForBits } from './bits.ts';
import { deviceIdentificationLength } from './device-identification.ts';
import { EXCEPTION_BIT, FUNCTION_CODES, type FunctionName, functionOf } from './functions.ts';
import type { ModbusRequest } from './message.ts';

/** Of an ADU: unit, a PDU of at most 253 bytes, CRC (MODBUS over Serial Line V1.02 §2.5.1). */
export const RTU_MAX_BYTES = 256;
const CRC = 2;
/** Unit ids of a serial line; 0 speaks to all, who do not answer; 248 to 255 are reserved (§2.2). */
export const RTU_UNITS = 247;

export interface RtuFrame {
  readonly unit: number;
  readonly pdu: Buffer;
}

/** The ADU of a PDU of 1 to 253 bytes: its CRC stands behind it, the low byte first. */
export function encodeRtu(unit: number, pdu: Buffer): Buffer {
  const adu = Buffer.allocUnsafe(1 + pdu.length + CRC);
  adu[0] = unit;
  pdu.copy(adu, 1);
  adu.writeUInt16LE(crc16('crc16-modbus', adu, 0, adu.length - CRC), adu.length - CRC);
  return adu;
}

/** A frame of an RTU scanner. */
export function readRtu(frame: Buffer): RtuFrame {
  return { unit: frame[0]!, pdu: frame.subarray(1, frame.length - CRC) };
}

/** Where an ADU's length can be read: it is fixed, or a byte count at `countAt` counts what follows it up to the CRC. */
type Length = { readonly fixed: number } | { readonly countAt: number };

const REQUEST_LENGTHS: Readonly<Record<FunctionName, Length>> = {
  'read-coils': { fixed: 8 },
  'read-discrete-inputs': { fixed: 8 },
  'read-holding-registers': { fixed: 8 },
  'read-input-registers': { fixed: 8 },
  'write-coil': { fixed: 8 },
  'write-register': { fixed: 8 },
  'read-exception-status': { fixed: 4 },
  // All subfunctions but 0 have two bytes of data, and nothing in a frame says how many subfunction 0 has.
  diagnostics: { fixed: 8 },
  'read-event-counter': { fixed: 4 },
  'read-event-log': { fixed: 4 },
  'write-coils': { countAt: 6 },
  'write-registers': { countAt: 6 },
  'report-server-id': { fixed: 4 },
  'read-file-records': { countAt: 2 },
  'write-file-records': { countAt: 2 },
  'mask-write-register': { fixed: 10 },
  'read-write-registers': { countAt: 10 },
  'read-fifo': { fixed: 6 },
  'read-device-identification': { fixed: 7 },
};

const RESPONSE_LENGTHS: Readonly<Record<Exclude<FunctionName, 'read-device-identification'>, Length>> = {
  'read-coils': { countAt: 2 },
  'read-discrete-inputs': { countAt: 2 },
  'read-holding-registers': { countAt: 2 },
  'read-input-registers': { countAt: 2 },
  'write-coil': { fixed: 8 },
  'write-register': { fixed: 8 },
  'read-exception-status': { fixed: 5 },
  diagnostics: { fixed: 8 },
  'read-event-counter': { fixed: 8 },
  'read-event-log': { countAt: 2 },
  'write-coils': { fixed: 8 },
  'write-registers': { fixed: 8 },
  'report-server-id': { countAt: 2 },
  'read-file-records': { countAt: 2 },
  'write-file-records': { countAt: 2 },
  'mask-write-register': { fixed: 10 },
  'read-write-registers': { countAt: 2 },
  // The count has two bytes, of which the first must be 0: at most 64 are counted.
  'read-fifo': { countAt: 3 },
};

/**
 * Requests as a server on the line sees them, by length and CRC. Frames of functions that are not known here, and of
 * diagnostics with other than two bytes of data, are passed over as stray bytes.
 */
export const rtuRequests: Framing = framing((bytes, start, end) => {
  if (bytes[start]! > RTU_UNITS) return 'serial.stray-bytes';
  if (end - start < 2) return ~0;
  const name = functionOf(bytes[start + 1]!);
  return name === undefined ? 'serial.stray-bytes' : lengthBy(REQUEST_LENGTHS[name], bytes, start, end);
});

/** The response of `unit` to `request` and nothing else, or its exception. `request` must be one that can be encoded. */
export function rtuResponseTo(unit: number, request: ModbusRequest): Framing {
  const code = FUNCTION_CODES[request.function];
  const expected = responseLength(request);
  return framing((bytes, start, end) => {
    if (bytes[start] !== unit) return 'serial.stray-bytes';
    if (end - start < 2) return ~0;
    if (bytes[start + 1] === (code | EXCEPTION_BIT)) return 5;
    if (bytes[start + 1] !== code) return 'serial.stray-bytes';
    if (request.function === 'read-device-identification') {
      const pdu = deviceIdentificationLength(bytes, start + 1, end);
      return pdu === undefined ? ~0 : 1 + pdu + CRC;
    }
    if (request.function === 'diagnostics') return expected!;
    const length = lengthBy(RESPONSE_LENGTHS[request.function], bytes, start, end);
    return length > 0 && expected !== undefined && length !== expected ? 'serial.stray-bytes' : length;
  });
}

/** Of the ADU of a response that is no exception, in bytes, where the request determines it. */
export function responseLength(request: ModbusRequest): number | undefined {
  switch (request.function) {
    case 'read-coils':
    case 'read-discrete-inputs':
      return 3 + bytesForBits(request.quantity) + CRC;
    case 'read-holding-registers':
    case 'read-input-registers':
    case 'read-write-registers':
      return 3 + 2 * request.quantity + CRC;
    case 'diagnostics':
      return 4 + (request.subfunction === 0 ? request.data.length : 2) + CRC;
    case 'read-file-records':
      return request.ranges.reduce((sum, { quantity }) => sum + 2 + 2 * quantity, 3) + CRC;
    case 'write-file-records':
      return request.records.reduce((sum, { registers }) => sum + 7 + registers.length, 3) + CRC;
    case 'read-device-identification':
      return undefined;
    default: {
      const length = RESPONSE_LENGTHS[request.function];
      return 'fixed' in length ? length.fixed : undefined;
    }
  }
}

function framing(measure: (bytes: Buffer, start: number, end: number) => number | 'serial.stray-bytes'): Framing {
  return {
    maxBytes: RTU_MAX_BYTES,
    measure,
    holds: (bytes, start, end) => crc16('crc16-modbus', bytes, start, end - CRC) === bytes.readUInt16LE(end - CRC),
    content: (frame) => readRtu(frame).pdu,
  };
}

function lengthBy(length: Length, bytes: Buffer, start: number, end: number): number {
  if ('fixed' in length) return length.fixed;
  const at = start + length.countAt;
  return at < end ? length.countAt + 1 + bytes[at]! + CRC : ~0;
}
