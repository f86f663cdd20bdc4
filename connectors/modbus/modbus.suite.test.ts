import { profileAt } from '../../adapters/modbus/testing/polling.ts';
import { exception, SimulatedDevices } from '../../clients/modbus/testing/simulated-devices.ts';
import { deviceWrite } from '../../contracts/device-write.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination } from '../../core/testing/destination-suite.ts';
import { modbus } from './modbus.ts';

const points = Array.from(
  { length: 60 },
  (_, number) =>
    `id: p${number}, read: { table: holding-registers, address: ${number} }, type: u16, unit: Pa, writable: true`,
);

describeDestination({
  name: 'modbus',
  spec: modbus({ profile: 'rooms' }),
  message: (number) => {
    const payload = { device: 'unit-1', point: `p${number}`, value: 500 + number };
    return { payload, bytes: deviceWrite.encode(payload) };
  },
  async setUp() {
    const devices = await SimulatedDevices.start();
    const usual = devices.behave;
    const context = fakeDestinationContext({
      deviceProfiles: [profileAt(devices.port, { points, section: 'timeoutMs: 5000' })],
    });
    const destination = modbus({ profile: 'rooms' }).create(context);
    return {
      destination,
      received: async () => devices.asked.map(({ request }) => ('address' in request ? request.address : -1)),
      failAt: async (batch, position) => {
        const { point } = batch[position]!.payload;
        devices.behave = (asked) => {
          const isIt = 'address' in asked.request && `p${asked.request.address}` === point;
          asked.answer(isIt ? exception(asked, 6) : asked.usual());
        };
        return async () => {
          devices.behave = usual;
        };
      },
      hold: async () => {
        devices.behave = () => undefined;
        return async () => {
          devices.behave = usual;
          for (const socket of devices.sockets) socket.destroy();
        };
      },
      async [Symbol.asyncDispose]() {
        await destination[Symbol.asyncDispose]();
        await devices.stop();
      },
    };
  },
});
