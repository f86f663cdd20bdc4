/** Numbers of 16 bits, the high byte first, as all fields of a PDU are (V1.1b3 §4.2). */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(2 * values.length);
  for (let index = 0; index < values.length; index++) bytes.writeUInt16BE(values[index]!, 2 * index);
  return bytes;
}
