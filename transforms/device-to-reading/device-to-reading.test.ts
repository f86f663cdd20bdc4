import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeviceArrival, type DeviceFrame, deviceArrival } from '../../contracts/device-arrival.ts';
import { readDeviceProfile } from '../../contracts/device-profile/device-profile.ts';
import { type Reading, type VitalReadings, vitalReadings } from '../../contracts/vitals.ts';
import { YamlFile } from '../../core/config/yaml-file.ts';
import { HubError } from '../../core/errors.ts';
import { noMeta } from '../../core/format.ts';
import type { Message } from '../../core/message.ts';
import type { Many } from '../../core/transform.ts';
import { deviceReadings } from './device-to-reading.ts';

const root = new URL('../../', import.meta.url);
const RECEIVED = Date.parse('2026-03-02T08:15:00Z');
const profileOf = (text: string) => {
  const file = new YamlFile('p', text);
  const profile = readDeviceProfile(file, { environment: {}, readFile: () => undefined });
  expect(file.problems).toEqual([]);
  return profile!;
};
const shipped = [
  ...['isolation-room', 'pulse-oximeter', 'bedside-monitor', 'chemistry-analyzer', 'blood-bank-refrigerator'],
].map((name) => profileOf(readFileSync(new URL(`channels/devices/${name}.profile.yaml`, root), 'utf8')));
const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');

function eventsOf(arrival: Omit<DeviceArrival, 'arrival'>, profiles = shipped): readonly VitalReadings[] {
  const step = deviceReadings(profiles).create();
  const whole = deviceArrival.decode(deviceArrival.encode({ arrival: 1, ...arrival }), noMeta);
  const { outputs } = step(whole, { receivedAt: RECEIVED } as Message<DeviceArrival>) as Many<VitalReadings>;
  // What comes out is what the contract says.
  return outputs.map((event) => vitalReadings.decode(vitalReadings.encode(event), noMeta));
}
/** The values of the one event, by point; the validity beside what is not valid. */
function values(events: readonly VitalReadings[]): Record<string, unknown> {
  expect(events).toHaveLength(1);
  return Object.fromEntries(events[0]!.readings.map((each) => [each.point, short(each)]));
}
const short = ({ value, validity }: Reading) =>
  validity === 'Vld' ? value : value === undefined ? validity : `${validity} ${value}`;

describe('blocks of a Modbus device', () => {
  const inputs = (address: number, ...words: number[]): DeviceFrame => {
    const bytes = Buffer.alloc(words.length * 2);
    for (const [index, word] of words.entries()) bytes.writeUInt16BE(word & 0xffff, index * 2);
    return { kind: 'modbus', unit: 1, table: 'input-registers', address, quantity: words.length, bytes: base64(bytes) };
  };
  const room = (...frames: DeviceFrame[]) => eventsOf({ device: 'iso-301', profile: 'isolation-room', frames });

  it('become values in units, with where the device stands', () => {
    const [event] = room(inputs(0, -73, 124, 215, 448));
    expect(event).toMatchObject({
      device: 'iso-301',
      profile: 'isolation-room',
      location: 'Ward 3, room 301',
      subject: 'room/iso-301',
      receivedAt: '2026-03-02T08:15:00.000Z',
    });
    expect(event!.readings[0]).toEqual({ point: 'pressure', value: -7.3, unit: 'Pa', validity: 'Vld' });
    expect(values([event!])).toEqual({ pressure: -7.3, 'air-changes': 12.4, temperature: 21.5, humidity: 44.8 });
  });

  it.for([
    ['no value', 0x7fff, 'Inv'],
    ['over the range', 0x7ffe, 'Oflw'],
    ['under the range', -32_768, 'Uflw'],
    ['what nobody believes', 2_000, 'Qst 200'],
  ] as const)('tell %s, never the last value', ([, raw, expected]) => {
    expect(values(room(inputs(0, -73)))).toEqual({ pressure: -7.3 });
    expect(values(room(inputs(0, raw)))).toEqual({ pressure: expected });
  });

  it('have the points that lie wholly in them, and of other units none', () => {
    expect(values(room(inputs(1, 100, 200)))).toEqual({ 'air-changes': 10, temperature: 20 });
    expect(room({ ...inputs(0, 1), kind: 'modbus', unit: 2 } as DeviceFrame)).toEqual([]);
    const door = (bytes: number[]): DeviceFrame => ({
      ...{ kind: 'modbus', unit: 1, table: 'discrete-inputs', address: 0, quantity: 1 },
      bytes: base64(Buffer.from(bytes)),
    });
    expect(values(room(door([1]), inputs(0, -73)))).toEqual({ 'door-open': true, pressure: -7.3 });
    expect(values(room(door([])))).toEqual({ 'door-open': 'Inv' });
  });

  it('may have swapped words, bits and names', () => {
    const swapped = Buffer.alloc(4);
    swapped.writeFloatBE(4.1);
    const words = [swapped.readUInt16BE(2), swapped.readUInt16BE(0), 0, 0x7fc0];
    const fridge = eventsOf({
      device: 'fridge-1',
      frames: [inputs(0, ...words), inputs(8, 0b1_0010, 0, 1, 2)],
    });
    expect(values(fridge)).toEqual({
      ...{ 'temperature.air': 4.1, 'temperature.load': 'Inv', 'door-open': false, 'mains-lost': true },
      ...{ 'probe-broken': true, 'compressor-hours': 65_538 },
    });
    const mode = (word: number): DeviceFrame => ({ ...inputs(9, word), table: 'holding-registers' }) as DeviceFrame;
    expect(values(room(mode(1)))).toEqual({ mode: 'negative' });
    expect(values(room(mode(7)))).toEqual({ mode: 'Inv' });
  });
});

