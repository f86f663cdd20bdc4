// Over 350 lines: every line of the fault list of Modbus, side by side on one simulated line.
import { connect } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Asked, exception, SimulatedDevices } from '../../clients/modbus/testing/simulated-devices.ts';
import { openLine } from '../../clients/serial-port/open-line.ts';
import { ptys } from '../../clients/serial-port/testing/pty.ts';
import { HubError } from '../../core/errors.ts';
import { wallClock } from '../../core/testing/fake-clock.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { encodeRtu } from '../../protocols/modbus/rtu.ts';
import { Polling, profileAt, profileOf, registersOf } from './testing/polling.ts';

const serial = await ptys();
const patience = { timeout: 30_000, interval: 10 };

async function simulated(kind: 'tcp' | 'rtu' = 'tcp'): Promise<SimulatedDevices> {
  const devices = await SimulatedDevices.start(kind);
  onTestFinished(() => devices.stop());
  return devices;
}

const holds = (address: number, id: string) =>
  `id: ${id}, read: { table: holding-registers, address: ${address} }, type: u16, unit: Pa`;

describe('line', () => {
  /** The devices at the far end of a cable; the port that a hub opens. */
  async function onCable(devices: SimulatedDevices): Promise<string> {
    const pair = await serial.pair();
    onTestFinished(() => pair[Symbol.asyncDispose]());
    const settings = { path: pair.device, baud: 19_200, dataBits: 8, parity: 'none', stopBits: 1 } as const;
    const signal = new AbortController().signal;
    const line = await openLine(settings, { clock: wallClock, timeoutMs: 5_000, signal });
    const socket = connect(devices.port, '127.0.0.1');
    onTestFinished(async () => {
      socket.destroy();
      await line.close();
    });
    line.read((bytes) => socket.write(bytes));
    socket.on('data', (bytes: Buffer) => line.write(bytes));
    return pair.host;
  }

  it.for([
    ['a device server', false],
    ['a serial line', true],
  ] as const)('a late reply of RTU over %s is never returned for another register', async ([, isCable], context) => {
    context.skip(isCable && serial.missing !== undefined, serial.missing);
    const devices = await simulated('rtu');
    let number = 0;
    // Within the time for which the line is left alone after it: what is later than that nobody can tell from an answer.
    devices.behave = (asked) => {
      const late = number++ % 3 === 0;
      if (late) setTimeout(() => asked.answer(asked.usual()), 300);
      else asked.answer(asked.usual());
    };
    const path = isCable ? await onCable(devices) : `127.0.0.1:${devices.port}`;
    const profile = profileOf(`profile: rooms
transport: modbus-rtu
modbus: { path: '${path}', baud: 19200, unit: 1, addressing: zero-based, timeoutMs: 200, groups: { all: { everyMs: 100 } } }
devices: [{ id: unit-1 }]
points: [{ ${holds(100, 'a')} }, { ${holds(200, 'b')} }]
`);
    const polling = new Polling(profile);
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(6), patience);
    expect(polling.context.counts.modbus_timeouts_total).toBeGreaterThan(1);
    for (const block of polling.blocks()) expect(registersOf(block)).toEqual([block.address * 3]);
  });

  it('noise before and behind a reply over RTU is thrown away, and the reply taken', async () => {
    const devices = await simulated('rtu');
    devices.behave = (asked) => {
      asked.raw(Buffer.of(0, 0xff, 0x13));
      asked.answer(asked.usual());
    };
    const polling = new Polling(profileAt(devices.port, { transport: 'modbus-rtu', points: [holds(7, 'a')] }));
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(3), patience);
    expect(polling.blocks().map(registersOf)).toEqual(polling.blocks().map(() => [21]));
  });

  /** Of unit 1 to a question for register 7. */
  const reply = encodeRtu(1, Buffer.from([3, 2, 0, 21]));
  const broken = Buffer.concat([reply.subarray(0, -1), Buffer.of(reply.at(-1)! ^ 0x10)]);

  it.for([
    ['one-byte trickle: makes no difference', [...reply].map((byte) => Buffer.of(byte)), false],
    ['bad checksum: no answer, and no value', [broken], true],
    ['half a frame, then silence: no answer, and mixed with no other', [reply.subarray(0, 4)], true],
    ['a frame that comes twice: the second one answers nothing', [reply, reply], false],
  ] as const)('%s', async ([, pieces, isLost]) => {
    const devices = await simulated('rtu');
    devices.behave = (asked) => {
      if (devices.asked.length !== 2) return asked.answer(asked.usual());
      for (const [at, piece] of pieces.entries()) setTimeout(() => asked.raw(piece), 2 * at);
    };
    // Where an answer is to come of it, a busy machine has time for it.
    const section = `timeoutMs: ${isLost ? 100 : 3_000}`;
    const polling = new Polling(profileAt(devices.port, { transport: 'modbus-rtu', section, points: [holds(7, 'a')] }));
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(3), patience);
    expect(new Set(polling.blocks().map(({ bytes }) => bytes))).toEqual(new Set([Buffer.of(0, 21).toString('base64')]));
    expect(polling.told('unit-1').includes('silent: no answer within 100 ms')).toBe(isLost);
  });

  it('a reply of another unit over RTU is no reply', async () => {
    const devices = await simulated('rtu');
    devices.behave = (asked) => {
      if (devices.asked.length === 1) asked.raw(encodeRtu(9, Buffer.from([3, 2, 0xde, 0xad])));
      else asked.answer(asked.usual());
    };
    const polling = new Polling(profileAt(devices.port, { transport: 'modbus-rtu', points: [holds(7, 'a')] }));
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(2), patience);
    expect(new Set(polling.blocks().map(({ bytes }) => bytes))).toEqual(new Set([Buffer.of(0, 21).toString('base64')]));
    expect(polling.told('unit-1')).toEqual(['silent: no answer within 100 ms', 'answering: it answers']);
  });
});

