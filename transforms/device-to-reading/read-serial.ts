import type { ContentOf } from '../../contracts/device-profile/keys.ts';
import { framingOf } from '../../contracts/device-profile/serial-framing.ts';
import { type BinaryPointKeys, bytesOf, type TextPointKeys } from '../../contracts/device-profile/serial-keys.ts';
import type { Validity } from '../../contracts/vitals.ts';
import { HubError } from '../../core/errors.ts';
import { decodeValue } from '../../protocols/modbus/decode-value.ts';
import { SerialFault } from '../../protocols/serial-framing/fault.ts';
import { NoninDecoder, NoninGap } from '../../protocols/serial-framing/nonin.ts';
import { type Judged, judgedNumber, NO_VALUE, readingOf } from './judged.ts';
import type { FrameReader } from './reader.ts';

/** A packet of a Nonin module. While its sensor is off there is no value; while the signal is poor a value is questionable. */
export function noninReader({ points }: ContentOf<'nonin'>): FrameReader<'serial'> {
  return (_, bytes) => {
    const [packet, ...more] = new NoninDecoder().decode(bytes);
    if (!packet || packet instanceof NoninGap || packet instanceof SerialFault || more.length > 0)
      throw undecodable('it is not the 25 frames of one packet');
    const isOff = packet.sensorDisconnected || packet.sensorAlarm;
    const validity: Validity = packet.artifact || packet.outOfTrack ? 'Qst' : 'Vld';
    return points.map((point) => {
      const value = packet[point.from];
      if (typeof value === 'boolean' || typeof value === 'string') return readingOf(point, { value, validity: 'Vld' });
      return readingOf(point, value === undefined || isOff ? NO_VALUE : judgedNumber(value, point, validity));
    });
  };
}

/** A frame of text: what each point’s expression finds in it. */
export function textReader({ serial, points }: ContentOf<'text'>): FrameReader<'serial'> {
  const framing = serial.framing.type === 'stx-etx' ? framingOf(serial.framing) : undefined;
  const expressions = points.map((point) => ({ point, expression: new RegExp(point.match) }));
  return (_, bytes) => {
    const text = (framing ? framing.content(bytes) : bytes).toString('latin1');
    return expressions.flatMap(({ point, expression }) => {
      const found = expression.exec(text);
      return found ? [readingOf(point, judgedText(found[1], point))] : [];
    });
  };
}

function judgedText(found: string | undefined, point: TextPointKeys): Judged {
  const text = found?.trim();
  if (text === undefined || text === '' || point.invalid?.includes(text)) return NO_VALUE;
  if (point.type === 'text') return { value: text, validity: 'Vld' };
  return /^[+-]?\d+(?:\.\d+)?$/.test(text) ? judgedNumber(Number(text), point) : NO_VALUE;
}

/** A binary frame: the numbers at their places. */
export function binaryReader({ serial, points }: ContentOf<'binary'>): FrameReader<'serial'> {
  const length = serial.framing.type === 'fixed' ? serial.framing.length : undefined;
  return (_, bytes) => {
    if (length !== undefined && bytes.length !== length) throw undecodable(`it is not the ${length} bytes of a frame`);
    // A frame that says its own length may be too short for some of them.
    const within = points.filter(({ at, type }) => at + bytesOf(type) <= bytes.length);
    return within.map((point) => readingOf(point, judgedBytes(bytes, point)));
  };
}

function judgedBytes(bytes: Buffer, point: BinaryPointKeys): Judged {
  const raw = rawAt(bytes, point);
  return raw === undefined || point.invalid?.includes(raw) ? NO_VALUE : judgedNumber(raw, point);
}

function rawAt(bytes: Buffer, { type, at, order = 'ABCD' }: BinaryPointKeys): number | undefined {
  if (type === 'u8') return bytes.readUInt8(at);
  if (type === 'i8') return bytes.readInt8(at);
  const read = decodeValue(bytes.subarray(at, at + bytesOf(type)), { type, order });
  return read.validity === 'Vld' ? Number(read.value) : undefined;
}

function undecodable(reason: string): HubError {
  return new HubError('decode-failed', 'permanent', `reading a serial frame: ${reason}`);
}
