import { z } from 'zod';

/** How characters go over a serial line. */
export const serialLine = {
  baud: z.int().min(300).max(921_600).default(9_600).describe('Bits per second.'),
  dataBits: z
    .union([z.literal(7), z.literal(8)])
    .default(8)
    .describe('Bits of a character.'),
  parity: z.enum(['none', 'even', 'odd']).default('none').describe('As the device is set.'),
  stopBits: z
    .union([z.literal(1), z.literal(2)])
    .default(1)
    .describe('As the device is set.'),
};