/** Whether nothing has held this process up since: a machine that is too busy leaves polls out, for any unit. */
function punctuality(): () => boolean {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  onTestFinished(() => void delay.disable());
  return () => delay.max < 100 * 1e6;
}

describe('protocol', () => {
  it('an MBAP length of 60,000 does not wedge the reading: the connection is made anew', async () => {
    const devices = await simulated();
    devices.behave = (asked) => {
      if (devices.asked.length === 3)
        asked.raw(Buffer.from('000100000ea60103', 'hex').fill(0xea, 4, 5).fill(0x60, 5, 6));
      else asked.answer(asked.usual());
    };
    const polling = new Polling(profileAt(devices.port));
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(6), patience);
    expect(devices.connections).toBe(2);
    expect(polling.context.counts.modbus_faults_total).toBe(1);
  });

  it.for([
    ['the answer to another transaction', (asked: Asked) => asked.raw(Buffer.from('7777000000050104020001', 'hex'))],
    ['the answer of another unit', (asked: Asked) => asked.raw(Buffer.from('0001000000050904020001', 'hex'))],
    ['the answer to another function', (asked: Asked) => asked.raw(Buffer.from('0001000000050103020001', 'hex'))],
    ['another protocol', (asked: Asked) => asked.raw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))],
  ] as const)('%s destroys the connection, and is no value', async ([, wrong]) => {
    const devices = await simulated();
    devices.behave = (asked) => {
      if (devices.asked.length === 1) wrong(asked);
      else asked.answer(asked.usual());
    };
    const polling = new Polling(profileAt(devices.port));
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(2), patience);
    expect(devices.connections).toBe(2);
    for (const block of polling.blocks()) expect(registersOf(block)).toEqual([0]);
  });

  it.for([1, 4])('1 of 32 units dead: the other 31 lose no sample, over one connection with %i open', {
    timeout: 120_000,
  }, async (open) => {
    const devices = await simulated();
    devices.behave = (asked) => {
      if (asked.unit !== 7) asked.answer(asked.usual());
    };
    const units = Array.from({ length: 32 }, (_, index) => index + 1);
    const profile = profileAt(devices.port, {
      units,
      section: `maxOpen: ${open}, timeoutMs: 400, groups: { all: { everyMs: 1200 } }`,
    });
    const isPunctual = punctuality();
    const polling = new Polling(profile);
    const living = units.filter((unit) => unit !== 7);
    const samples = () => living.map((unit) => polling.blocks(`unit-${unit}`).length);
    // Units that a busy machine keeps silent are asked less often, too.
    await vi.waitFor(() => expect(Math.min(...samples())).toBeGreaterThanOrEqual(3), { timeout: 100_000 });
    await polling.drain();
    for (const unit of living) expect(polling.told(`unit-${unit}`).at(-1)).toBe('answering: it answers');
    if (isPunctual()) {
      for (const unit of living) expect(polling.told(`unit-${unit}`)).toEqual(['answering: it answers']);
      // The last round may not be over for all of them.
      expect(Math.max(...samples()) - Math.min(...samples())).toBeLessThanOrEqual(1);
    }
    expect(devices.connections).toBe(1);
    expect(polling.blocks('unit-7')).toEqual([]);
    expect(polling.told('unit-7')).toEqual(['silent: no answer within 400 ms']);
  });

  it('1 of 32 units dead on one serial line: the other 31 lose no sample', { timeout: 120_000 }, async () => {
    const devices = await simulated('rtu');
    devices.behave = (asked) => {
      if (asked.unit !== 7) asked.answer(asked.usual());
    };
    const units = Array.from({ length: 32 }, (_, index) => index + 1);
    const profile = profileAt(devices.port, {
      ...{ transport: 'modbus-rtu', units },
      // A busy machine takes 20 ms for each question: all of them, and the silence of one, have to fit into half of the time.
      section: 'baud: 115200, timeoutMs: 300, groups: { all: { everyMs: 4000 } }',
    });
    const isPunctual = punctuality();
    const polling = new Polling(profile);
    const living = units.filter((unit) => unit !== 7);
    const samples = () => living.map((unit) => polling.blocks(`unit-${unit}`).length);
    // Units that a busy machine keeps silent are asked less often, too.
    await vi.waitFor(() => expect(Math.min(...samples())).toBeGreaterThanOrEqual(2), { timeout: 100_000 });
    await polling.drain();
    for (const unit of living) expect(polling.told(`unit-${unit}`).at(-1)).toBe('answering: it answers');
    if (isPunctual()) {
      for (const unit of living) expect(polling.told(`unit-${unit}`)).toEqual(['answering: it answers']);
      // The last round may not be over for all of them.
      expect(Math.max(...samples()) - Math.min(...samples())).toBeLessThanOrEqual(1);
    }
    expect(polling.told('unit-7')).toEqual(['silent: no answer within 300 ms']);
  });

  it('exception 11 is about that unit only', async () => {
    const devices = await simulated();
    devices.behave = (asked) => asked.answer(asked.unit === 2 ? exception(asked, 11) : asked.usual());
    const polling = new Polling(profileAt(devices.port, { units: [1, 2, 3] }));
    await vi.waitFor(() => expect(polling.blocks('unit-3').length).toBeGreaterThan(10), patience);
    expect(polling.blocks('unit-1').length).toBeGreaterThan(9);
    expect(polling.told('unit-2')).toEqual(['silent: exception 11 (GATEWAY TARGET DEVICE FAILED TO RESPOND)']);
    expect(polling.told('unit-1')).toEqual(['answering: it answers']);
    // It is asked less and less often.
    const asked = devices.asked.filter(({ unit }) => unit === 2).length;
    expect(asked).toBeLessThan(devices.asked.filter(({ unit }) => unit === 1).length / 2);
    devices.behave = (each) => each.answer(each.usual());
    await vi.waitFor(() => expect(polling.blocks('unit-2').length).toBeGreaterThan(1), patience);
    expect(polling.told('unit-2').at(-1)).toBe('answering: it answers');
  });

  it('exception 2: the block is split once to find the register, which is told and not read again', async () => {
    const devices = await simulated();
    devices.behave = (asked) => {
      const { request } = asked;
      const reads = request.function === 'read-holding-registers' && request;
      const has = (address: number) => reads && reads.address <= address && address < reads.address + reads.quantity;
      asked.answer(has(3) ? exception(asked, 2) : asked.usual());
    };
    const points = [holds(1, 'a'), holds(2, 'b'), holds(3, 'c'), holds(4, 'd')];
    const polling = new Polling(profileAt(devices.port, { points, section: 'timeoutMs: 100, maxGap: 8' }));
    await vi.waitFor(() => expect(polling.arrivals.length).toBeGreaterThan(4), patience);
    expect(polling.told('unit-1')).toEqual([
      'answering: it answers',
      'misconfigured: exception 2 (ILLEGAL DATA ADDRESS) (c)',
    ]);
    const asked = devices.asked.map(({ request }) =>
      'quantity' in request ? `${request.address}+${request.quantity}` : '',
    );
    expect(asked.slice(0, 9)).toEqual(['1+4', '1+1', '2+1', '3+1', '4+1', '1+2', '4+1', '1+2', '4+1']);
    // What it does have is in the first poll already.
    expect(polling.arrivals[0]!.frames.filter(({ kind }) => kind === 'modbus')).toHaveLength(3);
  });

  it('exception 2 for what nobody asked for between two points: they are read without it', async () => {
    const devices = await simulated();
    devices.behave = (asked) => {
      const { request } = asked;
      asked.answer('quantity' in request && request.quantity > 1 ? exception(asked, 2) : asked.usual());
    };
    const points = [holds(1, 'a'), holds(4, 'b')];
    const polling = new Polling(profileAt(devices.port, { points, section: 'timeoutMs: 100, maxGap: 8' }));
    await vi.waitFor(() => expect(polling.arrivals.length).toBeGreaterThan(3), patience);
    expect(polling.told('unit-1')).toEqual(['answering: it answers']);
    expect(polling.blocks().map(registersOf).slice(0, 4)).toEqual([[3], [12], [3], [12]]);
  });

  it('exceptions 5 and 6 are asked again, and 4 and 8 are the device’s own fault', async () => {
    const devices = await simulated();
    let busy = 2;
    devices.behave = (asked) => asked.answer(busy-- > 0 ? exception(asked, 6) : asked.usual());
    const polling = new Polling(
      profileAt(devices.port, { section: 'timeoutMs: 100, groups: { all: { everyMs: 400 } }' }),
    );
    await vi.waitFor(() => expect(polling.blocks().length).toBe(1), patience);
    expect(devices.asked).toHaveLength(3);
    devices.behave = (asked) => asked.answer(exception(asked, 4));
    await vi.waitFor(() => expect(polling.told('unit-1')).toHaveLength(2), patience);
    devices.behave = (asked) => asked.answer(asked.usual());
    await vi.waitFor(() => expect(polling.told('unit-1')).toHaveLength(3), patience);
    expect(polling.told('unit-1')).toEqual([
      'answering: it answers',
      'faulty: exception 4 (SERVER DEVICE FAILURE) (pressure)',
      'answering: it has a value again (pressure)',
    ]);
  });
});

