import type { SentFrame } from '../../contracts/device-arrival.ts';
import type { ContentOf } from '../../contracts/device-profile/keys.ts';
import { type ModbusPoint, modbusPoints } from '../../contracts/device-profile/modbus-points.ts';
import type { Reading } from '../../contracts/vitals.ts';
import { bitAt, bytesForBits } from '../../protocols/modbus/bits.ts';
import { decodeValue } from '../../protocols/modbus/decode-value.ts';
import { registersIn } from '../../protocols/modbus/plan.ts';
import { type Judged, NO_VALUE, readingOf, within } from './judged.ts';
import type { FrameReader } from './reader.ts';

type Block = Extract<SentFrame, { readonly kind: 'modbus' }>;
type Content = ContentOf<'modbus-tcp'> | ContentOf<'modbus-rtu'>;

/** The points that lie wholly in a block of a response; each block is read for itself. */
export function modbusReader(content: Content): FrameReader<'modbus'> {
  const points = modbusPoints(content.modbus, content.points);
  const names = new Map(content.points.map((point) => [point.id, point]));
  return (block, bytes) => {
    const readings: Reading[] = [];
    for (const point of points) {
      if (!isIn(block, point)) continue;
      const { plausible } = { plausible: undefined, ...names.get(point.id)! };
      readings.push(readingOf(names.get(point.id)!, judged(block, point, bytes, plausible)));
    }
    return readings;
  };
}

function isIn(block: Block, point: ModbusPoint): boolean {
  return (
    point.unit === block.unit &&
    point.table === block.table &&
    point.address >= block.address &&
    point.address + point.quantity <= block.address + block.quantity
  );
}

function judged(block: Block, point: ModbusPoint, bytes: Buffer, plausible: Parameters<typeof within>[1]): Judged {
  if (!point.holds) {
    if (bytes.length < bytesForBits(block.quantity)) return NO_VALUE;
    return { value: bitAt(bytes, point.address - block.address), validity: 'Vld' };
  }
  const read = decodeValue(registersIn(block, point, bytes), point.holds);
  if (read.validity !== 'Vld') return { validity: read.validity };
  if (typeof read.value === 'number') return within(read.value, plausible);
  if (typeof read.value !== 'bigint') return { value: read.value, validity: 'Vld' };
  const number = Number(read.value);
  // Beyond 2^53 a number is rounded, which a reader should know.
  return within(number, plausible, Number.isSafeInteger(number) ? 'Vld' : 'Qst');
}
