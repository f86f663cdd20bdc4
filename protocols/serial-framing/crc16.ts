/** A 16-bit CRC as the catalogues describe it: polynomial, start value, whether bits are reflected, and what is XORed at the end. */
interface Crc16 {
  readonly table: Uint16Array;
  readonly initial: number;
  readonly reflected: boolean;
  readonly final: number;
}

const ARC = tableOf(0xa001, true);
const CCITT = tableOf(0x1021, false);
const CCITT_REFLECTED = tableOf(0x8408, true);

/**
 * By the names of the catalogue of parametrised CRCs (reveng, "width=16"); `ccitt-false` is its CRC-16/IBM-3740, `x25` its
 * CRC-16/IBM-SDLC. Reflected polynomials are written reflected.
 */
const VARIANTS = {
  'crc16-arc': { table: ARC, initial: 0, reflected: true, final: 0 },
  /** MODBUS over Serial Line V1.02 §2.5.1.2. */
  'crc16-modbus': { table: ARC, initial: 0xffff, reflected: true, final: 0 },
  'crc16-xmodem': { table: CCITT, initial: 0, reflected: false, final: 0 },
  'crc16-ccitt-false': { table: CCITT, initial: 0xffff, reflected: false, final: 0 },
  'crc16-kermit': { table: CCITT_REFLECTED, initial: 0, reflected: true, final: 0 },
  'crc16-x25': { table: CCITT_REFLECTED, initial: 0xffff, reflected: true, final: 0xffff },
} as const satisfies Record<string, Crc16>;

export type Crc16Name = keyof typeof VARIANTS;

/** The CRC of `bytes[start, end)`, 0 to 0xFFFF. In which order its bytes stand in a frame is the frame's matter. */
export function crc16(name: Crc16Name, bytes: Uint8Array, start = 0, end = bytes.length): number {
  const { table, initial, reflected, final } = VARIANTS[name];
  let crc: number = initial;
  if (reflected) for (let at = start; at < end; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 0xff]!;
  else for (let at = start; at < end; at++) crc = ((crc << 8) & 0xffff) ^ table[(crc >>> 8) ^ bytes[at]!]!;
  return crc ^ final;
}

function tableOf(polynomial: number, reflected: boolean): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let crc = reflected ? byte : byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      if (reflected) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
      else crc = crc & 0x8000 ? ((crc << 1) ^ polynomial) & 0xffff : (crc << 1) & 0xffff;
    }
    return crc;
  });
}
