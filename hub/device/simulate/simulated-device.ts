import { isOn } from './fault-plan.ts';
import { playAstm } from './play-astm.ts';
import { playModbus } from './play-modbus.ts';
import { playMqtt } from './play-mqtt.ts';
import { playSerial } from './play-serial.ts';
import { PlayedValues } from './played-values.ts';
import type { Of, Playing, SimulateOptions } from './playing.ts';

/** Plays devices of one profile until `signal` aborts. Throws HubError where they cannot be played, or the way to the hub is closed. */
export async function simulateDevices(options: SimulateOptions): Promise<void> {
  const { devices, episodes, faults } = options;
  const begun = performance.now();
  const elapsed = () => performance.now() - begun;
  const playing = devices.map((device): Playing => {
    const played = new PlayedValues(device, episodes);
    return {
      device,
      values: () => played.at(elapsed()),
      isFaulty: (kind) => isOn(faults, kind, elapsed()),
    };
  });
  const kind = devices[0]!.content.kind;
  switch (kind) {
    case 'modbus-tcp':
    case 'modbus-rtu':
      return playModbus(kind, playing as readonly Of<typeof kind>[], options);
    case 'nonin':
    case 'binary':
    case 'text':
      return playSerial(playing as readonly Of<typeof kind>[], options);
    case 'mqtt':
      return playMqtt(playing as readonly Of<typeof kind>[], options);
    case 'astm':
      return playAstm(playing as readonly Of<typeof kind>[], options);
    default:
      kind satisfies never;
  }
}
