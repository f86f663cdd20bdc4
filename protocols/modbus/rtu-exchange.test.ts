import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModbusFault } from './fault.ts';
import type { ModbusRequest } from './message.ts';
import { encodeRequest } from './request.ts';
import { encodeRtu } from './rtu.ts';
import { type RtuEvent, RtuExchange, type RtuLine } from './rtu-exchange.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const line: RtuLine = { baud: 19_200, responseTimeoutMs: 100, turnaroundMs: 150 };
const SILENCE = 2.0052;
const read = (address: number): ModbusRequest => ({ function: 'read-holding-registers', address, quantity: 1 });
const answer = (value: number, unit = 1) => encodeRtu(unit, hex(`03 02 ${value.toString(16).padStart(4, '0')}`));
const kinds = (events: readonly RtuEvent[]) => events.map((event) => event.kind);
const registers = (events: readonly RtuEvent[]) =>
  events.flatMap((event) =>
    event.kind === 'answer' && event.response.function === 'read-holding-registers'
      ? [event.response.registers.readUInt16BE(0)]
      : [],
  );

describe('the exchange on a serial line', () => {
  it('answers a request, and lets the line rest for 3.5 characters', () => {
    const exchange = new RtuExchange(line);
    expect(exchange.request(1, read(100), 0)).toEqual(encodeRtu(1, encodeRequest(read(100)) as Buffer));
    expect(exchange.request(1, read(100), 1)).toMatchObject({ code: 'modbus.busy' });
    expect(registers(exchange.receive(answer(7).subarray(0, 3), 20))).toEqual([]);
    expect(registers(exchange.receive(answer(7).subarray(3), 21))).toEqual([7]);
    expect(exchange.request(1, read(100), 22)).toMatchObject({ code: 'modbus.busy' });
    expect(exchange.readyAt).toBeCloseTo(21 + SILENCE, 3);
    expect(exchange.request(1, read(100), 24)).toBeInstanceOf(Buffer);
  });

  // modbus-serial 8 gave the value of register 100 for register 200 here.
  it('never takes a late answer for the next one’s', () => {
    const exchange = new RtuExchange(line);
    exchange.request(1, read(100), 0);
    const timedOut = exchange.deadline!;
    expect(kinds(exchange.tick(timedOut))).toEqual(['timeout']);
    expect(exchange.request(1, read(200), timedOut)).toMatchObject({ code: 'modbus.busy' });
    expect(exchange.receive(answer(100), timedOut + 60)).toEqual([]);
    expect(exchange.discarded).toBe(7);
    expect(exchange.request(1, read(200), timedOut + 99)).toMatchObject({ code: 'modbus.busy' });
    expect(exchange.request(1, read(200), timedOut + 100)).toBeInstanceOf(Buffer);
    expect(registers(exchange.receive(answer(200), timedOut + 120))).toEqual([200]);
  });

  it('throws away the rest of a late answer, too, of which a part came in time', () => {
    const exchange = new RtuExchange(line);
    exchange.request(1, read(100), 0);
    expect(exchange.receive(answer(100).subarray(0, 4), 90)).toEqual([]);
    expect(kinds(exchange.tick(exchange.deadline!))).toEqual(['noise', 'timeout']);
    const late = exchange.readyAt - 0.5;
    expect(exchange.receive(answer(100).subarray(4), late)).toEqual([]);
    expect(exchange.readyAt).toBeCloseTo(late + SILENCE, 3);
    expect(exchange.request(1, read(200), late + SILENCE + 0.01)).toBeInstanceOf(Buffer);
    expect(registers(exchange.receive(answer(200), late + 20))).toEqual([200]);
  });

  it('takes an answer that came in time, however late it is read', () => {
    const exchange = new RtuExchange(line);
    exchange.request(1, read(100), 0);
    expect(registers(exchange.receive(answer(100), exchange.deadline! + 500))).toEqual([100]);
  });

  it('waits for as long as request and answer take on the line, besides the timeout', () => {
    const slow = new RtuExchange({ ...line, baud: 1_200 });
    slow.request(1, { function: 'read-holding-registers', address: 0, quantity: 125 }, 0);
    expect(slow.deadline).toBeCloseTo(100 + ((8 + 255) * 11_000) / 1_200, 3);
  });

  it('finds the answer behind and between noise, and tells the noise', () => {
    const exchange = new RtuExchange(line);
    exchange.request(1, read(100), 0);
    const events = exchange.receive(Buffer.concat([hex('FF 00 01 03'), answer(9, 2), answer(100)]), 20);
    expect(kinds(events)).toEqual(['noise', 'answer']);
    expect(registers(events)).toEqual([100]);
  });

  it('finds at the time-out an answer that a damaged one hid', () => {
    const exchange = new RtuExchange(line);
    const identify: ModbusRequest = { function: 'read-device-identification', category: 1, object: 0 };
    exchange.request(1, identify, 0);
    const hidden = encodeRtu(1, hex('2B 0E 01 01 00 00 01 00 01 41'));
    expect(exchange.receive(Buffer.concat([hex('01 2B 0E 01 01 00 00 05'), hidden]), 20)).toEqual([]);
    expect(kinds(exchange.tick(exchange.deadline!))).toEqual(['noise', 'answer']);
  });

  it('refuses a frame that is right but no answer, and keeps the line quiet', () => {
    const exchange = new RtuExchange(line);
    exchange.request(1, { function: 'write-register', address: 1, value: 5 }, 0);
    const events = exchange.receive(encodeRtu(1, hex('06 0002 0005')), 20);
    expect(events).toMatchObject([{ kind: 'refused', fault: { code: 'modbus.wrong-echo' } }]);
    expect(exchange.readyAt).toBe(120);
    expect(exchange.deadline).toBeUndefined();
  });

  it('awaits nothing after a write to all units, but gives them time', () => {
    const exchange = new RtuExchange(line);
    expect(exchange.request(0, { function: 'write-register', address: 1, value: 5 }, 0)).toBeInstanceOf(Buffer);
    expect(exchange.deadline).toBeUndefined();
    expect(exchange.readyAt).toBeCloseTo(150 + (8 * 11_000) / 19_200, 3);
  });

  it.each([
    [0, read(1), 'modbus.bad-unit'],
    [248, read(1), 'modbus.bad-unit'],
    [1.5, read(1), 'modbus.bad-unit'],
    [1, { ...read(1), quantity: 126 } as ModbusRequest, 'modbus.bad-quantity'],
  ])('does not send to unit %d what cannot be sent', (unit, request, code) => {
    const exchange = new RtuExchange(line);
    expect(exchange.request(unit, request, 0)).toMatchObject({ code });
    expect(exchange.deadline).toBeUndefined();
  });

  it('property: gives each request its own value or a time-out, whenever answers come within twice the timeout', () => {
    const delays = fc.array(fc.record({ delay: fc.integer({ min: 1, max: 199 }), noise: fc.nat(5) }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(delays, (plan) => {
        const exchange = new RtuExchange(line);
        let now = 0;
        plan.forEach(({ delay, noise }, address) => {
          now = Math.max(now, exchange.readyAt, 0) + 0.01;
          expect(exchange.request(1, read(address), now)).not.toBeInstanceOf(ModbusFault);
          const arrives = now + delay;
          const deadline = exchange.deadline!;
          const events: RtuEvent[] = [];
          if (deadline < arrives) events.push(...exchange.tick(deadline));
          events.push(...exchange.receive(Buffer.concat([Buffer.alloc(noise, 0xff), answer(address)]), arrives));
          now = arrives;
          expect(registers(events)).toEqual(arrives <= deadline ? [address] : []);
          expect(kinds(events).includes('timeout')).toBe(deadline < arrives);
        });
      }),
    );
  });
});
