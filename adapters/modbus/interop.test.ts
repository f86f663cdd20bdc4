import modbusSerial from 'modbus-serial';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SimulatedDevices } from '../../clients/modbus/testing/simulated-devices.ts';
import { ptys } from '../../clients/serial-port/testing/pty.ts';
import { modbus as modbusOut } from '../../connectors/modbus/modbus.ts';
import { type DeviceWrite, deviceWrite } from '../../contracts/device-write.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { modbusPeers } from './testing/peers.ts';
import { Polling, profileAt, profileOf, registersOf } from './testing/polling.ts';

const { missing, peers } = await modbusPeers();
const serial = await ptys();
const patience = { timeout: 30_000, interval: 20 };
const tables = [
  'id: a, read: { table: holding-registers, address: 10 }, type: u16, unit: Pa, writable: true',
  'id: b, read: { table: holding-registers, address: 12 }, type: u32, order: ABCD, unit: Pa, writable: true',
  'id: c, read: { table: input-registers, address: 60 }, type: u16, unit: Pa',
  'id: d, read: { table: coils, address: 3 }, type: bit, writable: true',
  'id: e, read: { table: discrete-inputs, address: 5 }, type: bit',
];
/** What the two units of pymodbus have there. */
const inTables = (unit: number) => [[30 + unit, 33 + unit, 36 + unit, 39 + unit], [180 + unit]];

function expectTables(polling: Polling, unit: number): void {
  const blocks = polling.of(`unit-${unit}`)[0]!.frames.filter((frame) => frame.kind === 'modbus');
  const registers = blocks.filter(({ table }) => table.endsWith('registers')).map(registersOf);
  expect(registers).toEqual(inTables(unit));
  const bits = blocks.filter(({ table }) => !table.endsWith('registers'));
  expect(bits.map(({ bytes }) => Buffer.from(bytes, 'base64')[0]! & 1)).toEqual([1, 1]);
}

describe.skipIf(missing)('pymodbus', () => {
  it.for(['tcp', 'rtu'] as const)('its server over %s is polled and written to', async (kind) => {
    const port = await freePort();
    await using _ = await peers!.serve(kind, port);
    const profile = profileAt(port, {
      ...{ transport: kind === 'tcp' ? 'modbus-tcp' : 'modbus-rtu', units: [1, 2], points: tables },
      section: 'timeoutMs: 1000, maxGap: 4, groups: { all: { everyMs: 200 } }',
    });
    const polling = new Polling(profile);
    await vi.waitFor(() => expect(polling.of('unit-2').length).toBeGreaterThan(2), patience);
    for (const unit of [1, 2]) expectTables(polling, unit);

    const context = fakeDestinationContext({ deviceProfiles: [profile] });
    const out = modbusOut({ profile: 'rooms', readBack: true }).create(context);
    onTestFinished(() => out[Symbol.asyncDispose]());
    const writes: readonly DeviceWrite[] = [
      { device: 'unit-2', point: 'a', value: 4711 },
      { device: 'unit-2', point: 'b', value: 123_456 },
      { device: 'unit-2', point: 'd', value: false },
    ];
    const batch = writes.map((payload, number) => outgoing({ number, payload, bytes: deviceWrite.encode(payload) }));
    expect(await out.write(batch, patient)).toEqual(writes.map(() => ({ status: 'sent' })));
    await vi.waitFor(() => {
      const [holding] = polling
        .blocks('unit-2')
        .slice(-4)
        .filter(({ table }) => table === 'holding-registers');
      expect(registersOf(holding!)).toEqual([4711, 35, 1, 57_920]);
    }, patience);
    if (kind === 'rtu') return;
    // What mbpoll sees there is what was written.
    const seen = await peers!.mbpoll(
      '-m',
      'tcp',
      '-a',
      '2',
      '-0',
      '-r',
      '10',
      '-c',
      '4',
      '-1',
      '-p',
      String(port),
      '127.0.0.1',
    );
    expect([...seen.matchAll(/^\[(\d+)\]:\s+(\d+)/gm)].map(([, , value]) => Number(value))).toEqual([
      4711, 35, 1, 57_920,
    ]);
  });

  it.skipIf(serial.missing)('its server on a serial line is polled', async () => {
    const pair = await serial.pair();
    onTestFinished(() => pair[Symbol.asyncDispose]());
    await using _ = await peers!.serve('serial', pair.device);
    const profile = profileOf(`profile: rooms
transport: modbus-rtu
modbus: { path: ${pair.host}, baud: 19200, parity: none, unit: '\${UNIT}', addressing: zero-based, maxGap: 4, timeoutMs: 500, groups: { all: { everyMs: 400 } } }
devices: [{ id: unit-1, variables: { UNIT: 1 } }, { id: unit-2, variables: { UNIT: 2 } }]
points:
${tables.map((point) => `  - { ${point} }`).join('\n')}
`);
    const polling = new Polling(profile);
    await vi.waitFor(() => expect(polling.of('unit-2').length).toBeGreaterThan(2), patience);
    for (const unit of [1, 2]) expectTables(polling, unit);
  });

  it.for(['tcp', 'rtu'] as const)('its client and ours agree about devices over %s', async (kind) => {
    const devices = await SimulatedDevices.start(kind);
    onTestFinished(() => devices.stop());
    expect(await peers!.ask(kind, devices.port, 5)).toEqual({
      ...{ holding: [30, 33, 36, 39], input: 372, wrote: true, wroteSeveral: true, wroteCoil: true, again: [4711] },
      coils: [true, false, false, true, false, false, true, false, false, true],
    });
    expect([...devices.registers.slice(20, 23)]).toEqual([1, 2, 3]);
    expect(devices.coils[1]).toBe(true);
  });
});

describe.skipIf(missing)('mbpoll', () => {
  it('reads and writes the devices that ours reads', async () => {
    const devices = await SimulatedDevices.start();
    onTestFinished(() => devices.stop());
    const port = String(devices.port);
    await peers!.mbpoll('-m', 'tcp', '-a', '1', '-0', '-r', '7', '-p', port, '127.0.0.1', '99');
    const polling = new Polling(
      profileAt(devices.port, {
        points: ['id: a, read: { table: holding-registers, address: 7 }, type: u16, unit: Pa'],
      }),
    );
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(0), patience);
    expect(registersOf(polling.blocks()[0]!)).toEqual([99]);
    const seen = await peers!.mbpoll(
      '-m',
      'tcp',
      '-a',
      '1',
      '-0',
      '-t',
      '0',
      '-r',
      '0',
      '-c',
      '4',
      '-1',
      '-p',
      port,
      '127.0.0.1',
    );
    expect([...seen.matchAll(/^\[(\d+)\]:\s+(\d)/gm)].map(([, , bit]) => bit)).toEqual(['1', '0', '0', '1']);
  });
});

describe('modbus-serial', () => {
  it('its server is polled', async () => {
    const port = await freePort();
    const vector = {
      getHoldingRegister: (address: number, unit: number) => address * 3 + unit,
      getInputRegister: (address: number, unit: number) => address * 3 + unit,
      getCoil: (address: number) => address % 3 === 0,
      getDiscreteInput: (address: number) => address % 5 === 0,
    };
    const server = new modbusSerial.ServerTCP(vector, { host: '127.0.0.1', port, unitID: 255 });
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const profile = profileAt(port, { units: [1, 2], points: tables, section: 'timeoutMs: 1000, maxGap: 4' });
    const polling = new Polling(profile);
    await vi.waitFor(() => expect(polling.of('unit-2').length).toBeGreaterThan(2), patience);
    for (const unit of [1, 2]) expectTables(polling, unit);
  });
});
