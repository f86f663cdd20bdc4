import { deviceArrival } from '../../contracts/device-arrival.ts';
import { defineAdapter } from '../../core/define.ts';
import { config } from './config.ts';
import { SerialSource } from './source.ts';

/**
 * Listens to devices on serial ports, or behind device servers, by their profile, and hands over the frames of each as they came: one
 * `device.arrival.v1` a frame or a few of them, its key that of the profile's route. Each device has its port, its queue and its
 * pauses: none delays another. A port that is unplugged, leads elsewhere or falls silent is opened again, without end.
 *
 * That a device is silent, or sends bytes of which none becomes a frame, as with a wrong baud rate, is told once in an arrival of its
 * own (`status`) and once more when it is over; a value is never repeated. Nothing is written to the device.
 */
export const serial = defineAdapter({
  type: 'serial',
  summary: 'Listens to devices on serial ports and hands over their frames by their profile.',
  produces: deviceArrival,
  acknowledges: 'never',
  ackPoints: ['stored'],
  config,
  deviceProfiles: ({ profile }) => [profile],
  examples: [
    { title: 'All pulse oximeters of the house', config: { profile: 'pulse-oximeter' } },
    {
      title: 'One of them, each packet by itself',
      config: { profile: 'pulse-oximeter', devices: ['oximeter-1'], batchFrames: 1 },
    },
  ],
  create: (settings, context) => new SerialSource(settings, context),
});
