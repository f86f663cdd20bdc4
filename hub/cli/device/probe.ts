import { deviceServer } from '../../../clients/serial-port/open-line.ts';
import type { DeviceArrival, DeviceStatus } from '../../../contracts/device-arrival.ts';
import type { DeviceProfile, ProfiledDevice } from '../../../contracts/device-profile/device-profile.ts';
import { hasValue, type Reading, type VitalReadings } from '../../../contracts/vitals.ts';
import { HubError } from '../../../core/errors.ts';
import type { Message } from '../../../core/message.ts';
import type { Many } from '../../../core/transform.ts';
import { deviceReadings } from '../../../transforms/device-to-reading/device-to-reading.ts';
import { probeArrivals } from '../../device/probe-arrivals.ts';
import { devicesNamed, profileNamed } from '../../device/profile-named.ts';
import { interruption } from '../../interruption.ts';
import { readSettings } from '../../settings.ts';
import { CommandFailure, type ExitCode, exit } from '../exit.ts';
import { print, printJson, table } from '../output.ts';
import { brokerAt } from './reach.ts';

export interface ProbeCommandOptions {
  readonly config?: string;
  readonly channels?: string;
  readonly device?: string;
  readonly to?: string;
  /** Seconds. */
  readonly wait: number;
  readonly json?: boolean;
}

const columns = [
  { title: 'Point' },
  { title: 'Value', align: 'right' },
  { title: 'Unit' },
  { title: 'Validity' },
  { title: 'Device time' },
] as const;

/** `weir device probe <profile>`: 0 where every point was heard and has a value, 1 where not. */
export async function probe(name: string, options: ProbeCommandOptions): Promise<ExitCode> {
  const { config, channels, to } = options;
  const profile = await profileNamed(name, readSettings({ config, channels }).channels);
  const named = devicesNamed(profile, options.device === undefined ? [] : [options.device])[0]!;
  const device = to === undefined || profile.transport === 'mqtt' ? named : movedTo(named, to);
  const heard = await listen(profile, device, options);
  const points = device.content.points.map(({ id }) => id);
  if (options.json)
    printJson({
      device: device.id,
      profile: profile.name,
      ...heard,
      readings: points.flatMap((point) => heard.readings.get(point) ?? []),
    });
  else print(shown(points, heard));
  const complete = points.every((point) => hasValue(heard.readings.get(point)?.validity ?? 'Inv'));
  return complete ? exit.done : exit.failed;
}

interface Heard {
  readonly readings: Map<string, Reading>;
  /** What the device, or who read it, complained about; each once. */
  readonly complaints: string[];
}

/** Until every point was heard, or the time is over. */
async function listen(profile: DeviceProfile, device: ProfiledDevice, options: ProbeCommandOptions): Promise<Heard> {
  const readings = new Map<string, Reading>();
  const complaints = new Set<string>();
  const all = new AbortController();
  const step = deviceReadings([{ ...profile, devices: [device] }]).create();
  const arrived = (arrival: DeviceArrival): void => {
    const statuses = arrival.frames.filter((frame): frame is DeviceStatus & typeof frame => frame.kind === 'status');
    for (const { state, reason } of statuses) if (state !== 'answering') complaints.add(`${state}: ${reason}`);
    try {
      const made = step(arrival, { receivedAt: Date.now() } as Message<DeviceArrival>) as Many<VitalReadings>;
      for (const reading of made.outputs.flatMap((event) => event.readings)) {
        // A point that the device first refused and then gave has a value.
        if (hasValue(reading.validity) || !readings.has(reading.point)) readings.set(reading.point, reading);
      }
    } catch (thrown) {
      if (!(thrown instanceof HubError)) throw thrown;
      complaints.add(thrown.message);
    }
    if (device.content.points.every(({ id }) => readings.has(id))) all.abort();
  };
  const timeout = AbortSignal.timeout(options.wait * 1_000);
  const signal = AbortSignal.any([interruption(), timeout, all.signal]);
  // Timers of the hub do not keep a process alive.
  const alive = setInterval(() => undefined, 60_000);
  try {
    const broker = brokerAt(profile.transport === 'mqtt' ? options.to : undefined);
    await probeArrivals({ profile, device, broker, arrived, failed: (text) => complaints.add(text), signal });
  } catch (thrown) {
    if (!(thrown instanceof HubError) || !signal.aborted) throw thrown;
  } finally {
    clearInterval(alive);
  }
  return { readings, complaints: [...complaints] };
}

function shown(points: readonly string[], { readings, complaints }: Heard): string {
  const rows = points.map((point) => {
    const reading = readings.get(point);
    if (!reading) return [point, '', '', 'not heard', ''];
    return [point, String(reading.value ?? '—'), reading.unit ?? '', reading.validity, reading.deviceTime ?? ''];
  });
  return [table(columns, rows), ...complaints].join('\n');
}

/** The same device at another address. Throws CommandFailure where that is none. */
function movedTo(device: ProfiledDevice, to: string): ProfiledDevice {
  const { content } = device;
  switch (content.kind) {
    case 'modbus-tcp': {
      const at = deviceServer(to);
      if (!at) throw new CommandFailure(exit.usage, `--to ${to}: host:port is needed`);
      return { ...device, content: { ...content, modbus: { ...content.modbus, ...at } } };
    }
    case 'modbus-rtu':
      return { ...device, content: { ...content, modbus: { ...content.modbus, path: to } } };
    case 'nonin':
      return { ...device, content: { ...content, serial: { ...content.serial, path: to } } };
    case 'text':
      return { ...device, content: { ...content, serial: { ...content.serial, path: to } } };
    case 'binary':
      return { ...device, content: { ...content, serial: { ...content.serial, path: to } } };
    default:
      return device;
  }
}
