/** OIDs of PostgreSQL’s catalog (pg_type.dat). */
const oids = { int2: 21, int4: 23, int8: 20, float8: 701, timestamptz: 1184 } as const;
/** Dimensions, whether there are nulls, type, length, lower bound (PostgreSQL 15, array_send). */
const headBytes = 20;
/** Microseconds from 1970 to 2000, where PostgreSQL counts from. */
const epochMicros = 946_684_800_000_000n;

const writers = {
  int2: { size: 2, write: (into: Buffer, value: number, at: number) => into.writeInt16BE(value, at) },
  int4: { size: 4, write: (into: Buffer, value: number, at: number) => into.writeInt32BE(value, at) },
  float8: { size: 8, write: (into: Buffer, value: number, at: number) => into.writeDoubleBE(value, at) },
  timestamptz: { size: 8, write: writeMicros },
} as const;

/**
 * An array as one binary parameter. The server reads a thousand numbers so in the time in which it parses a hundred of a text, and a
 * double arrives as it was.
 * @param type of `timestamptz` values are microseconds since 1970
 */
export function binaryArray(type: keyof typeof writers, values: readonly (number | null)[]): Buffer {
  const { size, write } = writers[type];
  const bytes = Buffer.allocUnsafe(headBytes + values.length * (4 + size));
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(values.includes(null) ? 1 : 0, 4);
  bytes.writeInt32BE(oids[type], 8);
  bytes.writeInt32BE(values.length, 12);
  bytes.writeInt32BE(1, 16);
  let at = headBytes;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (value === null) {
      at = bytes.writeInt32BE(-1, at);
      continue;
    }
    at = bytes.writeInt32BE(size, at);
    at = write(bytes, value, at);
  }
  return bytes.subarray(0, at);
}

function writeMicros(into: Buffer, micros: number, at: number): number {
  return into.writeBigInt64BE(BigInt(micros) - epochMicros, at);
}