describe('packets of a pulse oximeter', () => {
  const packet = (rate: number, spo2: number, status = 0) =>
    Buffer.concat(
      Array.from({ length: 25 }, (_, index) => {
        const value = { 8: spo2, 19: rate >> 7, 20: rate & 0x7f }[index] ?? 0;
        const frame = [0x01, 0x80 | status | (index === 0 ? 1 : 0), 128, value];
        return Buffer.from([...frame, frame.reduce((sum, byte) => sum + byte, 0) & 0xff]);
      }),
    );
  const oximeter = (bytes: Buffer) =>
    eventsOf({ device: 'oximeter-1', frames: [{ kind: 'serial', bytes: base64(bytes) }] });

  it.for([130, 260])('have a pulse of %i', (rate) => {
    const events = oximeter(packet(rate, 97));
    expect(values(events)).toEqual({ spo2: 97, pulse: rate, 'sensor-off': false, perfusion: 'none' });
    expect(events[0]!.readings[0]).toMatchObject({ unit: '%', code: { mdc: 150_456, loinc: ['59408-5', '2708-6'] } });
    expect(events[0]!.subject).toBe('bed/2-04');
  });

  it('have none while there is none, and a questionable one while the signal is poor', () => {
    expect(values(oximeter(packet(511, 127)))).toMatchObject({ spo2: 'Inv', pulse: 'Inv' });
    expect(values(oximeter(packet(72, 97, 0x40)))).toMatchObject({ spo2: 'Inv', pulse: 'Inv', 'sensor-off': true });
    expect(values(oximeter(packet(72, 97, 0x20)))).toMatchObject({ spo2: 'Qst 97', pulse: 'Qst 72' });
  });

  it('that are no packets are an error without their bytes', () => {
    for (const bytes of [packet(72, 97).subarray(1), Buffer.concat([packet(72, 97), packet(72, 97)]), Buffer.alloc(0)])
      expect(() => oximeter(bytes)).toThrow('reading a serial frame: it is not the 25 frames of one packet');
  });
});

