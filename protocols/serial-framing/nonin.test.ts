import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SerialFault } from './fault.ts';
import { NoninDecoder, type NoninEvent, NoninGap, type NoninPacket } from './nonin.ts';

interface Simulated {
  readonly rate: number;
  readonly spo2: number;
  /** Status bits of all frames but 7 and 0. */
  readonly status?: number;
}
/** 25 frames as the module sends them. */
function packet({ rate, spo2, status = 0 }: Simulated): Buffer {
  const values: Record<number, number> = { 1: 0x03, 2: 0x7f, 3: 1, 9: spo2, 20: rate >> 7, 21: rate & 0x7f };
  return Buffer.concat(
    Array.from({ length: 25 }, (_, index) => {
      const frame = Buffer.of(
        0x01,
        0x80 | status | (index === 0 ? 1 : 0),
        (index * 37) & 0xff,
        values[index + 1] ?? 0,
        0,
      );
      frame[4] = (frame[0]! + frame[1]! + frame[2]! + frame[3]!) & 0xff;
      return frame;
    }),
  );
}
const isPacket = (event: NoninEvent): event is NoninPacket =>
  !(event instanceof SerialFault) && !(event instanceof NoninGap);
const vitals = (events: readonly NoninEvent[]) =>
  events.filter(isPacket).map(({ pulseRate, spo2 }) => [pulseRate, spo2]);
const decoded = (...chunks: Buffer[]) => {
  const decoder = new NoninDecoder();
  return [...chunks.flatMap((chunk) => decoder.decode(chunk)), ...decoder.silence()];
};
const lost = (events: readonly NoninEvent[]) =>
  events.reduce((sum, event) => sum + (event instanceof NoninGap ? event.frames : 0), 0);

describe('a decoder of the Nonin format #2', () => {
  // Public parsers lose the eighth bit: 130 became 2, 260 became 4.
  it.each([0, 60, 127, 128, 130, 255, 256, 260, 321, 510])('reads a pulse rate of %i /min', (rate) => {
    expect(vitals(decoded(packet({ rate, spo2: 97 })))).toEqual([[rate, 97]]);
  });

  it('gives nothing for 511 and 127, never the last value', () => {
    expect(vitals(decoded(packet({ rate: 70, spo2: 98 }), packet({ rate: 511, spo2: 127 })))).toEqual([
      [70, 98],
      [undefined, undefined],
    ]);
  });

  it('tells what the status bits say', () => {
    const [event] = decoded(packet({ rate: 70, spo2: 98, status: 0x78 })).filter(isPacket);
    expect(event).toMatchObject({ sensorDisconnected: true, artifact: true, outOfTrack: true, sensorAlarm: true });
    for (const [status, perfusion] of [
      [0x02, 'green'],
      [0x06, 'yellow'],
      [0x04, 'red'],
      [0, 'none'],
    ] as const) {
      expect(decoded(packet({ rate: 70, spo2: 98, status }))[0]).toMatchObject({ perfusion, artifact: false });
    }
  });

  it('gives the waveform and the raw bytes', () => {
    const raw = packet({ rate: 70, spo2: 98 });
    const [event] = decoded(raw).filter(isPacket);
    expect(event!.raw).toEqual(raw);
    expect([...event!.pleth.subarray(0, 3)]).toEqual([0, 37, 74]);
  });

  it('begins with a whole packet when it starts in the middle of one', () => {
    const events = decoded(packet({ rate: 60, spo2: 90 }).subarray(52), packet({ rate: 70, spo2: 98 }));
    expect(vitals(events)).toEqual([[70, 98]]);
    expect(lost(events)).toBe(14);
  });

  it('gives no packet of which a frame is missing or damaged, and the next one whole', () => {
    const first = packet({ rate: 60, spo2: 90 });
    const next = packet({ rate: 70, spo2: 98 });
    for (let frame = 0; frame < 25; frame++) {
      const missing = Buffer.concat([first.subarray(0, frame * 5), first.subarray(frame * 5 + 5)]);
      expect(vitals(decoded(missing, next))).toEqual([[70, 98]]);
      expect(lost(decoded(missing, next))).toBe(24);
      const damaged = Buffer.from(first);
      damaged[frame * 5 + 3] = damaged[frame * 5 + 3]! ^ 0x10;
      const events = decoded(damaged, next);
      expect(vitals(events)).toEqual([[70, 98]]);
      expect(events.some((event) => event instanceof SerialFault && event.code === 'serial.bad-check')).toBe(true);
    }
  });

  it('does not make one packet of the halves of two between which the line was silent', () => {
    const decoder = new NoninDecoder();
    expect(decoder.decode(packet({ rate: 60, spo2: 90 }).subarray(0, 50))).toEqual([]);
    expect(decoder.silence()).toEqual([new NoninGap(10)]);
    expect(vitals(decoder.decode(packet({ rate: 70, spo2: 98 }).subarray(50)))).toEqual([]);
  });

  it('does not make one packet of the halves of two between which a frame was cut', () => {
    const [first, other] = [packet({ rate: 60, spo2: 90 }), packet({ rate: 70, spo2: 98 })];
    const events = decoded(first.subarray(0, 47), other.subarray(43), other);
    expect(vitals(events)).toEqual([[70, 98]]);
    expect(lost(events)).toBe(25);
  });

  it('tells that frames never have a sync bit', () => {
    const frames = packet({ rate: 60, spo2: 90 }).subarray(5, 10);
    expect(decoded(...Array.from({ length: 60 }, () => frames))).toEqual([25, 25, 10].map((n) => new NoninGap(n)));
  });

  it('property: gives only packets that were sent, in order, whatever stands between and however it is cut', () => {
    const sent = fc.record({ rate: fc.nat(510), spo2: fc.nat(100) });
    const noise = fc.uint8Array({ maxLength: 20 });
    fc.assert(
      fc.property(fc.array(fc.tuple(sent, noise), { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), (all, size) => {
        const stream = Buffer.concat(all.flatMap(([one, garbage]) => [Buffer.from(garbage), packet(one)]));
        const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
          stream.subarray(index * size, (index + 1) * size),
        );
        const events = decoded(...chunks);
        expect(events).toEqual(decoded(stream));
        const expected = all.map(([{ rate, spo2 }]) => [rate, spo2]);
        // Garbage may swallow the packet after it, where it looks like the beginning of a frame; it never makes one up.
        let at = 0;
        for (const found of vitals(events)) {
          at = expected.findIndex((each, index) => index >= at && each[0] === found[0] && each[1] === found[1]) + 1;
          expect(at).toBeGreaterThan(0);
        }
        if (all.every(([, garbage]) => !garbage.includes(0x01))) expect(vitals(events)).toEqual(expected);
      }),
    );
  });
});
