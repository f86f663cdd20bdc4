import type { ModbusPointKeys } from '../../contracts/device-profile/modbus-keys.ts';
import { modbusPoint } from '../../contracts/device-profile/modbus-points.ts';
import type { DeviceOf } from '../../contracts/device-profile/profile-in-use.ts';
import type { DeviceWrite } from '../../contracts/device-write.ts';
import { packBits } from '../../protocols/modbus/bits.ts';
import { encodeValue } from '../../protocols/modbus/encode-value.ts';
import { ModbusFault } from '../../protocols/modbus/fault.ts';
import type { ModbusRequest } from '../../protocols/modbus/message.ts';
import { type ReadPoint, readRequest } from '../../protocols/modbus/plan.ts';

export type ModbusDevice = DeviceOf<'modbus-tcp' | 'modbus-rtu'>;

/** A write as it is sent, and the request that shows whether the device has it. */
export interface WriteRequest {
  readonly request: ModbusRequest;
  readonly readBack: ModbusRequest;
  /** What is read then, as it travels. */
  readonly expected: Buffer;
}

/** The request that gives a point its value; or why there is none, without the value. */
export function writeRequest(
  { content }: ModbusDevice,
  { point: id, value }: DeviceWrite,
  multiple: boolean,
): WriteRequest | string {
  const point = content.points.find((each) => each.id === id);
  if (!point) return `the profile has no point ${id}`;
  if (!point.writable) return `the profile does not let ${id} be written: writable`;
  const implausible = implausibility(point, value);
  if (implausible !== undefined) return implausible;
  const placed = modbusPoint(content.modbus, point);
  if (placed instanceof ModbusFault) return placed.reason;
  const { address } = placed;
  const readBack = readRequest(placed satisfies ReadPoint);
  if (!placed.holds) {
    if (typeof value !== 'boolean') return `${id} is a coil: true or false is needed`;
    const expected = packBits([value]);
    const request: ModbusRequest = multiple
      ? { function: 'write-coils', address, quantity: 1, bits: expected }
      : { function: 'write-coil', address, value };
    return { request, readBack, expected };
  }
  const expected = encodeValue(value, placed.holds);
  if (expected instanceof ModbusFault) return expected.reason;
  const request: ModbusRequest =
    expected.length === 2 && !multiple
      ? { function: 'write-register', address, value: expected.readUInt16BE(0) }
      : { function: 'write-registers', address, registers: expected };
  return { request, readBack, expected };
}

function implausibility(point: ModbusPointKeys, value: DeviceWrite['value']): string | undefined {
  const { plausible } = { plausible: undefined, ...point };
  if (typeof value !== 'number' || !plausible) return undefined;
  const { min = -Infinity, max = Infinity } = plausible;
  return value >= min && value <= max ? undefined : `the value is not within what is plausible for ${point.id}`;
}
