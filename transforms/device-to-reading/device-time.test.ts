import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DeviceClock } from './device-time.ts';

const berlin = new DeviceClock('Europe/Berlin');
const at = (text: string) => Date.parse(text);

it('takes a time that comes twice as the one nearer to its receipt', () => {
  const read = (received: string) => berlin.ofIso('2026-10-25T02:30:00', at(received));
  expect(read('2026-10-25T00:30:01Z')).toEqual({ deviceTime: '2026-10-25T00:30:00.000Z', skewMs: -1_000 });
  expect(read('2026-10-25T01:30:01Z')).toEqual({ deviceTime: '2026-10-25T01:30:00.000Z', skewMs: -1_000 });
});

it.for([
  ['2026-03-02T08:15:00Z', '2026-03-02T08:15:00.000Z'],
  ['2026-03-02 08:15:00.25+0130', '2026-03-02T06:45:00.250Z'],
  ['2026-03-02T08:15-01:00', '2026-03-02T09:15:00.000Z'],
  ['2026-07-02T08:15', '2026-07-02T06:15:00.000Z'],
  ['1970-01-01T01:00:00', '1970-01-01T00:00:00.000Z'],
])('reads %s', ([text, expected]) => {
  expect(berlin.ofIso(text, 0).deviceTime).toBe(expected);
});

it.for([
  '2026',
  '2026-03-02',
  '2026-02-30T08:00',
  '2026-13-01T08:00',
  '2026-03-02T24:00',
  '2026-03-02T08:60',
  'berger',
  '',
])('takes %j as no time', (text) => {
  expect(berlin.ofIso(text, 0)).toEqual({});
});

it('takes no time without a zone where the device has none', () => {
  expect(new DeviceClock(undefined).ofIso('2026-03-02T08:15:00', 0)).toEqual({});
});

it('of any number makes a time that ISO 8601 can write, or none', () => {
  fc.assert(
    fc.property(fc.double(), fc.nat(), (instant, received) => {
      const { deviceTime, skewMs } = berlin.ofInstant(instant, received);
      if (deviceTime === undefined) return;
      expect(deviceTime).toMatch(/^\d{4}-/);
      expect(at(deviceTime) - received).toBe(skewMs);
    }),
  );
});
