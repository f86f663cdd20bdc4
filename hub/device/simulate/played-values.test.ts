import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SentFrame } from '../../../contracts/device-arrival.ts';
import { holds } from '../../../contracts/device-profile/condition.ts';
import {
  type DeviceProfile,
  type ProfiledDevice,
  readDeviceProfile,
} from '../../../contracts/device-profile/device-profile.ts';
import { modbusPlan, modbusPoints } from '../../../contracts/device-profile/modbus-points.ts';
import type { Reading, VitalReadings } from '../../../contracts/vitals.ts';
import { loadDeviceProfiles } from '../../../core/config/device-profiles.ts';
import type { Message } from '../../../core/message.ts';
import type { Many } from '../../../core/transform.ts';
import { readRequest } from '../../../protocols/modbus/plan.ts';
import { deviceReadings } from '../../../transforms/device-to-reading/device-to-reading.ts';
import { resultsMessage } from './astm-message.ts';
import { ModbusImage } from './modbus-image.ts';
import { payloadOf } from './mqtt-payload.ts';
import { type Episode, type PlayedValue, PlayedValues } from './played-values.ts';
import { noninPacket } from './serial-frames.ts';

const channels = fileURLToPath(new URL('../../../channels', import.meta.url));
const AT = Date.UTC(2026, 2, 2, 8, 15);
const set = await loadDeviceProfiles(channels, { deviceProfile: readDeviceProfile });
const shipped = [...set.profiles.values()].map(({ profile }) => profile as DeviceProfile);

/** The frames in which a device sends what it shows. */
function framesOf({ id, content }: ProfiledDevice, values: ReadonlyMap<string, PlayedValue>): readonly SentFrame[] {
  switch (content.kind) {
    case 'mqtt':
      return [{ kind: 'mqtt', topic: content.mqtt.topic, bytes: base64(payloadOf(content, values, AT, 7)) }];
    case 'nonin':
      return [{ kind: 'serial', bytes: base64(noninPacket(content, values)) }];
    case 'astm':
      return [{ kind: 'astm', bytes: base64(resultsMessage(content, id, values, 'S-1', AT)) }];
    case 'modbus-tcp':
    case 'modbus-rtu': {
      const image = new ModbusImage(content);
      image.show(values);
      const plan = modbusPlan(content.modbus, modbusPoints(content.modbus, content.points));
      return [...plan.values()].flatMap(({ blocks }) =>
        blocks.map(({ unit, table, address, quantity }): SentFrame => {
          const answer = image.answer(readRequest({ unit, table, address, quantity }));
          const bytes = 'registers' in answer ? answer.registers : 'bits' in answer ? answer.bits : undefined;
          if (!bytes) throw new Error(`${id} answered ${answer.function}`);
          return { kind: 'modbus', unit, table, address, quantity, bytes: base64(bytes as Buffer) };
        }),
      );
    }
    default:
      throw new Error(`no frames of ${content.kind}`);
  }
}

const base64 = (bytes: Buffer) => bytes.toString('base64');

function readingsOf(profile: DeviceProfile, device: ProfiledDevice, values: ReadonlyMap<string, PlayedValue>) {
  const frames = framesOf(device, values);
  const arrival = { arrival: 1 as const, device: device.id, receivedAt: AT, frames: [...frames] };
  const message = { receivedAt: AT } as Message<typeof arrival>;
  const made = deviceReadings([profile]).create()(arrival, message) as Many<VitalReadings>;
  return new Map(
    made.outputs.flatMap(({ readings }) => readings).map((reading): [string, Reading] => [reading.point, reading]),
  );
}

describe('a device that is played', () => {
  it.for(
    shipped.map((profile) => ({ name: profile.name, profile })),
  )('shows by $name what the hub reads of it, and raises no alarm', ({ profile }) => {
    for (const device of profile.devices) {
      const played = new PlayedValues(device, []);
      for (let elapsed = 0; elapsed < 60_000; elapsed += 1_700) {
        const values = played.at(elapsed);
        const readings = readingsOf(profile, device, values);
        expect([...readings.keys()].toSorted()).toEqual(device.content.points.map(({ id }) => id).toSorted());
        for (const [point, { value, validity }] of readings) {
          expect([point, validity]).toEqual([point, 'Vld']);
          const shown = values.get(point);
          if (typeof shown === 'number') expect(Math.abs(Number(value) - shown)).toBeLessThanOrEqual(0.5);
          else expect([point, value]).toEqual([point, shown]);
        }
        for (const { id, when } of device.alarms)
          expect([id, when && holds(when, (point) => readings.get(point)) === true]).toEqual([id, when && false]);
      }
    }
  });

  it('has an episode from its moment on, which is what its alarms are for', () => {
    const profile = shipped.find(({ name }) => name === 'bedside-monitor')!;
    const [device] = profile.devices;
    const episodes: Episode[] = [{ point: 'spo2', value: 82, fromMs: 10_000 }];
    const played = new PlayedValues(device!, episodes);
    const low = device!.alarms.find(({ id }) => id === 'low-spo2')!.when!;
    const isLow = (elapsed: number) => {
      const readings = readingsOf(profile, device!, played.at(elapsed));
      return holds(low, (point) => readings.get(point));
    };
    expect([9_999, 10_000, 90_000].map(isLow)).toEqual([false, true, true]);
  });
});
