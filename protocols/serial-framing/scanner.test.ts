import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUN_SHOWN } from './discarded-run.ts';
import { type Scanned, SerialFault } from './fault.ts';
import { fixedFraming } from './fixed.ts';
import { encodeLengthPrefixed, type LengthPrefixedFrames, lengthPrefixedFraming } from './length-prefixed.ts';
import { FrameScanner, type Framing } from './scanner.ts';
import { ETX, encodeStxEtx, STX, type StxEtxFrames, stxEtxFraming } from './stx-etx.ts';

const text = (value: string) => Buffer.from(value, 'latin1');
const shown = (scanned: readonly Scanned[]) =>
  scanned.map((each) =>
    each instanceof SerialFault ? `${each.code}(${each.content.toString('latin1')})` : each.toString('latin1'),
  );
/** Everything that comes out of the chunks, the silence after them included. */
function scanned(framing: Framing, chunks: readonly Buffer[]): readonly string[] {
  const scanner = new FrameScanner(framing);
  const found = chunks.flatMap((chunk) => scanner.decode(Buffer.from(chunk)));
  found.push(...scanner.silence());
  expect(scanner.buffered).toBe(0);
  expect(scanner.atRest).toBe(true);
  return shown(found);
}
const byteByByte = (bytes: Buffer) => [...bytes].map((byte) => Buffer.of(byte));

const analyzer: StxEtxFrames = {
  start: STX,
  ends: [ETX],
  trailer: 4,
  maxBytes: 24,
  check: { algorithm: 'sum8', written: 'hex', from: 1, uncovered: 0, after: 2 },
};
const pump: LengthPrefixedFrames = {
  start: Buffer.of(0xaa, 0x55),
  lengthAt: 3,
  lengthBytes: 1,
  order: 'big-endian',
  adds: 6,
  maxBytes: 24,
  check: { algorithm: 'crc16-ccitt-false', written: 'little-endian', from: 2, uncovered: 0, after: 0 },
};
const scale = fixedFraming({
  length: 6,
  sync: [{ at: 0, mask: 0xf0, value: 0x50 }],
  check: { algorithm: 'xor8', written: 'big-endian', from: 0, uncovered: 0, after: 0 },
});
const framings = { stxEtx: stxEtxFraming(analyzer), lengthPrefixed: lengthPrefixedFraming(pump), fixed: scale };
const frame = (content: string) => encodeStxEtx(text(content), analyzer) as Buffer;

describe('a scanner of STX … ETX frames', () => {
  const stxEtx = framings.stxEtx;
  const a = frame('A').toString('latin1');
  const damaged = a.replace('A', 'B');
  const cases: readonly [what: string, stream: string, expected: readonly string[]][] = [
    ['one frame', a, [a]],
    ['two frames', a + a, [a, a]],
    ['garbage before', `xyz${a}`, ['serial.stray-bytes(xyz)', a]],
    ['garbage after', `${a}xyz`, [a, 'serial.stray-bytes(xyz)']],
    ['a damaged frame and a good one', damaged + a, [`serial.bad-check(${damaged})`, a]],
    ['a frame inside of an unended one', `\x02AB${a}`, ['serial.unended(\x02AB)', a]],
    ['half a frame and silence', '\x02AB', ['serial.unended(\x02AB)']],
    ['a frame without its last byte', a.slice(0, -1), [`serial.unended(${a.slice(0, -1)})`]],
    [
      'a frame that never ends',
      `\x02${'x'.repeat(30)}${a}`,
      [`serial.oversize(\x02${'x'.repeat(23)}${'x'.repeat(7)})`, a],
    ],
    ['nothing', '', []],
  ];
  it.each(cases)('makes of %s the same, in one chunk and byte by byte', (_, stream, expected) => {
    expect(scanned(stxEtx, [text(stream)])).toEqual(expected);
    expect(scanned(stxEtx, byteByByte(text(stream)))).toEqual(expected);
  });

  it('gives what is between start and end as content', () => {
    expect(stxEtx.content(frame('hello')).toString('latin1')).toBe('hello');
  });

  it('takes a check that stands before ETX', () => {
    const inside: StxEtxFrames = {
      ...analyzer,
      trailer: 0,
      check: { algorithm: 'xor8', written: 'hex', from: 1, uncovered: 0, after: 1 },
    };
    const encoded = encodeStxEtx(text('AB'), inside) as Buffer;
    expect(encoded.toString('latin1')).toBe('\x02AB03\x03');
    const framing = stxEtxFraming(inside);
    expect(scanned(framing, byteByByte(encoded))).toEqual(['\x02AB03\x03']);
    expect(framing.content(encoded).toString('latin1')).toBe('AB');
    expect(scanned(framing, [text('\x02\x03\x020\x03')])).toEqual(['serial.stray-bytes(\x02\x03\x020\x03)']);
  });

  it('refuses to frame what cannot be framed', () => {
    expect(encodeStxEtx(text('a\x03'), analyzer)).toMatchObject({ code: 'serial.stray-bytes' });
    expect(encodeStxEtx(text('a\x02'), analyzer)).toMatchObject({ code: 'serial.stray-bytes' });
    expect(encodeStxEtx(Buffer.alloc(19, 'x'), analyzer)).toMatchObject({ code: 'serial.oversize' });
    expect(encodeStxEtx(Buffer.alloc(18, 'x'), analyzer)).toHaveLength(24);
  });
});