describe('messages of a bedside monitor', () => {
  const payload = readFileSync(new URL('test-fixtures/devices/monitor.json', root));
  const step = deviceReadings(shipped).create();
  const received = (raw: Uint8Array, meta: Record<string, string>) =>
    (step(deviceArrival.decode(raw, meta), { receivedAt: RECEIVED } as Message<DeviceArrival>) as Many<VitalReadings>)
      .outputs;
  const topic = { 'mqtt.topic': 'devices/mon-2/vitals' };

  it('are known by their topic, and carry many readings with the device’s time, skew and count', () => {
    const [event, ...more] = received(payload, topic);
    expect(more).toEqual([]);
    expect(event).toMatchObject({ device: 'mon-2', subject: 'bed/icu-02' });
    expect(event!.readings.map((each) => `${each.point} ${short(each)}`)).toEqual([
      ...['hr 72', 'spo2 Qst 97', 'rr 14', 'temperature 36.6', 'systolic 118', 'diastolic Inv'],
      ...['hr Inv', 'spo2 Inv', 'rr Qst 150'],
    ]);
    expect(event!.readings[0]).toEqual({
      ...{ point: 'hr', value: 72, unit: '{beats}/min', code: { mdc: 147_842, loinc: ['8867-4'] }, validity: 'Vld' },
      ...{ deviceTime: '2026-03-02T08:14:59.500Z', skewMs: -500, sequence: 17 },
    });
  });

  it('that are retained are state, and no sample', () => {
    expect(received(payload, { ...topic, 'mqtt.retained': 'true' })).toEqual([]);
  });

  it('of no known device, or without samples, are an error without what they say', () => {
    const refused = (raw: string, meta: Record<string, string>) => {
      try {
        received(Buffer.from(raw), meta);
      } catch (thrown) {
        return thrown instanceof HubError ? `${thrown.code} ${thrown.message}` : thrown;
      }
      return undefined;
    };
    expect(refused('{"samples":[]}', { 'mqtt.topic': 'devices/berger/vitals' })).toBe(
      'decode-failed reading what a device sent: its topic is of no device of the profiles',
    );
    for (const raw of ['{}', '{"samples":1}', '{"samples":["berger"]}'])
      expect(refused(raw, topic)).toBe(
        'decode-failed reading samples of a device: they are not where the profile says',
      );
    expect(refused('berger', topic)).toBe('decode-failed decoding json: not JSON in UTF-8');
  });

  it('after a restart have the clock of 1970, which is kept beside ours', () => {
    const [event] = received(Buffer.from('{"at":"1970-01-01T00:00:07Z","seq":0,"samples":[{"hr":60}]}'), topic);
    expect(event!.readings[0]).toMatchObject({
      deviceTime: '1970-01-01T00:00:07.000Z',
      skewMs: 7_000 - RECEIVED,
      sequence: 0,
    });
    expect(event!.receivedAt).toBe('2026-03-02T08:15:00.000Z');
  });
});

describe('results of an analyzer', () => {
  const message = readFileSync(new URL('test-fixtures/devices/chemistry.astm', root));
  const events = () => eventsOf({ device: 'chem-1', frames: [{ kind: 'astm', bytes: base64(message) }] });

  it('are one event a specimen, without quality control and tests that the profile does not have', () => {
    expect(
      events().map(({ specimen, readings }) => [specimen, ...readings.map((each) => `${each.point} ${short(each)}`)]),
    ).toEqual([
      ['S4711', 'sodium 139', 'potassium Oflw', 'glucose Inv', 'creatinine Qst 88', 'haemolysis +'],
      ['S4712', 'potassium 4.1'],
    ]);
    expect(JSON.stringify(events())).not.toMatch(/Berger|100042/);
  });

  it('have the device’s time in its zone, and none that has no hour', () => {
    const [first, second] = events();
    expect(first!.readings[0]).toMatchObject({ deviceTime: '2026-03-02T08:10:00.000Z', skewMs: -300_000, sequence: 1 });
    expect(second!.readings[0]).not.toHaveProperty('deviceTime');
  });

  it('that are no message are an error', () => {
    expect(() => eventsOf({ device: 'chem-1', frames: [{ kind: 'astm', bytes: base64('R|1') }] })).toThrow(
      /^reading an ASTM message: /,
    );
  });
});

