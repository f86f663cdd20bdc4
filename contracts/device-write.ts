import { z } from 'zod';
import { jsonFormat } from './json-format.ts';

export const deviceWriteSchema = z.strictObject({
  /** Of a device profile. */
  device: z.string().min(1),
  /** One that the profile marks `writable`. */
  point: z.string().min(1),
  /** In the unit of the point, scaled as its readings are; the name of a state; a truth for a coil. */
  value: z.union([z.number(), z.boolean(), z.string()]),
  /** It is not written later: what was right for a device an hour ago may be wrong by now. */
  validUntil: z.iso.datetime().optional(),
});

/** One value that a device is to have. */
export type DeviceWrite = z.output<typeof deviceWriteSchema>;
export const deviceWrite = jsonFormat('device.write.v1', deviceWriteSchema);
