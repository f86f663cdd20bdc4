import { FUNCTION_CODES } from './functions.ts';
import type { DeviceObject, ModbusResponse } from './message.ts';
import { MEI_DEVICE_IDENTIFICATION } from './request.ts';

type DeviceIdentification = Extract<ModbusResponse, { function: 'read-device-identification' }>;

/** Function code, MEI type, category, conformity level, "more follows", next object, number of objects (V1.1b3 §6.21). */
const HEAD = 7;
const MORE = 0xff;

/** The PDU, which may be too long for one; undefined where an object is. */
export function encodeDeviceIdentification(response: DeviceIdentification): Buffer | undefined {
  const { category, conformity, next, objects } = response;
  const code = FUNCTION_CODES['read-device-identification'];
  const more = next === undefined ? [0, 0] : [MORE, next];
  const parts: Buffer[] = [Buffer.of(code, MEI_DEVICE_IDENTIFICATION, category, conformity, ...more, objects.length)];
  for (const { id, value } of objects) {
    if (value.length > 0xff) return undefined;
    parts.push(Buffer.of(id, value.length), value);
  }
  return Buffer.concat(parts);
}

/** undefined where the PDU is not as long as its objects, or its fields have values that they cannot have. */
export function decodeDeviceIdentification(pdu: Buffer): DeviceIdentification | undefined {
  if (pdu.length < HEAD || pdu[1] !== MEI_DEVICE_IDENTIFICATION) return undefined;
  const category = pdu[2]!;
  if (category !== 1 && category !== 2 && category !== 3 && category !== 4) return undefined;
  const objects: DeviceObject[] = [];
  let at = HEAD;
  for (let left = pdu[6]!; left > 0; left--) {
    const end = at + 2 + (pdu[at + 1] ?? 0xff);
    if (end > pdu.length) return undefined;
    objects.push({ id: pdu[at]!, value: pdu.subarray(at + 2, end) });
    at = end;
  }
  if (at !== pdu.length) return undefined;
  const response = { function: 'read-device-identification', category, conformity: pdu[3]!, objects } as const;
  return pdu[4] === MORE ? { ...response, next: pdu[5]! } : response;
}

/**
 * The length of such a PDU that begins at `start`, as far as `bytes[start, end)` tells: undefined while more must come to
 * know it.
 */
export function deviceIdentificationLength(bytes: Buffer, start: number, end: number): number | undefined {
  if (end - start < HEAD) return undefined;
  let at = start + HEAD;
  for (let left = bytes[start + 6]!; left > 0; left--) {
    if (at + 2 > end) return undefined;
    at += 2 + bytes[at + 1]!;
  }
  return at - start;
}