describe('frames of other serial devices', () => {
  const device = (framing: string, points: string) =>
    profileOf(
      `profile: s\ntransport: serial\nserial: { path: /dev/x, framing: ${framing} }\ndevices: [{ id: s }]\npoints:\n${points}`,
    );
  const frame = (bytes: Uint8Array | string): DeviceFrame => ({ kind: 'serial', bytes: base64(bytes) });

  it('of text have what expressions find', () => {
    const points = `  - { id: t, type: number, match: 'T=(\\S+)', unit: Cel, scale: 0.1, invalid: ['---'] }
  - { id: s, type: text, match: 'S=(\\w*)' }\n`;
    const line = device('{ type: line }', points);
    const read = (text: string) => values(eventsOf({ device: 's', frames: [frame(text)] }, [line]));
    expect(read('T=365 S=ok')).toEqual({ t: 36.5, s: 'ok' });
    expect(read('T=--- S=')).toEqual({ t: 'Inv', s: 'Inv' });
    expect(read('T=0x10')).toEqual({ t: 'Inv' });
    expect(eventsOf({ device: 's', frames: [frame('nothing')] }, [line])).toEqual([]);
    const stx = device('{ type: stx-etx, trailer: 2 }', points);
    expect(values(eventsOf({ device: 's', frames: [frame('\x02T=365 S=ok\x03\r\n')] }, [stx]))).toEqual({
      t: 36.5,
      s: 'ok',
    });
  });

  it('of bytes have the numbers at their places', () => {
    const points = `  - { id: a, type: i8, at: 1, unit: '1' }
  - { id: b, type: u16, at: 2, order: BADC, unit: V, scale: 0.01, invalid: [65535], plausible: { max: 3 } }\n`;
    const fixed = device('{ type: fixed, length: 4, sync: [{ at: 0, value: 170 }] }', points);
    const read = (...bytes: number[]) =>
      values(eventsOf({ device: 's', frames: [frame(Uint8Array.from(bytes))] }, [fixed]));
    expect(read(170, 0xff, 0x2c, 0x01)).toEqual({ a: -1, b: 3 });
    expect(read(170, 1, 0x2d, 0x01)).toEqual({ a: 1, b: 'Qst 3.01' });
    expect(read(170, 1, 0xff, 0xff)).toEqual({ a: 1, b: 'Inv' });
    expect(() => read(170)).toThrow('it is not the 4 bytes of a frame');
  });

  it('that say their length have those that fit into them', () => {
    const points = "  - { id: a, type: u8, at: 2, unit: '1' }\n  - { id: b, type: u8, at: 3, unit: '1' }\n";
    const prefixed = device('{ type: length-prefixed, start: [170], lengthAt: 1, adds: 2 }', points);
    const read = (...bytes: number[]) =>
      values(eventsOf({ device: 's', frames: [frame(Uint8Array.from(bytes))] }, [prefixed]));
    expect(read(170, 2, 7, 8)).toEqual({ a: 7, b: 8 });
    expect(read(170, 1, 7)).toEqual({ a: 7 });
  });
});

it('a status about points is a reading without a value for each; one about the device says nothing of any', () => {
  const status = (state: 'silent' | 'misconfigured' | 'answering', points?: string[]) => ({
    device: 'iso-301',
    frames: [{ kind: 'status' as const, state, reason: 'exception 2', ...(points && { points }) }],
  });
  const [event, ...others] = eventsOf(status('misconfigured', ['temperature']));
  expect(others).toEqual([]);
  expect(event!.readings).toEqual([{ point: 'temperature', unit: 'Cel', validity: 'Inv' }]);
  expect(eventsOf(status('answering', ['temperature']))).toEqual([]);
  // An event would end the silence that an alarm waits for.
  expect(eventsOf(status('silent'))).toEqual([]);
});

it('answers arbitrary frames of every device with readings of its contract, or with a HubError', () => {
  const devices = ['iso-301', 'oximeter-1', 'mon-1', 'chem-1', 'fridge-1', 'nobody'];
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json().map((text) => Buffer.from(`{"samples":[${text}]}`)),
    fc
      .json()
      .map((text) =>
        Buffer.from(`{"at":${text},"seq":${text},"samples":[{"hr":${text},"quality":${text},"nibp":${text}}]}`),
      ),
    fc.string().map((text) => Buffer.from(`H|\\^&\rP|1\rO|1\rR|1|^^^NA|${text}|${text}||||||||${text}\r`)),
  );
  const frame = fc
    .tuple(fc.constantFrom('modbus', 'serial', 'mqtt', 'astm'), bytes, fc.nat(20), fc.nat(20))
    .map(
      ([kind, raw, address, more]): DeviceFrame =>
        kind === 'modbus'
          ? { kind, unit: 1, table: 'input-registers', address, quantity: more + 1, bytes: base64(raw) }
          : kind === 'mqtt'
            ? { kind, topic: 't', bytes: base64(raw) }
            : { kind: kind as 'serial' | 'astm', bytes: base64(raw) },
    );
  fc.assert(
    fc.property(fc.constantFrom(...devices), fc.array(frame, { minLength: 1, maxLength: 3 }), (device, frames) => {
      try {
        eventsOf({ device, frames });
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(HubError);
        expect((thrown as HubError).code).toBe('decode-failed');
      }
    }),
    { numRuns: 400 },
  );
});

it('refuses profiles that are about one device', () => {
  expect(() => deviceReadings([shipped[0]!, shipped[0]!])).toThrow('iso-301 is in another one, too');
});
