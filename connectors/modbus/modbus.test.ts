import { expect, it, onTestFinished, vi } from 'vitest';
import { Polling, profileAt } from '../../adapters/modbus/testing/polling.ts';
import { exception, SimulatedDevices } from '../../clients/modbus/testing/simulated-devices.ts';
import { type DeviceWrite, deviceWrite } from '../../contracts/device-write.ts';
import type { WriteOutcome } from '../../core/destination.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { modbus } from './modbus.ts';

const points = [
  'id: fan, read: { table: coils, address: 4 }, type: bit, writable: true',
  'id: setpoint, read: { table: holding-registers, address: 10 }, type: i16, scale: 0.1, unit: Pa, plausible: { min: -30, max: 30 }, writable: true',
  'id: flow, read: { table: holding-registers, address: 20 }, type: f32, order: CDAB, unit: m3/h, writable: true',
  "id: mode, read: { table: holding-registers, address: 30 }, type: enum, names: { '1': negative, '2': positive }, writable: true",
  'id: pressure, read: { table: holding-registers, address: 40 }, type: i16, unit: Pa',
];

async function destination(config: Partial<Parameters<typeof modbus>[0]> = {}, units: readonly number[] = [1]) {
  const devices = await SimulatedDevices.start();
  onTestFinished(() => devices.stop());
  const profile = profileAt(devices.port, { points, units });
  const context = fakeDestinationContext({ deviceProfiles: [profile] });
  const out = modbus({ profile: 'rooms', ...config }).create(context);
  onTestFinished(() => out[Symbol.asyncDispose]());
  let number = 0;
  const write = async (...payloads: readonly Partial<DeviceWrite>[]) => {
    const batch = payloads.map((each) => {
      const payload: DeviceWrite = { device: 'unit-1', point: 'setpoint', value: 0, ...each };
      return outgoing({ number: number++, keys: [`${number}`], payload, bytes: deviceWrite.encode(payload) });
    });
    return (await out.write(batch, patient)) as readonly WriteOutcome[];
  };
  const inWords = (outcome: WriteOutcome | undefined): string => {
    if (!outcome || outcome.status === 'sent' || outcome.status === 'untried') return outcome?.status ?? '';
    return `${outcome.status} ${outcome.error.kind} ${outcome.error.message}`;
  };
  return { devices, write, profile, one: async (payload: Partial<DeviceWrite>) => inWords((await write(payload))[0]) };
}

it('writes a coil, a register and several registers, each with its function', async () => {
  const { devices, write } = await destination();
  const outcomes = await write(
    { point: 'fan', value: true },
    { point: 'setpoint', value: -12.5 },
    { point: 'flow', value: 42.5 },
    { point: 'mode', value: 'positive' },
  );
  expect(outcomes.map(({ status }) => status)).toEqual(['sent', 'sent', 'sent', 'sent']);
  expect(devices.asked.map(({ request }) => request)).toEqual([
    { function: 'write-coil', address: 4, value: true },
    { function: 'write-register', address: 10, value: 0x10000 - 125 },
    { function: 'write-registers', address: 20, registers: Buffer.from('0000422a', 'hex') },
    { function: 'write-register', address: 30, value: 2 },
  ]);
});

it('for devices that know no others it takes the functions for several', async () => {
  const { devices, write } = await destination({ function: 'multiple' });
  await write({ point: 'fan', value: true }, { value: 1 });
  expect(devices.asked.map(({ request }) => request.function)).toEqual(['write-coils', 'write-registers']);
  expect(devices.coils[4]).toBe(true);
  expect(devices.registers[10]).toBe(10);
});

it('writes nothing but points that the profile lets be written, with values that they can hold and are plausible', async () => {
  const { devices, one } = await destination();
  expect(await one({ point: 'pressure', value: 1 })).toMatch(/^error permanent .* does not let pressure be written/);
  expect(await one({ point: 'speed', value: 1 })).toMatch(/^error permanent .* no point speed$/);
  expect(await one({ device: 'unit-9' })).toMatch(/^error permanent .* no such device$/);
  expect(await one({ value: 30.1 })).toMatch(/^error permanent .* not within what is plausible for setpoint$/);
  expect(await one({ value: 'high' })).toMatch(/^error permanent .* its type cannot hold it$/);
  expect(await one({ point: 'mode', value: 'sideways' })).toMatch(/^error permanent .* its type cannot hold it$/);
  expect(await one({ point: 'fan', value: 1 })).toMatch(/^error permanent .* true or false is needed$/);
  expect(await one({ validUntil: '2020-01-01T00:00:00Z' })).toMatch(/^error permanent .* its validUntil is over$/);
  expect(devices.asked).toEqual([]);
});

it('a write whose answer was lost is uncertain, and one that could not go is not', async () => {
  const { devices, one } = await destination();
  devices.behave = () => undefined;
  expect(await one({})).toBe(`uncertain transient asking unit 1 at 127.0.0.1:${devices.port}: no answer within 100 ms`);
  devices.behave = ({ socket }) => socket.resetAndDestroy();
  expect(await one({})).toMatch(/^uncertain transient connected to /);
  await devices.stop();
  await vi.waitFor(async () => expect(await one({})).toMatch(/^error transient .*ECONNREFUSED/));
});

it('exceptions: what is refused for good, and what may pass', async () => {
  const { devices, one } = await destination();
  const says = async (code: number) => {
    devices.behave = (asked) => asked.answer(exception(asked, code));
    return one({});
  };
  expect(await says(2)).toBe('error permanent writing to unit-1: exception 2 (ILLEGAL DATA ADDRESS)');
  expect(await says(6)).toBe('error transient writing to unit-1: exception 6 (SERVER DEVICE BUSY)');
  expect(await says(11)).toMatch(/^error transient .* exception 11/);
});

it('reads back what it wrote, where that is asked for: sent is what the device has', async () => {
  const { devices, one } = await destination({ readBack: true });
  expect(await one({ value: 5 })).toBe('sent');
  expect(devices.asked.map(({ request }) => request.function)).toEqual(['write-register', 'read-holding-registers']);
  expect(await one({ point: 'fan', value: true })).toBe('sent');
  // It confirms, and does nothing.
  devices.behave = (asked) => asked.answer(asked.request.function === 'write-register' ? asked.request : asked.usual());
  expect(await one({ value: 7 })).toBe(
    'error transient reading back from unit-1: it has another value than was written',
  );
  devices.behave = (asked) => {
    if (asked.request.function === 'write-register') asked.answer(asked.usual());
  };
  expect(await one({ value: 8 })).toMatch(/^uncertain transient /);
});

it('has one connection together with a source that reads the same devices', async () => {
  const { devices, write, profile } = await destination({}, [1, 2]);
  const polling = new Polling(profile);
  await vi.waitFor(() => expect(polling.blocks('unit-2').length).toBeGreaterThan(0));
  expect((await write({ device: 'unit-2', value: 3 }))[0]).toEqual({ status: 'sent' });
  await vi.waitFor(() => expect(polling.blocks('unit-2').length).toBeGreaterThan(3));
  expect(devices.connections).toBe(1);
  await polling.drain();
  expect((await write({ device: 'unit-2', value: 4 }))[0]).toEqual({ status: 'sent' });
  expect(devices.connections).toBe(1);
});
