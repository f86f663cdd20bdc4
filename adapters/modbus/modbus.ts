import { z } from 'zod';
import { deviceArrival } from '../../contracts/device-arrival.ts';
import { defineAdapter } from '../../core/define.ts';
import { modbusSource } from './source.ts';

const config = z.strictObject({
  profile: z
    .string()
    .min(1)
    .describe(
      'The device profile, of transport modbus-tcp or modbus-rtu: `isolation-room` is `devices/isolation-room.profile.yaml`.',
    ),
  devices: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Which of the profile’s devices are read; all of them if absent.'),
});

/**
 * Polls the devices of a profile over Modbus TCP or RTU, each group of points at its own absolute deadlines, and hands over what each
 * poll brought as it came: one `device.arrival.v1` with the raw blocks, its key that of the profile’s route. Devices at one address share
 * one connection, with the destination `modbus`, too. Each arrival is stored before its group is polled again; deadlines that come
 * meanwhile are left out and counted (`modbus_overruns_total`), never made up for.
 *
 * A device that does not answer, or refuses some of its points, is told once in an arrival of its own (`status`), and once more when
 * that is over; a value is never repeated. After two polls without an answer a device is asked after pauses that grow from 0.5 s to
 * 30 s, and the others on its line come first. It writes nothing.
 */
export const modbus = defineAdapter({
  type: 'modbus',
  summary: 'Polls devices over Modbus TCP or RTU by their profile (MODBUS Application Protocol V1.1b3).',
  produces: deviceArrival,
  acknowledges: 'never',
  config,
  deviceProfiles: ({ profile }) => [profile],
  examples: [
    { title: 'All isolation rooms of the house', config: { profile: 'isolation-room' } },
    { title: 'Two of them', config: { profile: 'isolation-room', devices: ['iso-405', 'iso-406'] } },
  ],
  create: modbusSource,
});
