import { ModbusFault } from './fault.ts';
import { decodeRecords, encodeRecords } from './file-records.ts';
import { FUNCTION_CODES } from './functions.ts';
import type { EchoedMessage } from './message.ts';
import { words } from './words.ts';

const ON = 0xff00;

/** The PDU of a message whose response repeats its request. Its fields must be in range. */
export function encodeEchoed(message: EchoedMessage): Buffer {
  const code = Buffer.of(FUNCTION_CODES[message.function]);
  switch (message.function) {
    case 'write-coil':
      return Buffer.concat([code, words(message.address, message.value ? ON : 0)]);
    case 'write-register':
      return Buffer.concat([code, words(message.address, message.value)]);
    case 'mask-write-register':
      return Buffer.concat([code, words(message.address, message.and, message.or)]);
    case 'diagnostics':
      return Buffer.concat([code, words(message.subfunction), message.data]);
    case 'write-file-records':
      return Buffer.concat([code, encodeRecords(message.records)]);
    default:
      return message satisfies never;
  }
}

/** What a PDU of one of these functions says, request or response; a fault where it is not shaped as the function's are. */
export function decodeEchoed(name: EchoedMessage['function'], pdu: Buffer): EchoedMessage | ModbusFault {
  switch (name) {
    case 'write-coil': {
      if (pdu.length !== 5) break;
      const value = pdu.readUInt16BE(3);
      if (value !== ON && value !== 0) {
        return new ModbusFault('modbus.bad-value', 'decoding write-coil: a value is neither 0xFF00 nor 0x0000');
      }
      return { function: name, address: pdu.readUInt16BE(1), value: value === ON };
    }
    case 'write-register':
      if (pdu.length !== 5) break;
      return { function: name, address: pdu.readUInt16BE(1), value: pdu.readUInt16BE(3) };
    case 'mask-write-register':
      if (pdu.length !== 7) break;
      return { function: name, address: pdu.readUInt16BE(1), and: pdu.readUInt16BE(3), or: pdu.readUInt16BE(5) };
    case 'diagnostics':
      if (pdu.length < 3 || pdu.length % 2 === 0) break;
      return { function: name, subfunction: pdu.readUInt16BE(1), data: pdu.subarray(3) };
    case 'write-file-records': {
      const records = pdu[1] === pdu.length - 2 ? decodeRecords(pdu.subarray(2)) : undefined;
      if (records === undefined) break;
      return { function: name, records };
    }
    default:
      name satisfies never;
  }
  return badLength(name);
}

export function badLength(name: string): ModbusFault {
  return new ModbusFault('modbus.bad-length', `decoding ${name}: it is not as long as its function and counts say`);
}
