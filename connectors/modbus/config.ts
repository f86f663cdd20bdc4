import { z } from 'zod';

/** What a channel says of a Modbus destination. */
export const config = z.strictObject({
  profile: z
    .string()
    .min(1)
    .describe(
      'The device profile, of transport modbus-tcp or modbus-rtu; only its points with `writable: true` are written.',
    ),
  devices: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Which of the profile’s devices may be written to; all of them if absent.'),
  readBack: z
    .boolean()
    .default(false)
    .describe('Whether the point is read after it was written: the message is sent once the device has the value.'),
  function: z
    .enum(['shortest', 'multiple'])
    .default('shortest')
    .describe(
      '`shortest`: functions 5 and 6 for one coil or register, 16 for several; `multiple`: 15 and 16 always, for devices that know no others.',
    ),
});

export type ModbusDestinationConfig = z.output<typeof config>;
