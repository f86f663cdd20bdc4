/** Bits as coils travel: the first in the lowest bit of the first byte, the last byte filled with 0 (V1.1b3 §6.1). */
export function packBits(bits: readonly boolean[]): Buffer {
  const packed = Buffer.alloc(bytesForBits(bits.length));
  for (let index = 0; index < bits.length; index++) {
    if (bits[index]) packed[index >> 3] = packed[index >> 3]! | (1 << (index & 7));
  }
  return packed;
}

/** Bit `index` (from 0) of packed bits; false beyond their end. */
export function bitAt(packed: Uint8Array, index: number): boolean {
  return ((packed[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

export function bytesForBits(quantity: number): number {
  return (quantity + 7) >> 3;
}
