import { bytesForBits } from './bits.ts';
import { encodeEchoed } from './echoed.ts';
import { ModbusFault } from './fault.ts';
import { FUNCTION_CODES } from './functions.ts';
import type { ModbusRequest, ModbusResponse } from './message.ts';

/**
 * Why a response is not the answer to this request: another function, another quantity, or other values than those that it
 * must repeat. undefined where it is the answer; an exception is one when it names the request's function.
 */
export function answerFault(request: ModbusRequest, response: ModbusResponse): ModbusFault | undefined {
  if (response.function === 'exception') {
    return response.of === FUNCTION_CODES[request.function] ? undefined : wrongFunction(request);
  }
  if (response.function !== request.function) return wrongFunction(request);
  return brings(request, response)
    ? undefined
    : new ModbusFault(
        'modbus.wrong-echo',
        `matching a response to ${request.function}: it repeats other values or brings another quantity`,
      );
}

function brings(request: ModbusRequest, response: ModbusResponse): boolean {
  switch (response.function) {
    case 'read-coils':
    case 'read-discrete-inputs':
      return request.function === response.function && response.bits.length === bytesForBits(request.quantity);
    case 'read-holding-registers':
    case 'read-input-registers':
    case 'read-write-registers':
      return request.function === response.function && response.registers.length === 2 * request.quantity;
    case 'write-coils':
      return (
        request.function === response.function &&
        request.address === response.address &&
        request.quantity === response.quantity
      );
    case 'write-registers':
      return (
        request.function === response.function &&
        request.address === response.address &&
        request.registers.length === 2 * response.quantity
      );
    case 'read-file-records':
      return (
        request.function === response.function &&
        request.ranges.length === response.ranges.length &&
        request.ranges.every(({ quantity }, index) => response.ranges[index]!.length === 2 * quantity)
      );
    case 'read-device-identification':
      return request.function === response.function && request.category === response.category;
    case 'write-coil':
    case 'write-register':
    case 'mask-write-register':
    case 'write-file-records':
      return request.function === response.function && encodeEchoed(request).equals(encodeEchoed(response));
    case 'diagnostics':
      // Only subfunction 0 repeats its data; the others answer with a counter or a register (V1.1b3 §6.8).
      return (
        request.function === response.function &&
        request.subfunction === response.subfunction &&
        (request.subfunction !== 0 || request.data.equals(response.data))
      );
    default:
      return true;
  }
}

function wrongFunction(request: ModbusRequest): ModbusFault {
  return new ModbusFault(
    'modbus.wrong-function',
    `matching a response to ${request.function}: it is another function's`,
  );
}
