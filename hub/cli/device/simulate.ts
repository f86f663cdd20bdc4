import type { DeviceProfile, ProfiledDevice } from '../../../contracts/device-profile/device-profile.ts';
import { devicesNamed, profileNamed } from '../../device/profile-named.ts';
import { readEpisode } from '../../device/simulate/episode.ts';
import { readFault } from '../../device/simulate/fault-plan.ts';
import type { SimulateOptions } from '../../device/simulate/playing.ts';
import { simulateDevices } from '../../device/simulate/simulated-device.ts';
import { interruption } from '../../interruption.ts';
import { readSettings } from '../../settings.ts';
import { type ExitCode, exit } from '../exit.ts';
import { print } from '../output.ts';
import { brokerAt, type Reach, wayOf } from './reach.ts';

export interface SimulateCommandOptions extends Reach {
  readonly config?: string;
  readonly channels?: string;
  readonly device: readonly string[];
  readonly set: readonly string[];
  readonly fault: readonly string[];
  /** Seconds. */
  readonly every?: number;
  /** Seconds. */
  readonly for?: number;
}

/** `weir device simulate <profile>`: until Ctrl-C, or for so long. */
export async function simulate(name: string, options: SimulateCommandOptions): Promise<ExitCode> {
  const { config, channels } = options;
  const profile = await profileNamed(name, readSettings({ config, channels }).channels);
  const devices = playable(profile, options.device);
  const { content } = devices[0]!;
  let sent = 0;
  const interrupted = interruption();
  const ended = options.for === undefined ? [] : [AbortSignal.timeout(options.for * 1_000)];
  const played: SimulateOptions = {
    devices,
    way: wayOf(options, content),
    broker: content.kind === 'mqtt' ? brokerAt(options.to) : undefined,
    episodes: options.set.flatMap((text) => devices.slice(0, 1).map((device) => readEpisode(text, device))),
    faults: options.fault.map(readFault),
    everyMs: options.every === undefined ? undefined : options.every * 1_000,
    ready: (where) => print(`${devices.map(({ id }) => id).join(', ')} of ${profile.name} at ${where}; Ctrl-C ends it`),
    sent: (count) => {
      sent += count;
    },
    signal: AbortSignal.any([interrupted, ...ended]),
  };
  // Timers of the hub do not keep a process alive.
  const alive = setInterval(() => undefined, 60_000);
  try {
    await simulateDevices(played);
  } finally {
    clearInterval(alive);
  }
  print(`${sent} ${wordFor(content.kind)}`);
  return exit.done;
}

/** Those that are named; else as many as can be played together. */
function playable(profile: DeviceProfile, named: readonly string[]): readonly ProfiledDevice[] {
  const devices = devicesNamed(profile, named);
  if (named.length > 0 || profile.transport === 'mqtt') return devices;
  const units = new Set<number>();
  return devices.filter(({ content }, index) => {
    if (!('modbus' in content)) return index === 0;
    const isFirst = !units.has(content.modbus.unit);
    units.add(content.modbus.unit);
    return isFirst;
  });
}

function wordFor(kind: ProfiledDevice['content']['kind']): string {
  switch (kind) {
    case 'modbus-tcp':
    case 'modbus-rtu':
      return 'requests answered';
    case 'mqtt':
      return 'messages published';
    case 'astm':
      return 'specimens reported';
    default:
      return 'frames sent';
  }
}
