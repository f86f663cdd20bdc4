import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SerialFault } from '../serial-framing/fault.ts';
import { FrameScanner, type Framing } from '../serial-framing/scanner.ts';
import type { ModbusRequest } from './message.ts';
import { encodeRequest } from './request.ts';
import { encodeResponse } from './response.ts';
import { encodeRtu, readRtu, responseLength, rtuRequests, rtuResponseTo } from './rtu.ts';
import { rtuTiming, transmissionUs } from './rtu-timing.ts';
import { anyRequest, responseTo } from './testing/requests.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const cutInto = (stream: Buffer, size: number) =>
  Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
    stream.subarray(index * size, (index + 1) * size),
  );
const framesOf = (framing: Framing, chunks: readonly Buffer[]) => {
  const scanner = new FrameScanner(framing);
  return chunks.flatMap((chunk) => scanner.decode(chunk)).filter((each) => !(each instanceof SerialFault));
};

describe('an RTU frame', () => {
  it.each([
    ['the example of MODBUS over Serial Line V1.02 §6.2.2', '02 07', '02 07 41 12'],
    ['three registers of unit 17', '11 03 006B 0003', '11 03 006B 0003 76 87'],
    ['ten registers of unit 1', '01 03 0000 000A', '01 03 0000 000A C5 CD'],
  ])('ends with its CRC, the low byte first: %s', (_, content, frame) => {
    expect(encodeRtu(hex(content)[0]!, hex(content).subarray(1))).toEqual(hex(frame));
    expect(readRtu(hex(frame))).toEqual({ unit: hex(content)[0], pdu: hex(content).subarray(1) });
  });

  const read: ModbusRequest = { function: 'read-holding-registers', address: 0, quantity: 2 };
  const response = encodeRtu(5, hex('03 04 00010002'));

  it('is not waited for beyond what the request lets expect', () => {
    // A damaged byte count would make 255 bytes more be awaited.
    const lying = hex('05 03 FF');
    expect(framesOf(rtuResponseTo(5, read), [Buffer.concat([lying, response])])).toEqual([response]);
  });

  it.each([
    ['another unit', encodeRtu(6, hex('03 04 00010002'))],
    ['another function', encodeRtu(5, hex('04 04 00010002'))],
    ['another quantity', encodeRtu(5, hex('03 02 0001'))],
    ['another function’s exception', encodeRtu(5, hex('84 02'))],
    ['a wrong CRC', Buffer.concat([response.subarray(0, -1), Buffer.of(response.at(-1)! ^ 1)])],
  ])('of %s is passed over, and the right one behind it found', (_, other) => {
    const stream = Buffer.concat([other, response]);
    expect(framesOf(rtuResponseTo(5, read), [stream])).toEqual([response]);
    expect(framesOf(rtuResponseTo(5, read), cutInto(stream, 1))).toEqual([response]);
  });

  it('may be the exception of the function that was asked', () => {
    const exception = encodeRtu(5, hex('83 02'));
    expect(framesOf(rtuResponseTo(5, read), cutInto(exception, 1))).toEqual([exception]);
  });

  const unit = fc.integer({ min: 1, max: 247 });
  const size = fc.integer({ min: 1, max: 300 });

  it('property: any request and its response are found, however the line is cut, behind garbage of any other unit', () => {
    fc.assert(
      fc.property(unit, anyRequest, fc.nat(), size, fc.nat(20), (to, request, seed, chunk, noise) => {
        const asked = encodeRtu(to, encodeRequest(request) as Buffer);
        const answer = encodeRtu(to, encodeResponse(responseTo(request, seed)) as Buffer);
        const garbage = Buffer.alloc(noise, 0xff);
        expect(framesOf(rtuRequests, cutInto(Buffer.concat([garbage, asked, asked]), chunk))).toEqual([asked, asked]);
        expect(framesOf(rtuResponseTo(to, request), cutInto(Buffer.concat([garbage, answer]), chunk))).toEqual([
          answer,
        ]);
        const expected = responseLength(request);
        if (expected !== undefined) expect(answer.length).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it('property: of any bytes comes the same, however they are cut, and after silence nothing is held', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(response, response.subarray(0, 5), hex('05 03 04'), hex('05 83'), hex('05 10 0000 0002')),
    );
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 20 }), size, fc.boolean(), (parts, chunk, asServer) => {
        const framing = asServer ? rtuRequests : rtuResponseTo(5, read);
        const stream = Buffer.concat(parts);
        const outcome = (chunks: readonly Buffer[]) => {
          const scanner = new FrameScanner(framing);
          const found = [...chunks.flatMap((each) => scanner.decode(each)), ...scanner.silence()];
          expect(scanner.buffered).toBe(0);
          return found;
        };
        expect(outcome(cutInto(stream, chunk))).toEqual(outcome([stream]));
        const sent = parts.filter((part) => part === response).length;
        if (!asServer) expect(framesOf(framing, [stream]).length).toBeLessThanOrEqual(stream.length / response.length);
        const found = outcome([stream]).filter((each) => !(each instanceof SerialFault));
        if (!asServer)
          expect(found.filter((each) => (each as Buffer).equals(response)).length).toBeGreaterThanOrEqual(sent);
      }),
      { numRuns: 1_000 },
    );
  });

  it('property: no frame with one to three damaged bits is taken', () => {
    fc.assert(
      fc.property(anyRequest, fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 3 }), (request, flips) => {
        const frame = encodeRtu(9, encodeRequest(request) as Buffer);
        const damaged = Buffer.from(frame);
        for (const flip of new Set(flips.map((each) => each % (8 * frame.length)))) {
          damaged[flip >> 3] = damaged[flip >> 3]! ^ (1 << (flip & 7));
        }
        expect(rtuRequests.holds(damaged, 0, damaged.length)).toBe(false);
      }),
    );
  });
});

describe('the timing of a serial line', () => {
  it.each([
    [9_600, 11, 1_145.8, 1_718.8, 4_010.4],
    [19_200, 11, 572.9, 859.4, 2_005.2],
    [19_200, 10, 520.8, 781.3, 1_822.9],
    [38_400, 11, 286.5, 750, 1_750],
    [115_200, 11, 95.5, 750, 1_750],
  ])('at %i baud and %i bits a character', (baud, bits, character, within, between) => {
    const timing = rtuTiming(baud, bits);
    expect(timing.characterUs).toBeCloseTo(character, 1);
    expect(timing.withinFrameUs).toBeCloseTo(within, 1);
    expect(timing.betweenFramesUs).toBeCloseTo(between, 1);
  });

  it('takes 256 bytes at 9,600 baud for 293 ms', () => {
    expect(transmissionUs(256, 9_600)).toBeCloseTo(293_333, 0);
  });
});
