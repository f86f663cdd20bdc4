import type { ReadBitsName, ReadRegistersName } from './functions.ts';

/** A range in a file (V1.1b3 §6.14). */
export interface FileRange {
  /** 1 to 65,535. */
  readonly file: number;
  /** The first record, 0 to 9,999. */
  readonly record: number;
  /** Records of 16 bits each. */
  readonly quantity: number;
}

export interface FileRecords {
  readonly file: number;
  readonly record: number;
  /** Two bytes for each record. */
  readonly registers: Buffer;
}

/** What request and response both have: the response repeats the request. */
export type EchoedMessage =
  | { readonly function: 'write-coil'; readonly address: number; readonly value: boolean }
  | { readonly function: 'write-register'; readonly address: number; readonly value: number }
  /** The register becomes (old AND `and`) OR (`or` AND NOT `and`). */
  | { readonly function: 'mask-write-register'; readonly address: number; readonly and: number; readonly or: number }
  /** `data` is an even number of bytes; most subfunctions have two. */
  | { readonly function: 'diagnostics'; readonly subfunction: number; readonly data: Buffer }
  | { readonly function: 'write-file-records'; readonly records: readonly FileRecords[] };

/**
 * What a client asks. Addresses are those of the protocol: 0 to 65,535. `registers` are bytes as they travel, two for each
 * register, the high one first; `bits` are packed (`packBits`).
 */
export type ModbusRequest =
  | EchoedMessage
  | {
      readonly function: ReadBitsName | ReadRegistersName;
      readonly address: number;
      /** Bits or registers. */
      readonly quantity: number;
    }
  | { readonly function: 'write-coils'; readonly address: number; readonly quantity: number; readonly bits: Buffer }
  | { readonly function: 'write-registers'; readonly address: number; readonly registers: Buffer }
  | {
      readonly function: 'read-write-registers';
      readonly address: number;
      /** Registers to read. */
      readonly quantity: number;
      readonly writeAddress: number;
      readonly registers: Buffer;
    }
  | { readonly function: 'read-fifo'; readonly address: number }
  | {
      readonly function: 'read-exception-status' | 'read-event-counter' | 'read-event-log' | 'report-server-id';
    }
  | { readonly function: 'read-file-records'; readonly ranges: readonly FileRange[] }
  | {
      readonly function: 'read-device-identification';
      /** 1 basic, 2 regular, 3 extended: objects from `object` on; 4: this object only (V1.1b3 §6.21). */
      readonly category: 1 | 2 | 3 | 4;
      readonly object: number;
    };

export interface DeviceObject {
  /** 0 vendor, 1 product code, 2 revision, 3 URL, 4 product, 5 model, 6 application; 128 and above are the vendor's own. */
  readonly id: number;
  readonly value: Buffer;
}

/** What a server answers. Buffers are views of the PDU that was decoded. */
export type ModbusResponse =
  | EchoedMessage
  | { readonly function: ReadBitsName; readonly bits: Buffer }
  | { readonly function: ReadRegistersName | 'read-write-registers' | 'read-fifo'; readonly registers: Buffer }
  | { readonly function: 'write-coils' | 'write-registers'; readonly address: number; readonly quantity: number }
  | { readonly function: 'read-exception-status'; readonly status: number }
  | { readonly function: 'read-event-counter'; readonly status: number; readonly events: number }
  | {
      readonly function: 'read-event-log';
      readonly status: number;
      readonly events: number;
      readonly messages: number;
      /** The newest event first. */
      readonly log: Buffer;
    }
  /** The id is of the device's own making, its run indicator included. */
  | { readonly function: 'report-server-id'; readonly id: Buffer }
  /** The registers of each range that was asked for, in that order. */
  | { readonly function: 'read-file-records'; readonly ranges: readonly Buffer[] }
  | {
      readonly function: 'read-device-identification';
      readonly category: 1 | 2 | 3 | 4;
      readonly conformity: number;
      /** Where more objects follow: the one to ask for next. */
      readonly next?: number;
      readonly objects: readonly DeviceObject[];
    }
  | {
      readonly function: 'exception';
      /** The function code that was refused, without the exception bit: it may be one that is not known here. */
      readonly of: number;
      /** See `exceptionMeaning`. */
      readonly exception: number;
    };
