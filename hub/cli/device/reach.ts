import type { ProfiledDevice } from '../../../contracts/device-profile/device-profile.ts';
import type { EndpointOf } from '../../../core/endpoint.ts';
import type { Way } from '../../device/simulate/way.ts';
import { CommandFailure, exit } from '../exit.ts';

export interface Reach {
  /** A port of 127.0.0.1. */
  readonly listen?: number;
  /** `host:port`, or the path of a serial port. */
  readonly to?: string;
}

/** How a played device and the hub come together; undefined where nothing is said. */
export function wayOf({ listen, to }: Reach, content: ProfiledDevice['content']): Way | undefined {
  if (listen !== undefined && to !== undefined)
    throw new CommandFailure(exit.usage, '--listen and --to: a device does one of them');
  if (listen !== undefined) return { kind: 'listen', port: listen };
  if (to === undefined) return undefined;
  if (content.kind === 'modbus-tcp')
    throw new CommandFailure(exit.usage, 'a Modbus TCP device is connected to: --listen');
  const { baud, parity, stopBits } =
    'serial' in content ? content.serial : 'modbus' in content && 'baud' in content.modbus ? content.modbus : plain;
  const dataBits = 'serial' in content ? content.serial.dataBits : 8;
  return { kind: 'connect', settings: { path: to, baud, dataBits, parity, stopBits } };
}

const plain = { baud: 9_600, parity: 'none', stopBits: 1 } as const;

/** A broker by `host:port` or `mqtt://user:password@host:port`. Throws CommandFailure where it is neither. */
export function brokerAt(to = '127.0.0.1:1883'): EndpointOf<'mqtt'> {
  const url = URL.parse(to.startsWith('mqtt://') ? to : `mqtt://${to}`);
  if (!url || url.hostname === '' || url.pathname.length > 1)
    throw new CommandFailure(exit.usage, '--to: host:port of a broker is needed, or mqtt://user:password@host:port');
  const [user, password] = [url.username, url.password].map(decodeURIComponent);
  return {
    ...{ kind: 'mqtt', host: url.hostname, port: Number(url.port || 1883) },
    ...(user !== '' && { user, password }),
  } as EndpointOf<'mqtt'>;
}
