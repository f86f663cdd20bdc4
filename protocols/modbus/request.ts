import { requestFault } from './check-request.ts';
import { badLength, decodeEchoed, encodeEchoed } from './echoed.ts';
import { ModbusFault } from './fault.ts';
import { decodeRanges, encodeRanges } from './file-records.ts';
import { FUNCTION_CODES, functionOf } from './functions.ts';
import type { ModbusRequest } from './message.ts';
import { words } from './words.ts';

/** The encapsulated interface that reads a device's identification (V1.1b3 §6.21). */
export const MEI_DEVICE_IDENTIFICATION = 14;

/** The PDU of a request, at most 253 bytes; a fault where the specification does not allow it. */
export function encodeRequest(request: ModbusRequest): Buffer | ModbusFault {
  const fault = requestFault(request);
  if (fault) return fault;
  const code = Buffer.of(FUNCTION_CODES[request.function]);
  switch (request.function) {
    case 'read-coils':
    case 'read-discrete-inputs':
    case 'read-holding-registers':
    case 'read-input-registers':
      return Buffer.concat([code, words(request.address, request.quantity)]);
    case 'write-coils':
      return Buffer.concat([
        code,
        words(request.address, request.quantity),
        Buffer.of(request.bits.length),
        request.bits,
      ]);
    case 'write-registers':
      return Buffer.concat([code, words(request.address), counted(request.registers)]);
    case 'read-write-registers':
      return Buffer.concat([
        code,
        words(request.address, request.quantity, request.writeAddress),
        counted(request.registers),
      ]);
    case 'read-fifo':
      return Buffer.concat([code, words(request.address)]);
    case 'read-file-records':
      return Buffer.concat([code, encodeRanges(request.ranges)]);
    case 'read-device-identification':
      return Buffer.of(code[0]!, MEI_DEVICE_IDENTIFICATION, request.category, request.object);
    case 'read-exception-status':
    case 'read-event-counter':
    case 'read-event-log':
    case 'report-server-id':
      return code;
    default:
      return encodeEchoed(request);
  }
}

/**
 * The request in a PDU; a fault where it is none that the specification allows. What an unknown function asks is
 * modbus.unknown-function: its code is `pdu[0]`. Buffers are views of the PDU.
 */
export function decodeRequest(pdu: Buffer): ModbusRequest | ModbusFault {
  const request = shapeOf(pdu);
  return request instanceof ModbusFault ? request : (requestFault(request) ?? request);
}

function shapeOf(pdu: Buffer): ModbusRequest | ModbusFault {
  const name = pdu.length === 0 ? undefined : functionOf(pdu[0]!);
  switch (name) {
    case undefined:
      return new ModbusFault('modbus.unknown-function', 'decoding a request: its function code is not known');
    case 'read-coils':
    case 'read-discrete-inputs':
    case 'read-holding-registers':
    case 'read-input-registers':
      if (pdu.length !== 5) break;
      return { function: name, address: pdu.readUInt16BE(1), quantity: pdu.readUInt16BE(3) };
    case 'write-coils':
      if (pdu.length < 6 || pdu.length !== 6 + pdu[5]!) break;
      return {
        function: name,
        address: pdu.readUInt16BE(1),
        quantity: pdu.readUInt16BE(3),
        bits: pdu.subarray(6),
      };
    case 'write-registers':
      if (!isCounted(pdu, 3)) break;
      return { function: name, address: pdu.readUInt16BE(1), registers: pdu.subarray(6) };
    case 'read-write-registers':
      if (!isCounted(pdu, 7)) break;
      return {
        function: name,
        address: pdu.readUInt16BE(1),
        quantity: pdu.readUInt16BE(3),
        writeAddress: pdu.readUInt16BE(5),
        registers: pdu.subarray(10),
      };
    case 'read-fifo':
      if (pdu.length !== 3) break;
      return { function: name, address: pdu.readUInt16BE(1) };
    case 'read-file-records': {
      const ranges = pdu[1] === pdu.length - 2 ? decodeRanges(pdu.subarray(2)) : undefined;
      if (ranges === undefined) break;
      return { function: name, ranges };
    }
    case 'read-device-identification':
      if (pdu.length !== 4) break;
      if (pdu[1] !== MEI_DEVICE_IDENTIFICATION) {
        return new ModbusFault('modbus.unknown-function', 'decoding a request: its MEI type is not known');
      }
      // Which categories there are is checked with the other values.
      return { function: name, category: pdu[2] as 1, object: pdu[3]! };
    case 'read-exception-status':
    case 'read-event-counter':
    case 'read-event-log':
    case 'report-server-id':
      if (pdu.length !== 1) break;
      return { function: name };
    default:
      return decodeEchoed(name, pdu);
  }
  return badLength(name);
}

/** Quantity and byte count before registers that are written. */
function counted(registers: Buffer): Buffer {
  return Buffer.concat([words(registers.length / 2), Buffer.of(registers.length), registers]);
}

/** Whether at `at` there is a quantity of registers, their byte count, and exactly so many bytes. */
function isCounted(pdu: Buffer, at: number): boolean {
  const start = at + 3;
  return pdu.length >= start && pdu[at + 2] === pdu.length - start && pdu.readUInt16BE(at) * 2 === pdu[at + 2];
}