describe('a scanner of frames that say their length', () => {
  const encoded = encodeLengthPrefixed(text('abc'), pump) as Buffer;

  it('takes lengths from the frame, whatever its content', () => {
    const tricky = encodeLengthPrefixed(Buffer.of(0xaa, 0x55, 0, 4, 1, 2), pump) as Buffer;
    expect(tricky[3]).toBe(6);
    expect(scanned(framings.lengthPrefixed, byteByByte(Buffer.concat([encoded, tricky])))).toEqual(
      shown([encoded, tricky]),
    );
    expect([...framings.lengthPrefixed.content(tricky)]).toEqual([0xaa, 0x55, 0, 4, 1, 2]);
  });

  it.each([19, 255])('does not wait for the end of a frame of %i + 6 bytes where 24 are allowed', (said) => {
    const scanner = new FrameScanner(framings.lengthPrefixed);
    expect(scanner.decode(Buffer.of(0xaa, 0x55, 0, said))).toEqual([]);
    const [fault, found] = scanner.decode(encoded);
    expect(fault).toMatchObject({ code: 'serial.oversize', content: Buffer.of(0xaa, 0x55, 0, said) });
    expect(found).toEqual(encoded);
  });

  it('finds the frame behind a damaged length once the line is silent', () => {
    const lying = Buffer.of(0xaa, 0x55, 0, 18);
    const scanner = new FrameScanner(framings.lengthPrefixed);
    expect(scanner.decode(Buffer.concat([lying, encoded]))).toEqual([]);
    expect(shown(scanner.silence())).toEqual(shown([new SerialFault('serial.unended', lying), encoded]));
  });

  it('refuses a content that its length cannot say', () => {
    expect(encodeLengthPrefixed(Buffer.alloc(19), pump)).toMatchObject({ code: 'serial.oversize' });
    expect(encodeLengthPrefixed(Buffer.alloc(250), { ...pump, maxBytes: 1_000 })).toHaveLength(256);
    expect(encodeLengthPrefixed(Buffer.alloc(256), { ...pump, maxBytes: 1_000 })).toMatchObject({
      code: 'serial.oversize',
    });
  });
});

