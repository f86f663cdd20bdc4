import { ModbusFault } from './fault.ts';
import { LIMITS } from './functions.ts';

/** Transaction, protocol, length, unit (MODBUS Messaging on TCP/IP V1.0b §3.1.3). */
const HEADER = 7;
/** What the length counts: the unit and a PDU of 1 to 253 bytes. */
const LEAST = 2;
const MOST = LIMITS.pdu + 1;

export interface TcpFrame {
  /** 0 to 65,535: the client's, which the server repeats. */
  readonly transaction: number;
  readonly unit: number;
  readonly pdu: Buffer;
}

/** The ADU of a PDU of 1 to 253 bytes: at most 260 bytes. */
export function encodeTcp(transaction: number, unit: number, pdu: Buffer): Buffer {
  const adu = Buffer.allocUnsafe(HEADER + pdu.length);
  adu.writeUInt16BE(transaction, 0);
  adu.writeUInt16BE(0, 2);
  adu.writeUInt16BE(pdu.length + 1, 4);
  adu[6] = unit;
  pdu.copy(adu, HEADER);
  return adu;
}

/**
 * Cuts a TCP stream into frames. Never throws; what comes out does not depend on how the stream is cut. A header whose
 * protocol is not 0 or whose length is not 2 to 254 is a fault, told as soon as it is known, and the last thing that
 * comes: nothing says where the next frame would begin, so the connection must be closed. Holds less than one frame.
 */
export class TcpDecoder {
  #held: Buffer = Buffer.alloc(0);
  #broken = false;

  /** Whether a fault was told: no more frames come. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Bytes that are held of a frame that has not ended. */
  get buffered(): number {
    return this.#held.length;
  }

  /** The frames that end in this chunk, in order, and the fault if there is one. PDUs are views: the chunk must not be used again. */
  decode(chunk: Buffer): (TcpFrame | ModbusFault)[] {
    const found: (TcpFrame | ModbusFault)[] = [];
    if (this.#broken) return found;
    const bytes = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    let at = 0;
    while (true) {
      const fault = headerFault(bytes, at);
      if (fault) {
        found.push(fault);
        this.#broken = true;
        this.#held = Buffer.alloc(0);
        return found;
      }
      if (bytes.length - at < HEADER) break;
      const end = at + HEADER - 1 + bytes.readUInt16BE(at + 4);
      if (end > bytes.length) break;
      found.push({
        transaction: bytes.readUInt16BE(at),
        unit: bytes[at + 6]!,
        pdu: bytes.subarray(at + HEADER, end),
      });
      at = end;
    }
    // A copy, so that a few bytes do not keep a large chunk.
    this.#held = Buffer.from(bytes.subarray(at));
    return found;
  }
}

/** What is wrong with the header at `at`, as far as it is there. */
function headerFault(bytes: Buffer, at: number): ModbusFault | undefined {
  const there = bytes.length - at;
  if ((there > 2 && bytes[at + 2] !== 0) || (there > 3 && bytes[at + 3] !== 0)) {
    return new ModbusFault('modbus.bad-protocol', 'decoding a TCP header: its protocol is not 0');
  }
  if (there < 6) return undefined;
  const length = bytes.readUInt16BE(at + 4);
  return length < LEAST || length > MOST
    ? new ModbusFault('modbus.bad-header-length', `decoding a TCP header: its length is not ${LEAST} to ${MOST}`)
    : undefined;
}
