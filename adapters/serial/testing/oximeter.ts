/** One packet of Nonin's format #2: 25 frames of five bytes, with this rate and saturation. */
export function noninPacket(pulse: number, spo2: number): Buffer {
  const packet = Buffer.alloc(125);
  for (let frame = 0; frame < 25; frame++) {
    const at = frame * 5;
    packet[at] = 0x01;
    packet[at + 1] = 0x80 | (frame === 0 ? 0x01 : 0);
    packet[at + 2] = 100 + frame;
    packet[at + 3] = fourth(frame + 1, pulse, spo2);
    packet[at + 4] = packet.subarray(at, at + 4).reduce((sum, byte) => (sum + byte) & 0xff, 0);
  }
  return packet;
}

function fourth(frame: number, pulse: number, spo2: number): number {
  if (frame === 20) return pulse >> 7;
  if (frame === 21) return pulse & 0x7f;
  return frame === 9 ? spo2 : 0;
}