describe('any scanner', () => {
  const good = (name: keyof typeof framings, content: Uint8Array): Buffer => {
    if (name === 'stxEtx') return frame(Buffer.from(content).toString('hex').slice(0, 16));
    if (name === 'lengthPrefixed') return encodeLengthPrefixed(content.subarray(0, 18), pump) as Buffer;
    const six = Buffer.alloc(6, Buffer.from([...content, 7]));
    six[0] = 0x50 | (six[0]! & 0x0f);
    six[5] = six.subarray(0, 5).reduce((xor, byte) => xor ^ byte, 0);
    return six;
  };
  const name = fc.constantFrom<keyof typeof framings>('stxEtx', 'lengthPrefixed', 'fixed');
  const content = fc.uint8Array({ maxLength: 18 });
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc
      .array(fc.constantFrom(STX, ETX, 0xaa, 0x55, 0, 4, 0x51), { maxLength: 30 })
      .map((bytes) => Uint8Array.from(bytes)),
  );

  it('property: makes the same of any stream, however it is cut, and loses no byte', () => {
    const stream = fc.array(fc.tuple(fc.boolean(), content, garbage), { maxLength: 12 });
    fc.assert(
      fc.property(name, stream, fc.array(fc.nat(400), { maxLength: 12 }), (kind, parts, cuts) => {
        const whole = Buffer.concat(parts.map(([sound, bytes, noise]) => (sound ? good(kind, bytes) : noise)));
        const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
        const chunks = places.slice(1).map((end, index) => whole.subarray(places[index], end));
        expect(scanned(framings[kind], chunks)).toEqual(scanned(framings[kind], [whole]));

        const scanner = new FrameScanner(framings[kind]);
        const found = [...scanner.decode(whole), ...scanner.silence()];
        const bytes = found.map((each) => (each instanceof SerialFault ? each.content : each));
        if (scanner.discarded === 0) expect(Buffer.concat(bytes)).toEqual(whole);
        expect(Buffer.concat(bytes).length + scanner.discarded).toBe(whole.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it('property: finds every frame among which garbage stands that begins none', () => {
    fc.assert(
      fc.property(name, fc.array(fc.tuple(content, fc.nat(9)), { maxLength: 8 }), (kind, parts) => {
        const frames = parts.map(([bytes]) => good(kind, bytes));
        const stream = parts.map(([, noise], index) => Buffer.concat([Buffer.alloc(noise, 0xff), frames[index]!]));
        const scanner = new FrameScanner(framings[kind]);
        const found = scanner.decode(Buffer.concat(stream));
        expect(found.filter((each) => !(each instanceof SerialFault))).toEqual(frames);
        expect(scanner.buffered).toBe(0);
      }),
    );
  });

  it('property: of a truncated stream gives the frames that ended, and no other', () => {
    fc.assert(
      fc.property(name, fc.array(content, { maxLength: 6 }), fc.nat(), (kind, contents, cut) => {
        const frames = contents.map((bytes) => good(kind, bytes));
        const whole = Buffer.concat(frames);
        const length = cut % (whole.length + 1);
        let ended = 0;
        for (let end = 0; ended < frames.length; ended++) if ((end += frames[ended]!.length) > length) break;
        expect(new FrameScanner(framings[kind]).decode(whole.subarray(0, length))).toEqual(frames.slice(0, ended));
      }),
    );
  });

  it('property: holds no more than two frames, whatever comes', () => {
    fc.assert(
      fc.property(name, fc.array(garbage, { maxLength: 20 }), (kind, chunks) => {
        const scanner = new FrameScanner(framings[kind]);
        for (const chunk of chunks) {
          scanner.decode(Buffer.from(chunk));
          expect(scanner.buffered).toBeLessThan(framings[kind].maxBytes);
        }
      }),
    );
  });

  it('tells a storm of garbage once, counts its bytes and stands it', () => {
    const scanner = new FrameScanner(stxEtxFraming({ ...analyzer, maxBytes: 65_536 }));
    const began = performance.now();
    const found = Array.from({ length: 100 }, () => scanner.decode(Buffer.alloc(10_000, 0xff))).flat();
    expect(shown(found)).toEqual([`serial.stray-bytes(${'\xff'.repeat(RUN_SHOWN)})`]);
    expect(scanner.discarded).toBe(1_000_000 - RUN_SHOWN);
    expect(scanner.decode(frame('A'))).toEqual([frame('A')]);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('reads a long frame of one-byte chunks once, not again for each', () => {
    const long: StxEtxFrames = { ...analyzer, maxBytes: 65_536 };
    const encoded = encodeStxEtx(Buffer.alloc(60_000, 'x'), long) as Buffer;
    const scanner = new FrameScanner(stxEtxFraming(long));
    const began = performance.now();
    const found = byteByByte(encoded).flatMap((chunk) => scanner.decode(chunk));
    expect(found).toEqual([encoded]);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
