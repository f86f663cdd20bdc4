import { expect, it } from 'vitest';
import { noMeta } from '../core/format.ts';
import { describeFormat } from '../core/testing/format-suite.ts';
import { type DeviceArrival, deviceArrival } from './device-arrival.ts';
import { type VitalAlarm, type VitalReadings, vitalAlarm, vitalReadings } from './vitals.ts';

const bytes = Buffer.from('{"hr":72}').toString('base64');
const arrival: DeviceArrival = {
  ...{ arrival: 1, device: 'd', profile: 'p', group: 'fast', receivedAt: 1_772_439_300_000 },
  frames: [
    { kind: 'modbus', unit: 1, table: 'coils', address: 0, quantity: 9, bytes },
    { kind: 'mqtt', topic: 'devices/d/vitals', bytes },
    { kind: 'status', state: 'misconfigured', reason: 'exception 2', points: ['pressure'] },
  ],
};
const source = { device: 'd', profile: 'p', subject: 'bed/1' };
const at = '2026-03-02T08:15:00.000Z';
const readings: VitalReadings = {
  ...{ ...source, receivedAt: at },
  readings: [
    { point: 'hr', value: 72, unit: '/min', code: { mdc: 147_842, loinc: ['8867-4'] }, validity: 'Vld', sequence: 1 },
    { point: 'spo2', unit: '%', validity: 'Inv', deviceTime: at, skewMs: 0 },
  ],
};
const alarm: VitalAlarm = {
  ...{ ...source, alarm: 'low-spo2', incident: 'd/low-spo2/1', kind: 'physiological', priority: 'high' },
  ...{ state: 'active', raisedAt: at, at, title: 'Oxygen saturation is low' },
};

describeFormat({ format: deviceArrival, samples: [deviceArrival.encode(arrival)] });
describeFormat({ format: vitalReadings, samples: [vitalReadings.encode(readings)] });
describeFormat({ format: vitalAlarm, samples: [vitalAlarm.encode(alarm)] });

it('the payload of an MQTT message is an arrival by its topic, and an envelope stays one whatever its meta', () => {
  const meta = { 'mqtt.topic': 'devices/d/vitals' };
  const payload = Buffer.from('{"hr":72}');
  const read = deviceArrival.decode(payload, meta);
  expect(read).toEqual({ arrival: 1, frames: [{ kind: 'mqtt', topic: 'devices/d/vitals', bytes }] });
  expect(deviceArrival.decode(deviceArrival.encode(read), meta)).toEqual(read);
  const retained = deviceArrival.decode(payload, { ...meta, 'mqtt.retained': 'true' });
  expect(retained.frames[0]).toMatchObject({ retained: true });
  expect(() => deviceArrival.decode(payload, noMeta)).toThrow('decoding device.arrival.v1');
});

it('a reading has a value where, and only where, it is valid', () => {
  const of = (reading: object) => () =>
    vitalReadings.encode({ ...readings, readings: [{ point: 'hr', ...reading }] } as VitalReadings);
  expect(of({ value: 1, validity: 'Qst' })).not.toThrow();
  for (const wrong of [{ validity: 'Vld' }, { value: 1, validity: 'Inv' }, { value: Number.NaN, validity: 'Vld' }])
    expect(of(wrong)).toThrow('encoding vitals.numeric.v1');
});
