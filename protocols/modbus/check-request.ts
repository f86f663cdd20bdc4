import { bytesForBits } from './bits.ts';
import { ModbusFault } from './fault.ts';
import { LIMITS } from './functions.ts';
import type { FileRange, FileRecords, ModbusRequest } from './message.ts';

/** Bytes that file requests may have after their byte count (V1.1b3 §6.14, §6.15). */
const FILE_READ_BYTES = 0xf5;
const FILE_WRITE_BYTES = 0xfb;
const RECORDS_PER_FILE = 10_000;

/** Why a request is none that the specification allows (V1.1b3 §6); undefined when it is. */
export function requestFault(request: ModbusRequest): ModbusFault | undefined {
  switch (request.function) {
    case 'read-coils':
    case 'read-discrete-inputs':
      return rangeFault(request.address, request.quantity, LIMITS.readBits);
    case 'read-holding-registers':
    case 'read-input-registers':
      return rangeFault(request.address, request.quantity, LIMITS.readRegisters);
    case 'write-coil':
    case 'read-fifo':
      return rangeFault(request.address, 1, 1);
    case 'write-register':
      return rangeFault(request.address, 1, 1) ?? wordFault(request.value);
    case 'mask-write-register':
      return rangeFault(request.address, 1, 1) ?? wordFault(request.and) ?? wordFault(request.or);
    case 'write-coils':
      return (
        rangeFault(request.address, request.quantity, LIMITS.writeBits) ??
        (request.bits.length === bytesForBits(request.quantity) ? undefined : lengthFault())
      );
    case 'write-registers':
      return registersFault(request.address, request.registers, LIMITS.writeRegisters);
    case 'read-write-registers':
      return (
        rangeFault(request.address, request.quantity, LIMITS.readRegisters) ??
        registersFault(request.writeAddress, request.registers, LIMITS.writeWhileReading)
      );
    case 'diagnostics':
      if (request.data.length % 2 !== 0 || request.data.length > LIMITS.pdu - 3) return lengthFault();
      return wordFault(request.subfunction);
    case 'read-file-records':
      return fileReadFault(request.ranges);
    case 'write-file-records':
      return fileWriteFault(request.records);
    case 'read-device-identification':
      return isWithin(request.category, 1, 4) && isWithin(request.object, 0, 0xff) ? undefined : valueFault();
    case 'read-exception-status':
    case 'read-event-counter':
    case 'read-event-log':
    case 'report-server-id':
      return undefined;
    default:
      request satisfies never;
      return undefined;
  }
}

function rangeFault(address: number, quantity: number, most: number): ModbusFault | undefined {
  if (!isWithin(quantity, 1, most)) {
    return new ModbusFault('modbus.bad-quantity', `checking a request: a quantity is not 1 to ${most}`);
  }
  if (!isWithin(address, 0, LIMITS.addresses - quantity)) {
    return new ModbusFault('modbus.bad-address', 'checking a request: it goes beyond addresses 0 to 65,535');
  }
  return undefined;
}

function registersFault(address: number, registers: Buffer, most: number): ModbusFault | undefined {
  return registers.length % 2 === 0 ? rangeFault(address, registers.length / 2, most) : lengthFault();
}

function wordFault(value: number): ModbusFault | undefined {
  return isWithin(value, 0, 0xffff) ? undefined : valueFault();
}

function fileReadFault(ranges: readonly FileRange[]): ModbusFault | undefined {
  let answered = 0;
  for (const range of ranges) {
    const fault = fileFault(range, range.quantity);
    if (fault) return fault;
    answered += 2 + 2 * range.quantity;
  }
  return ranges.length > 0 && 7 * ranges.length <= FILE_READ_BYTES && answered <= FILE_READ_BYTES
    ? undefined
    : new ModbusFault('modbus.bad-quantity', 'checking a request: file records do not fit into one message');
}

function fileWriteFault(records: readonly FileRecords[]): ModbusFault | undefined {
  let bytes = 0;
  for (const one of records) {
    const fault = one.registers.length % 2 === 0 ? fileFault(one, one.registers.length / 2) : lengthFault();
    if (fault) return fault;
    bytes += 7 + one.registers.length;
  }
  return records.length > 0 && bytes <= FILE_WRITE_BYTES
    ? undefined
    : new ModbusFault('modbus.bad-quantity', 'checking a request: file records do not fit into one message');
}

function fileFault(at: { readonly file: number; readonly record: number }, quantity: number): ModbusFault | undefined {
  if (!isWithin(at.file, 1, 0xffff)) return valueFault();
  if (!isWithin(quantity, 1, RECORDS_PER_FILE) || !isWithin(at.record, 0, RECORDS_PER_FILE - quantity)) {
    return new ModbusFault('modbus.bad-address', 'checking a request: it goes beyond records 0 to 9,999 of a file');
  }
  return undefined;
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function valueFault(): ModbusFault {
  return new ModbusFault('modbus.bad-value', 'checking a request: a field has a value that it cannot have');
}

function lengthFault(): ModbusFault {
  return new ModbusFault('modbus.bad-length', 'checking a request: what it writes is not as long as its quantity says');
}
