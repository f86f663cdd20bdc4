import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Framed, FrameFault, MllpDecoder } from './decoder.ts';
import { encodeFrame } from './encoder.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const shown = (framed: readonly Framed[]) =>
  framed.map((each) =>
    each instanceof FrameFault ? `${each.code}(${each.content.toString('latin1')})` : each.toString('latin1'),
  );
/** Everything that comes out of the chunks, the end included. */
function decoded(chunks: readonly Buffer[], maxBytes = 1_000): readonly string[] {
  const decoder = new MllpDecoder(maxBytes);
  const framed = chunks.flatMap((chunk) => decoder.decode(Buffer.from(chunk)));
  const rest = decoder.end();
  return shown(rest ? [...framed, rest] : framed);
}
const byteByByte = (text: string) => [...bytes(text)].map((byte) => Buffer.from([byte]));

describe('an MLLP decoder', () => {
  const cases: readonly [what: string, stream: string, expected: readonly string[]][] = [
    ['one frame', '\x0bMSH|1\x1c\r', ['MSH|1']],
    ['two frames in one chunk', '\x0bMSH|1\x1c\r\x0bMSH|2\x1c\r', ['MSH|1', 'MSH|2']],
    ['an empty frame', '\x0b\x1c\r', ['']],
    ['garbage before 0x0B', 'garbage\x0bMSH|1\x1c\r', ['mllp.stray-bytes(garbage)', 'MSH|1']],
    ['0x0B inside a frame', '\x0bMSH|1\x0bMSH|2\x1c\r', ['mllp.unended-frame(MSH|1)', 'MSH|2']],
    ['0x0B repeated before content', '\x0b\x0b\x0bMSH|1\x1c\r', ['MSH|1']],
    ['an end that never comes', '\x0bMSH|1', ['mllp.unended-frame(MSH|1)']],
    ['0x1C without 0x0D', '\x0bMSH|1\x1c\n\x0bMSH|2\x1c\r', ['mllp.bad-end(MSH|1)', 'MSH|2']],
    ['0x1C at the very end', '\x0bMSH|1\x1c', ['mllp.bad-end(MSH|1)']],
    ['0x1C twice', '\x0bMSH|1\x1c\x1c\r\x0bMSH|2\x1c\r', ['mllp.bad-end(MSH|1)', 'MSH|2']],
    ['0x1C and the next 0x0B at once', '\x0bMSH|1\x1c\x0bMSH|2\x1c\r', ['mllp.bad-end(MSH|1)', 'MSH|2']],
    ['CR and LF between frames', '\r\n\x0bMSH|1\x1c\r\r\n\n\x0bMSH|2\x1c\r\n', ['MSH|1', 'MSH|2']],
    ['a frame without its start', 'MSH|1\x1c\r\x0bMSH|2\x1c\r', ['mllp.stray-bytes(MSH|1\x1c\r)', 'MSH|2']],
    ['content with CR, LF and CRLF', '\x0bMSH|1\rPID\nPV1\r\n\x1c\r', ['MSH|1\rPID\nPV1\r\n']],
    ['nothing', '', []],
  ];
  it.each(cases)('makes of %s the same, in one chunk and byte by byte', (_, stream, expected) => {
    expect(decoded([bytes(stream)])).toEqual(expected);
    expect(decoded(byteByByte(stream))).toEqual(expected);
  });

  it('takes one and a half frames, then the other half', () => {
    const stream = bytes('\x0bMSH|1\x1c\r\x0bMSH|2\x1c\r');
    expect(decoded([stream.subarray(0, 11), stream.subarray(11)])).toEqual(['MSH|1', 'MSH|2']);
  });

  it('keeps UTF-8 that is cut inside a character', () => {
    const frame = encodeFrame(Buffer.from('MSH|Straße'));
    const cut = frame.indexOf(0xc3) + 1;
    const decoder = new MllpDecoder(100);
    const framed = [...decoder.decode(frame.subarray(0, cut)), ...decoder.decode(frame.subarray(cut))];
    expect(String(framed[0])).toBe('MSH|Straße');
  });

  it('tells an oversized frame as soon as it is one, and goes on with the next', () => {
    const decoder = new MllpDecoder(5);
    expect(shown(decoder.decode(bytes('\x0b123456')))).toEqual(['mllp.oversize(123456)']);
    expect(shown(decoder.decode(bytes('789\x1c\r\x0b12345\x1c\r')))).toEqual(['12345']);
    expect(decoder.discarded).toBe(3);
  });

  it('finds the start of the next frame inside an oversized one', () => {
    expect(decoded([bytes('\x0b1234567\x0b12345\x1c\r')], 5)).toEqual(['mllp.oversize(123456)', '12345']);
  });

  it('holds nothing of an oversized frame but its beginning', () => {
    const decoder = new MllpDecoder(100_000);
    const chunk = Buffer.alloc(65_536, 'x');
    const faults = decoder.decode(bytes('\x0b'));
    for (let n = 0; n < 200; n++) faults.push(...decoder.decode(chunk));
    expect(faults.map((each) => each instanceof FrameFault && [each.code, each.content.length])).toEqual([
      ['mllp.oversize', 65_536],
    ]);
    expect(decoder.buffered).toBe(0);
    expect(decoder.discarded).toBe(199 * 65_536);
  });

  it('tells a storm of garbage once, and counts its bytes', () => {
    const decoder = new MllpDecoder(1_000);
    const faults = Array.from({ length: 1_000 }, () => decoder.decode(Buffer.alloc(1_000, 'z'))).flat();
    expect(faults).toHaveLength(1);
    expect(decoder.discarded).toBe(1_000_000 - 4_096);
    expect(shown(decoder.decode(bytes('\x0bMSH|1\x1c\r')))).toEqual(['MSH|1']);
  });

  it('gives frames of one chunk as views of it, and copies only what is cut', () => {
    const chunk = Buffer.concat([encodeFrame(bytes('MSH|1')), encodeFrame(bytes('MSH|2'))]);
    const [first] = new MllpDecoder(100).decode(chunk);
    expect((first as Buffer).buffer).toBe(chunk.buffer);
  });

  it('property: any stream gives the same, however it is cut', () => {
    const piece = fc.oneof(
      fc.constantFrom('\x0b', '\x1c', '\r', '\n', '\x1c\r', '\x0bMSH|', 'x'),
      fc.string({ maxLength: 6 }),
    );
    const stream = fc.array(piece, { maxLength: 40 }).map((pieces) => bytes(pieces.join('')));
    const cuts = fc.array(fc.nat(200), { maxLength: 12 });
    fc.assert(
      fc.property(stream, cuts, fc.integer({ min: 1, max: 30 }), (whole, at, maxBytes) => {
        const places = [0, ...at.map((place) => Math.min(place, whole.length)).toSorted((a, b) => a - b), whole.length];
        const chunks = places.slice(1).map((end, index) => whole.subarray(places[index], end));
        expect(decoded(chunks, maxBytes)).toEqual(decoded([whole], maxBytes));
      }),
      { numRuns: 2_000 },
    );
  });

  it('property: every byte is in a frame, in a fault, counted, or framing', () => {
    const text = fc.string({ unit: fc.constantFrom('\x0b', '\x1c', '\r', '\n', 'a', 'b'), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 20 }), (stream, maxBytes) => {
        const decoder = new MllpDecoder(maxBytes);
        const framed = decoder.decode(bytes(stream));
        const rest = decoder.end();
        if (rest) framed.push(rest);
        const content = framed.reduce(
          (sum, each) => sum + (each instanceof FrameFault ? each.content : each).length,
          0,
        );
        const letters = stream.replaceAll(/[^ab]/g, '').length;
        expect(content + decoder.discarded).toBeGreaterThanOrEqual(letters);
        expect(content + decoder.discarded).toBeLessThanOrEqual(stream.length);
      }),
    );
  });

  it('property: what is framed comes out again, and a truncated stream gives all frames that ended', () => {
    const content = fc
      .uint8Array({ maxLength: 50 })
      .map((raw) => Buffer.from(raw.filter((b) => b !== 0x0b && b !== 0x1c)));
    fc.assert(
      fc.property(fc.array(content, { maxLength: 8 }), fc.nat(), (contents, cut) => {
        const stream = Buffer.concat(contents.map(encodeFrame));
        expect(decoded([stream])).toEqual(contents.map((each) => each.toString('latin1')));
        const length = cut % (stream.length + 1);
        let ended = 0;
        for (let end = 0; ended < contents.length; ended++) {
          end += contents[ended]!.length + 3;
          if (end > length) break;
        }
        const framed = new MllpDecoder(1_000).decode(stream.subarray(0, length));
        expect(shown(framed)).toEqual(contents.slice(0, ended).map((each) => each.toString('latin1')));
      }),
    );
  });

  it('takes a message of 20 MB in little time and at most twice its size', () => {
    const content = Buffer.alloc(20 * 1024 ** 2, 'A');
    const frame = encodeFrame(content);
    const before = process.memoryUsage().arrayBuffers;
    const began = performance.now();
    const decoder = new MllpDecoder(64 * 1024 ** 2);
    let most = 0;
    const framed: Framed[] = [];
    for (let at = 0; at < frame.length; at += 65_536) {
      framed.push(...decoder.decode(frame.subarray(at, at + 65_536)));
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect((framed[0] as Buffer).equals(content)).toBe(true);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(most).toBeLessThan(2.1 * content.length);
  });

  it('takes a message of 1 MB in chunks of one byte at twice its size', () => {
    const frame = encodeFrame(Buffer.alloc(1024 ** 2, 'A'));
    const decoder = new MllpDecoder(2 * 1024 ** 2);
    const before = process.memoryUsage().arrayBuffers;
    for (let at = 0; at < frame.length - 1; at++) decoder.decode(frame.subarray(at, at + 1));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2.1 * frame.length);
    expect(decoder.decode(frame.subarray(-1))[0]).toHaveLength(1024 ** 2);
  });
});
