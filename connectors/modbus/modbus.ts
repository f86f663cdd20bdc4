import { deviceWrite } from '../../contracts/device-write.ts';
import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { ModbusDestination } from './modbus-destination.ts';

/**
 * Writes values to the points of devices that their profile marks `writable`, and to nothing else, over the connection that a source
 * `modbus` has with them. A value that the point cannot hold, or that is not within its `plausible`, is a permanent error; so is one whose
 * `validUntil` is over. A message counts as sent when the device has confirmed the write, with `readBack` when it has the value.
 *
 * What was written but not confirmed is uncertain, and written again: to have a value twice is to have it. Limit how late that may be with
 * `validUntil`, or with `maxAgeMs` of the destination’s `retry`. Writes to one device go one after the other.
 */
export const modbus = defineConnector({
  type: 'modbus',
  summary: 'Writes values to coils and holding registers over Modbus TCP or RTU (MODBUS Application Protocol V1.1b3).',
  accepts: deviceWrite,
  batching: 'independent',
  effect: 'atLeastOnce',
  maxBatch: 32,
  config,
  deviceProfiles: ({ profile }) => [profile],
  examples: [
    {
      title: 'Set points of isolation rooms, read again to be sure',
      config: { profile: 'isolation-room', readBack: true },
    },
  ],
  create: (options, context) => new ModbusDestination(options, context),
});
