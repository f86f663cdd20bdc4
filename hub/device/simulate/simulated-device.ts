import type { ProfiledDevice } from '../../../contracts/device-profile/device-profile.ts';
import type { ContentOf } from '../../../contracts/device-profile/keys.ts';
import type { EndpointOf } from '../../../core/endpoint.ts';
import { isOn, type PlayedFault } from './fault-plan.ts';
import { playAstm } from './play-astm.ts';
import { playModbus } from './play-modbus.ts';
import { playMqtt } from './play-mqtt.ts';
import { playSerial } from './play-serial.ts';
import { type Episode, PlayedValues } from './played-values.ts';
import { unplayable } from './serial-frames.ts';
import type { Way } from './way.ts';

export interface SimulateOptions {
  readonly devices: readonly ProfiledDevice[];
  readonly way?: Way | undefined;
  readonly broker?: EndpointOf<'mqtt'> | undefined;
  readonly episodes: readonly Episode[];
  readonly faults: readonly PlayedFault[];
  /** Milliseconds from one frame, publication or message to the next; as the kind of device has it if absent. */
  readonly everyMs?: number | undefined;
  /** Told once where the device is. */
  ready(where: string, port: number | undefined): void;
  /** Told of what went out or was answered: frames, requests, publications. */
  sent(count: number): void;
  readonly signal: AbortSignal;
}

/** What a played device shows, and what is wrong with it, at the moment. */
export interface Playing {
  readonly device: ProfiledDevice;
  values(): ReturnType<PlayedValues['at']>;
  isFaulty(kind: PlayedFault['kind']): boolean;
}

export type Of<K extends ProfiledDevice['content']['kind']> = Playing & {
  readonly device: ProfiledDevice & { readonly content: ContentOf<K> };
};

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
      return playSerial(playing as readonly Of<typeof kind>[], options);
    case 'mqtt':
      return playMqtt(playing as readonly Of<typeof kind>[], options);
    case 'astm':
      return playAstm(playing as readonly Of<typeof kind>[], options);
    case 'text':
      throw unplayable('lines of text');
    default:
      kind satisfies never;
  }
}
