import { describe, expect, it } from 'vitest';
import { framerOf } from '../../../adapters/serial/framer.ts';
import type { SentFrame } from '../../../contracts/device-arrival.ts';
import { readDeviceProfile } from '../../../contracts/device-profile/device-profile.ts';
import { describeProblem } from '../../../core/config/problem.ts';
import { YamlFile } from '../../../core/config/yaml-file.ts';
import { SerialFault } from '../../../protocols/serial-framing/fault.ts';
import { ReadingMaker } from '../../../transforms/device-to-reading/readings.ts';
import type { PlayedValue } from './played-values.ts';
import { binaryFrame } from './serial-frames.ts';
import { textFor } from './text-for.ts';
import { textFrames } from './text-frames.ts';

function profileOf(framing: string, points: string) {
  const file = new YamlFile(
    'p',
    `profile: p\ntransport: serial\nserial: { path: /dev/x, framing: ${framing} }\ndevices: [{ id: d }]\npoints:\n${points}`,
  );
  const profile = readDeviceProfile(file, { environment: {}, readFile: () => undefined });
  if (!profile) throw new Error(file.problems.map(describeProblem).join('\n'));
  return profile;
}

/** What a hub reads of a device with these values, from the bytes on its line. */
function readOf(framing: string, points: string, values: Readonly<Record<string, PlayedValue>>) {
  const profile = profileOf(framing, points);
  const { content } = profile.devices[0]!;
  if (content.kind !== 'text' && content.kind !== 'binary') throw new Error(content.kind);
  const shown = new Map(Object.entries(values));
  const frames = content.kind === 'text' ? textFrames(content, shown) : [binaryFrame(content, shown)];
  const framer = framerOf(content.serial.framing);
  // Of lines the first is never taken.
  const sentTwice = content.serial.framing.type === 'line' ? [...frames, ...frames] : frames;
  const scanned = [...framer.decode(Buffer.concat(sentTwice)), ...framer.silence()];
  const sent = scanned
    .filter((each) => !(each instanceof SerialFault))
    .map((each): SentFrame => ({ kind: 'serial', bytes: each.toString('base64') }));
  const made = new ReadingMaker([profile]).readingsOf({ arrival: 1, device: 'd', receivedAt: 0, frames: sent }, 0);
  return Object.fromEntries(made.flatMap(({ readings }) => readings.map(({ point, value }) => [point, value])));
}

const number = (id: string, match: string, more = '') =>
  `  - { id: ${id}, type: number, match: '${match}', unit: '1'${more} }\n`;

describe('text of a device that is played', () => {
  it.for([
    ['points in one line', '{ type: line }', number('t', 'T=(\\S+)') + number('p', 'P=\\s*(\\d+)'), { t: 36, p: 70 }],
    [
      'a line for each',
      '{ type: line, end: cr }',
      number('t', '^T(-?\\d+)$') + number('p', '^P(\\d{4})$'),
      { t: -3, p: 70 },
    ],
    [
      'one expression, several values',
      '{ type: line }',
      number('a', '^#(\\d+);\\d+;') + number('b', '^#\\d+;(\\d+);'),
      { a: 17, b: 4 },
    ],
    ['a scale', '{ type: line }', number('t', 'T(\\d+)', ', scale: 0.1'), { t: 36.5 }],
    [
      'digits of a width, with a sign',
      '{ type: line, end: lf }',
      number('t', '^([+-]\\d{3}\\.\\d) (?:Cel|F)$'),
      { t: 36.5 },
    ],
    [
      'a check',
      '{ type: line, check: { algorithm: xor8, written: hex, from: 1, uncovered: 1 } }',
      number('t', '^\\$T,(\\d+)'),
      { t: 36 },
    ],
    [
      'frames between STX and ETX',
      '{ type: stx-etx, trailer: 3, check: { algorithm: sum8, written: big-endian, after: 2 } }',
      number('t', 'T(\\d+)'),
      { t: 36 },
    ],
    ['a word', '{ type: line }', "  - { id: s, type: text, match: 'S=(\\w*)' }\n", { s: 'ok' }],
  ] as const)('is what the profile reads: %s', ([, framing, points, values]) => {
    expect(readOf(framing, points, values)).toEqual(values);
  });

  it('cannot be made up of an expression that says more', () => {
    for (const match of ['(?<=T)(\\d+)', '(\\w)\\1', '^(A|B)$'])
      expect(() => readOf('{ type: line }', number('t', match), { t: 36 })).toThrow('cannot be made up from a profile');
  });

  it('leaves out what may be left out, and has characters of every class', () => {
    expect(textFor('^a?b*c+[x-z]{2}[^0-9a]\\.(?:d|e)$', -1, '')).toBe('cxxA.d');
    expect(textFor('(a(b)?)?', 1, 'X')).toBe('aX');
    expect(textFor('(?!a)b', -1, '')).toBeUndefined();
  });
});

it('frames that say their length are as long as their points need', () => {
  const points =
    "  - { id: a, type: u8, at: 3, unit: '1' }\n  - { id: b, type: u16, at: 4, order: ABCD, unit: '1', scale: 0.1 }\n";
  const framing =
    '{ type: length-prefixed, start: [170, 85], lengthAt: 2, adds: 5, check: { algorithm: crc16-modbus, written: little-endian } }';
  expect(readOf(framing, points, { a: 7, b: 41.5 })).toEqual({ a: 7, b: 41.5 });
});
