import { requestFault } from './check-request.ts';
import { decodeDeviceIdentification, encodeDeviceIdentification } from './device-identification.ts';
import { badLength, decodeEchoed, encodeEchoed } from './echoed.ts';
import { ModbusFault } from './fault.ts';
import { decodeAnswered, encodeAnswered } from './file-records.ts';
import { EXCEPTION_BIT, FUNCTION_CODES, functionOf, LIMITS } from './functions.ts';
import type { ModbusResponse } from './message.ts';
import { words } from './words.ts';

/** The PDU of a response; a fault where it has more than 253 bytes, half a register, or a number beyond its field. */
export function encodeResponse(response: ModbusResponse): Buffer | ModbusFault {
  const fault = numberFault(response);
  if (fault) return fault;
  const pdu = bytesOf(response);
  // Byte counts have written themselves modulo 256 by then, but such a PDU is longer than allowed anyway.
  if (pdu === undefined || pdu.length > LIMITS.pdu) {
    return new ModbusFault('modbus.bad-length', `encoding ${response.function}: it does not fit into a response`);
  }
  return pdu;
}

/** Fields of one byte; the others have two. */
const BYTES: Readonly<Record<string, number>> = { of: 0x7f, exception: 0xff, conformity: 0xff, next: 0xff };

function numberFault(response: ModbusResponse): ModbusFault | undefined {
  for (const [field, value] of Object.entries(response)) {
    const most = response.function === 'read-exception-status' ? 0xff : (BYTES[field] ?? 0xffff);
    if (typeof value === 'number' && !(Number.isInteger(value) && value >= 0 && value <= most)) {
      return new ModbusFault('modbus.bad-value', `encoding ${response.function}: ${field} is not 0 to ${most}`);
    }
  }
  switch (response.function) {
    case 'write-coil':
    case 'write-register':
    case 'mask-write-register':
    case 'diagnostics':
    case 'write-file-records':
      return requestFault(response);
    default:
      return undefined;
  }
}

function bytesOf(response: ModbusResponse): Buffer | undefined {
  if (response.function === 'exception') {
    return Buffer.of(response.of | EXCEPTION_BIT, response.exception);
  }
  const code = Buffer.of(FUNCTION_CODES[response.function]);
  switch (response.function) {
    case 'read-coils':
    case 'read-discrete-inputs':
      return Buffer.concat([code, Buffer.of(response.bits.length), response.bits]);
    case 'read-holding-registers':
    case 'read-input-registers':
    case 'read-write-registers':
      if (response.registers.length % 2 !== 0) return undefined;
      return Buffer.concat([code, Buffer.of(response.registers.length), response.registers]);
    case 'read-fifo': {
      const { length } = response.registers;
      if (length % 2 !== 0 || length > 2 * LIMITS.fifoRegisters) return undefined;
      return Buffer.concat([code, words(length + 2, length / 2), response.registers]);
    }
    case 'write-coils':
    case 'write-registers':
      return Buffer.concat([code, words(response.address, response.quantity)]);
    case 'read-exception-status':
      return Buffer.of(code[0]!, response.status);
    case 'read-event-counter':
      return Buffer.concat([code, words(response.status, response.events)]);
    case 'read-event-log': {
      const counters = words(response.status, response.events, response.messages);
      return Buffer.concat([code, Buffer.of(counters.length + response.log.length), counters, response.log]);
    }
    case 'report-server-id':
      return Buffer.concat([code, Buffer.of(response.id.length), response.id]);
    case 'read-file-records':
      return Buffer.concat([code, encodeAnswered(response.ranges)]);
    case 'read-device-identification':
      return encodeDeviceIdentification(response);
    default:
      return encodeEchoed(response);
  }
}

/**
 * The response in a PDU; any function code with the high bit is an exception. A fault where it is not shaped as its
 * function's responses are. Whether it answers the request is for `answerFault` to say. Buffers are views of the PDU.
 */
export function decodeResponse(pdu: Buffer): ModbusResponse | ModbusFault {
  const code = pdu[0] ?? 0;
  if (code & EXCEPTION_BIT) {
    if (pdu.length !== 2) return badLength('exception');
    return { function: 'exception', of: code & ~EXCEPTION_BIT, exception: pdu[1]! };
  }
  const name = functionOf(code);
  switch (name) {
    case undefined:
      return new ModbusFault('modbus.unknown-function', 'decoding a response: its function code is not known');
    case 'read-coils':
    case 'read-discrete-inputs':
      if (!isCounted(pdu) || pdu.length === 2) break;
      return { function: name, bits: pdu.subarray(2) };
    case 'read-holding-registers':
    case 'read-input-registers':
    case 'read-write-registers':
      if (!isCounted(pdu) || pdu.length === 2 || pdu.length % 2 !== 0) break;
      return { function: name, registers: pdu.subarray(2) };
    case 'read-fifo': {
      if (pdu.length < 5 || pdu.readUInt16BE(1) !== pdu.length - 3) break;
      if (pdu.readUInt16BE(3) * 2 !== pdu.length - 5 || pdu.readUInt16BE(3) > LIMITS.fifoRegisters) break;
      return { function: name, registers: pdu.subarray(5) };
    }
    case 'write-coils':
    case 'write-registers':
      if (pdu.length !== 5) break;
      return { function: name, address: pdu.readUInt16BE(1), quantity: pdu.readUInt16BE(3) };
    case 'read-exception-status':
      if (pdu.length !== 2) break;
      return { function: name, status: pdu[1]! };
    case 'read-event-counter':
      if (pdu.length !== 5) break;
      return { function: name, status: pdu.readUInt16BE(1), events: pdu.readUInt16BE(3) };
    case 'read-event-log':
      if (!isCounted(pdu) || pdu.length < 8) break;
      return {
        function: name,
        status: pdu.readUInt16BE(2),
        events: pdu.readUInt16BE(4),
        messages: pdu.readUInt16BE(6),
        log: pdu.subarray(8),
      };
    case 'report-server-id':
      if (!isCounted(pdu)) break;
      return { function: name, id: pdu.subarray(2) };
    case 'read-file-records': {
      const ranges = isCounted(pdu) ? decodeAnswered(pdu.subarray(2)) : undefined;
      if (ranges === undefined) break;
      return { function: name, ranges };
    }
    case 'read-device-identification':
      return decodeDeviceIdentification(pdu) ?? badLength(name);
    default:
      return decodeEchoed(name, pdu);
  }
  return badLength(name);
}

function isCounted(pdu: Buffer): boolean {
  return pdu.length >= 2 && pdu[1] === pdu.length - 2;
}
