/** Silences of a serial line, in microseconds (MODBUS over Serial Line V1.02 §2.5.1.1). */
export interface RtuTiming {
  /** One character. */
  readonly characterUs: number;
  /** A longer silence inside of a frame makes it void: 1.5 characters. */
  readonly withinFrameUs: number;
  /** A silence of this length ends a frame: 3.5 characters. */
  readonly betweenFramesUs: number;
}

/** Start bit, eight data bits, parity or a second stop bit, stop bit; many devices use 10 without either. */
export const RTU_BITS = 11;
const FAST = 19_200;

/** Above 19,200 baud the two silences are fixed: 750 µs and 1,750 µs. */
export function rtuTiming(baud: number, bitsPerCharacter = RTU_BITS): RtuTiming {
  const characterUs = (bitsPerCharacter * 1_000_000) / baud;
  return baud > FAST
    ? { characterUs, withinFrameUs: 750, betweenFramesUs: 1_750 }
    : { characterUs, withinFrameUs: 1.5 * characterUs, betweenFramesUs: 3.5 * characterUs };
}

/** How long so many bytes take on the line, in microseconds. */
export function transmissionUs(bytes: number, baud: number, bitsPerCharacter = RTU_BITS): number {
  return bytes * rtuTiming(baud, bitsPerCharacter).characterUs;
}
