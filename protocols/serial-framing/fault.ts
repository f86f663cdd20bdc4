/** Every reason for which bytes of a serial line did not become a frame, the least telling first. */
export const SERIAL_FAULT_CODES = [
  /** Bytes that begin no frame. */
  'serial.stray-bytes',
  /** A frame began, but the line fell silent or another frame began before it ended. */
  'serial.unended',
  /** A frame says that it is, or turns out to be, longer than the receiver allows. */
  'serial.oversize',
  /** A frame is there by its shape, but its check value is wrong. */
  'serial.bad-check',
] as const;

export type SerialFaultCode = (typeof SERIAL_FAULT_CODES)[number];

/** A run of bytes between two frames that became none. A value among the frames: decoding goes on after it. */
export class SerialFault {
  /** The most telling reason in the run. */
  readonly code: SerialFaultCode;
  /** What came instead of a frame: whole up to `RUN_SHOWN` bytes, else its beginning. */
  readonly content: Buffer;

  constructor(code: SerialFaultCode, content: Buffer) {
    this.code = code;
    this.content = content;
  }
}

/** A frame with all its bytes, framing and check included, that nobody else has; or what came instead of one. */
export type Scanned = Buffer | SerialFault;
