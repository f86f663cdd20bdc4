import type { DeviceArrival, DeviceFrame, DeviceStatus, SentFrame } from '../../contracts/device-arrival.ts';
import type { DeviceProfile, ProfiledDevice } from '../../contracts/device-profile/device-profile.ts';
import type { VitalReadings } from '../../contracts/vitals.ts';
import { HubError } from '../../core/errors.ts';
import { NO_VALUE, readingOf } from './judged.ts';
import { astmReader } from './read-astm.ts';
import { modbusReader } from './read-modbus.ts';
import { mqttReader } from './read-mqtt.ts';
import { binaryReader, noninReader, textReader } from './read-serial.ts';
import type { FrameOf, SpecimenReading } from './reader.ts';

/** What one event may carry: as its contract says. */
const MOST = 5_000;

interface KnownDevice {
  readonly profile: string;
  readonly device: ProfiledDevice;
  /** Made with the device’s first frame: a profile may have thousands. */
  read?: (frame: SentFrame, bytes: Buffer, receivedAt: number) => readonly SpecimenReading[];
}

/** Reads what devices sent by their profiles. Nothing is remembered from one arrival to the next. */
export class ReadingMaker {
  readonly #byId = new Map<string, KnownDevice>();
  readonly #byTopic = new Map<string, KnownDevice>();

  /** Throws HubError `config-invalid` where two of the profiles are about one device. */
  constructor(profiles: readonly DeviceProfile[]) {
    for (const { name, devices } of profiles)
      for (const device of devices) {
        const known = { profile: name, device };
        if (this.#byId.has(device.id))
          throw new HubError(
            'config-invalid',
            'permanent',
            `reading profile ${name}: ${device.id} is in another one, too`,
          );
        this.#byId.set(device.id, known);
        if (device.content.kind === 'mqtt') this.#byTopic.set(device.content.mqtt.topic, known);
      }
  }

  /**
   * One event for each device and specimen of an arrival, none for what carries no readings. Throws HubError `decode-failed` for a
   * frame that is none, and for a device of no profile.
   * @param receivedAt milliseconds since 1970, where the arrival does not say
   */
  readingsOf(arrival: DeviceArrival, receivedAt: number): readonly VitalReadings[] {
    const at = arrival.receivedAt ?? receivedAt;
    const events = new Map<string, VitalReadings[]>();
    for (const frame of arrival.frames) {
      const known = this.#deviceOf(arrival, frame);
      for (const { specimen, reading } of readingsIn(frame, known, at)) {
        const key = `${known.device.id}\n${specimen ?? ''}`;
        let list = events.get(key);
        if (!list) events.set(key, (list = []));
        let last = list.at(-1);
        if (!last || last.readings.length >= MOST) list.push((last = eventOf(known, specimen, at)));
        last.readings.push(reading);
      }
    }
    return [...events.values()].flat();
  }

  #deviceOf(arrival: DeviceArrival, frame: DeviceFrame): KnownDevice {
    const { device, profile } = arrival;
    const known =
      device !== undefined
        ? this.#byId.get(device)
        : frame.kind === 'mqtt'
          ? this.#byTopic.get(frame.topic)
          : undefined;
    if (known && (profile === undefined || profile === known.profile)) return known;
    const what = device === undefined ? 'its topic is of no device' : `${device} is no device`;
    throw new HubError('decode-failed', 'permanent', `reading what a device sent: ${what} of the profiles`);
  }
}

function eventOf({ profile, device }: KnownDevice, specimen: string | undefined, receivedAt: number): VitalReadings {
  const { location, route } = device;
  return {
    device: device.id,
    profile,
    ...(location !== undefined && { location }),
    ...(route.subject !== undefined && { subject: route.subject }),
    ...(specimen !== undefined && { specimen }),
    receivedAt: new Date(receivedAt).toISOString(),
    readings: [],
  };
}

function readerOf({ id, content }: ProfiledDevice): NonNullable<KnownDevice['read']> {
  const of = <K extends SentFrame['kind']>(
    kind: K,
    read: (frame: FrameOf<K>, bytes: Buffer, receivedAt: number) => readonly SpecimenReading[],
  ): NonNullable<KnownDevice['read']> => {
    return (frame, bytes, receivedAt) => {
      if (!isFrameOf(frame, kind))
        throw new HubError('decode-failed', 'permanent', `reading what ${id} sent: ${frame.kind} is not how it speaks`);
      return read(frame, bytes, receivedAt);
    };
  };
  const plain = <K extends SentFrame['kind']>(
    kind: K,
    read: (frame: FrameOf<K>, bytes: Buffer, receivedAt: number) => readonly SpecimenReading['reading'][],
  ) => of(kind, (...given) => read(...given).map((reading) => ({ specimen: undefined, reading })));
  switch (content.kind) {
    case 'modbus-tcp':
    case 'modbus-rtu':
      return plain('modbus', modbusReader(content));
    case 'nonin':
      return plain('serial', noninReader(content));
    case 'text':
      return plain('serial', textReader(content));
    case 'binary':
      return plain('serial', binaryReader(content));
    case 'mqtt':
      return plain('mqtt', mqttReader(content));
    case 'astm':
      return of('astm', astmReader(content));
    default:
      return content satisfies never;
  }
}

function readingsIn(frame: DeviceFrame, known: KnownDevice, receivedAt: number): readonly SpecimenReading[] {
  if (frame.kind === 'status') return absent(frame, known);
  known.read ??= readerOf(known.device);
  return known.read(frame, Buffer.from(frame.bytes, 'base64'), receivedAt);
}

/** The points that a status is about: what has no value is told, and the last one is not said again. */
function absent({ state, points = [] }: DeviceStatus, { device }: KnownDevice): readonly SpecimenReading[] {
  if (state === 'answering') return [];
  return device.content.points
    .filter(({ id }) => points.includes(id))
    .map((point) => ({ specimen: undefined, reading: readingOf(point, NO_VALUE) }));
}

function isFrameOf<K extends SentFrame['kind']>(frame: DeviceFrame, kind: K): frame is FrameOf<K> {
  return frame.kind === kind;
}