describe('network', () => {
  it('half-open TCP: a connection from which nothing comes any more is made anew', async () => {
    const devices = await simulated();
    const polling = new Polling(profileAt(devices.port));
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(1), patience);
    // The first connection swallows everything, as a firewall does that has forgotten it.
    const [first] = devices.sockets;
    devices.behave = (asked) => {
      if (asked.socket !== first) asked.answer(asked.usual());
    };
    const before = polling.blocks().length;
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(before + 2), patience);
    expect(devices.connections).toBe(2);
    expect(polling.told('unit-1')).toEqual([
      'answering: it answers',
      'silent: no answer within 100 ms',
      'answering: it answers',
    ]);
  });

  it('RST mid-reply: half an answer is none, and the question is asked again over a new connection', async () => {
    const devices = await simulated();
    devices.behave = (asked) => {
      if (devices.asked.length !== 2) asked.answer(asked.usual());
      else {
        asked.raw(Buffer.from('000200000005', 'hex'));
        setTimeout(() => asked.socket.resetAndDestroy(), 10);
      }
    };
    const polling = new Polling(
      profileAt(devices.port, { section: 'timeoutMs: 100, groups: { all: { everyMs: 800 } }' }),
    );
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(2), patience);
    expect(devices.connections).toBe(2);
    expect(polling.told('unit-1')).toEqual(['answering: it answers']);
    expect(polling.context.counts.modbus_failed_polls_total).toBeUndefined();
  });

  it('a device that is switched off is told once, and read again when it is back', async () => {
    const devices = await simulated();
    const polling = new Polling(
      profileAt(devices.port, { section: 'timeoutMs: 100, groups: { all: { everyMs: 700 } }' }),
    );
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(1), patience);
    await devices.stop();
    await vi.waitFor(() => expect(polling.told('unit-1')).toHaveLength(2), patience);
    const before = polling.blocks().length;
    await pause(500);
    expect(polling.blocks().length).toBe(before);
    await devices.listen();
    await vi.waitFor(() => expect(polling.blocks().length).toBeGreaterThan(before), patience);
    expect(polling.told('unit-1')).toEqual([
      'answering: it answers',
      expect.stringContaining('silent: ECONNREFUSED'),
      'answering: it answers',
    ]);
    expect(polling.context.reported.map(({ state }) => state)).toContain('retrying');
  });
});

