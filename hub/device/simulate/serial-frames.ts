import type { ContentOf } from '../../../contracts/device-profile/keys.ts';
import { bytesOf } from '../../../contracts/device-profile/serial-keys.ts';
import { HubError } from '../../../core/errors.ts';
import { encodeValue } from '../../../protocols/modbus/encode-value.ts';
import { ModbusFault } from '../../../protocols/modbus/fault.ts';
import { unscaled } from '../../../protocols/modbus/scale.ts';
import { writeCheck } from '../../../protocols/serial-framing/check.ts';
import { SerialFault } from '../../../protocols/serial-framing/fault.ts';
import { encodeLengthPrefixed } from '../../../protocols/serial-framing/length-prefixed.ts';
import type { PlayedValue } from './played-values.ts';

const FRAMES = 25;
const GREEN = 0x02;
const SENSOR_OFF = 0x40;

/** A packet of Nonin’s format #2: 25 frames of five bytes, a third of a second. */
export function noninPacket({ points }: ContentOf<'nonin'>, values: ReadonlyMap<string, PlayedValue>): Buffer {
  const shown = (from: string) => values.get(points.find((point) => point.from === from)?.id ?? '');
  const off = shown('sensorDisconnected') === true;
  const number = (from: string, none: number) => {
    const value = shown(from);
    return off || typeof value !== 'number' ? none : Math.min(none - 1, Math.max(0, Math.round(value)));
  };
  const rate = number('pulseRate', 511);
  const saturation = number('spo2', 127);
  const packet = Buffer.alloc(5 * FRAMES);
  for (let frame = 0; frame < FRAMES; frame++) {
    const at = 5 * frame;
    packet[at] = 0x01;
    packet[at + 1] = 0x80 | (frame === 0 ? 0x01 : 0) | (off ? SENSOR_OFF : GREEN);
    packet[at + 2] = off ? 0 : Math.round(128 + 90 * Math.sin((2 * Math.PI * frame) / FRAMES));
    packet[at + 3] = FOURTH[frame + 1]?.(rate, saturation) ?? 0;
    packet[at + 4] = (packet[at]! + packet[at + 1]! + packet[at + 2]! + packet[at + 3]!) & 0xff;
  }
  return packet;
}

/** What the fourth byte of a frame says, by its number from 1: the rate in nine bits, the saturation in seven. */
const FOURTH: Readonly<Record<number, (rate: number, saturation: number) => number>> = {
  9: (_, saturation) => saturation,
  20: (rate) => rate >> 7,
  21: (rate) => rate & 0x7f,
};

/**
 * A binary frame: its marks, the values at their places, its check; where it says its length, as long as its points need. Throws HubError
 * `config-invalid` where it cannot hold them.
 */
export function binaryFrame({ serial, points }: ContentOf<'binary'>, values: ReadonlyMap<string, PlayedValue>): Buffer {
  const { framing } = serial;
  const frame = emptyFrame(framing, Math.max(...points.map(({ at, type }) => at + bytesOf(type))));
  for (const point of points) {
    const value = values.get(point.id);
    if (typeof value !== 'number') continue;
    const raw = Math.round(unscaled(value, point.scale ?? 1, point.offset ?? 0));
    if (point.type === 'u8' || point.type === 'i8') {
      frame[point.at] = raw & 0xff;
      continue;
    }
    const encoded = encodeValue(
      point.type.startsWith('f') ? unscaled(value, point.scale ?? 1, point.offset ?? 0) : raw,
      { type: point.type, order: point.order ?? 'ABCD' },
    );
    if (!(encoded instanceof ModbusFault) && point.at + bytesOf(point.type) <= frame.length)
      encoded.copy(frame, point.at);
  }
  if (framing.type === 'fixed')
    for (const { at, mask, value } of framing.sync) frame[at] = (frame[at]! & ~mask) | (value & mask);
  if ('check' in framing && framing.check) writeCheck(frame, framing.check);
  return frame;
}

/** @param needed bytes up to the end of the last value */
function emptyFrame(framing: ContentOf<'binary'>['serial']['framing'], needed: number): Buffer {
  if (framing.type === 'fixed') return Buffer.alloc(framing.length);
  if (framing.type !== 'length-prefixed') throw unplayable(`frames of the kind ${framing.type}`);
  const { start, lengthAt, lengthBytes, order, adds, maxBytes, check } = framing;
  const content = Buffer.alloc(Math.max(0, needed - lengthAt - lengthBytes));
  const where = { start: Uint8Array.from(start), lengthAt, lengthBytes, order, adds, maxBytes };
  const frame = encodeLengthPrefixed(content, { ...where, ...(check && { check }) });
  if (frame instanceof SerialFault) throw unplayable('a frame that is longer than its profile allows');
  return frame;
}

export function unplayable(what: string): HubError {
  return new HubError('config-invalid', 'permanent', `simulating a device: ${what} cannot be made up from a profile`);
}