describe('hub', () => {
  it('a slow store: polls are left out and counted, and nothing waits but one arrival', async () => {
    const devices = await simulated();
    const intake = fakeIntake();
    const polling = new Polling(
      profileAt(devices.port, { section: 'timeoutMs: 100, groups: { all: { everyMs: 20 } }' }),
      intake,
    );
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(1), patience);
    await pause(500);
    expect(intake.arrivals).toHaveLength(1);
    expect(devices.asked).toHaveLength(1);
    expect(polling.context.counts.modbus_overruns_total).toBeGreaterThan(15);
    // Counted once it is durable.
    expect(polling.context.counts.modbus_polls_total).toBeUndefined();
    intake.answer(0, positive);
    await vi.waitFor(() => expect(intake.arrivals.length).toBe(2), patience);
    expect(polling.context.counts.modbus_polls_total).toBe(1);
  });

  it('a store that is full: what was read is kept until there is room, and its device is not polled', async () => {
    const devices = await simulated();
    const intake = fakeIntake(() => positive);
    const full = new HubError('store-full', 'transient', 'storing: it is full');
    for (let times = 0; times < 2; times++) intake.refuseNext(full);
    const polling = new Polling(profileAt(devices.port), intake);
    await vi.waitFor(() => expect(intake.arrivals.length).toBeGreaterThan(0), patience);
    expect(intake.refused).toBe(2);
    expect(devices.asked.length).toBeLessThan(3);
    expect(polling.context.logged.filter(({ fields }) => fields.code === 'store-full')).toHaveLength(1);
  });

  it('hub restart: nothing is taken twice or asked at the end, and the connection is given back', async () => {
    const devices = await simulated();
    const profile = profileAt(devices.port, { units: [1, 2] });
    const first = new Polling(profile);
    await vi.waitFor(() => expect(first.blocks().length).toBeGreaterThan(4), patience);
    await first.drain();
    await vi.waitFor(() => expect(devices.sockets.size).toBe(0), patience);
    const asked = devices.asked.length;
    expect(first.blocks().length).toBe(asked);
    await pause(300);
    expect(devices.asked.length).toBe(asked);
    const second = new Polling(profile);
    await vi.waitFor(() => expect(second.blocks().length).toBeGreaterThan(4), patience);
    expect(devices.sockets.size).toBe(1);
    expect(second.told('unit-2')).toEqual(['answering: it answers']);
  });

  it('a halt ends it at once, whatever a device or the store does', async () => {
    const devices = await simulated();
    devices.behave = () => undefined;
    const polling = new Polling(profileAt(devices.port, { section: 'timeoutMs: 60000' }));
    await vi.waitFor(() => expect(devices.asked.length).toBe(1), patience);
    const before = performance.now();
    await polling.halt();
    expect(performance.now() - before).toBeLessThan(20_000);
    await vi.waitFor(() => expect(devices.sockets.size).toBe(0), patience);
  });
});
