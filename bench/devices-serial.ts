import { noninPacket } from '../adapters/serial/testing/oximeter.ts';
import { cutIntoFrames, encodeFrame } from '../protocols/astm/frame.ts';
import { FrameReader } from '../protocols/astm/frame-reader.ts';
import type { CheckField } from '../protocols/serial-framing/check.ts';
import { writeCheck } from '../protocols/serial-framing/check.ts';
import { SerialFault } from '../protocols/serial-framing/fault.ts';
import { fixedFraming } from '../protocols/serial-framing/fixed.ts';
import {
  encodeLengthPrefixed,
  type LengthPrefixedFrames,
  lengthPrefixedFraming,
} from '../protocols/serial-framing/length-prefixed.ts';
import { LineDecoder } from '../protocols/serial-framing/line.ts';
import { NoninDecoder } from '../protocols/serial-framing/nonin.ts';
import { FrameScanner } from '../protocols/serial-framing/scanner.ts';
import { encodeStxEtx, stxEtxFraming } from '../protocols/serial-framing/stx-etx.ts';
import type { DevicesPart } from './devices-part.ts';
import type { Gate } from './gates.ts';
import { median, spread } from './statistics.ts';

const ROUNDS = 7;
const STREAM_BYTES = 8 * 1024 * 1024;
/** A port hands over 4 KiB at the most; much less at 9600 baud, where nothing of this matters. */
const CHUNK_BYTES = 4_096;
const LIMIT = 50;

export const serialPart: DevicesPart = {
  name: 'serial',
  title: 'bytes in frames of each kind, cut out of a stream, beside one look at every byte (Buffer.indexOf)',
  measure: async () => framers().map(measured),
};

interface Framer {
  readonly name: string;
  /** Bytes of whole frames, to be repeated. */
  readonly pattern: Buffer;
  /** Frames in the pattern. */
  readonly frames: number;
  /** Reads a stream; how many frames it found. */
  read(chunks: readonly Buffer[]): number;
}

function measured({ name, pattern, frames, read }: Framer): Gate {
  const times = Math.floor(STREAM_BYTES / pattern.length);
  const stream = Buffer.concat(Array.from({ length: times }, () => pattern));
  const chunks: Buffer[] = [];
  for (let at = 0; at < stream.length; at += CHUNK_BYTES) chunks.push(stream.subarray(at, at + CHUNK_BYTES));
  const rates: { bare: number[]; ours: number[] } = { bare: [], ours: [] };
  for (let round = -1; round < ROUNDS; round++) {
    for (const which of round % 2 === 0 ? (['bare', 'ours'] as const) : (['ours', 'bare'] as const)) {
      const began = process.cpuUsage();
      const found = which === 'bare' ? looked(chunks) : read(chunks);
      const { user, system } = process.cpuUsage(began);
      if (which === 'ours' && found !== frames * times)
        throw new Error(`benching ${name}: ${found} of ${frames * times} frames were found`);
      // The first round warms up, and is not counted.
      if (round >= 0) rates[which].push(stream.length / Math.max(1, user + system));
    }
  }
  console.log(`  ${name}: ${spread(rates.ours)} MB/s, a bare look ${spread(rates.bare)} MB/s`);
  return {
    ...{ name: `serial: ${name}, per second of the processor`, figure: median(rates.ours) },
    ...{ limit: LIMIT, must: 'reach', unit: 'MB/s' },
  };
}

/** Looks at every byte once, for one that is not there. */
function looked(chunks: readonly Buffer[]): number {
  let found = 0;
  for (const chunk of chunks) if (chunk.indexOf(0x11) >= 0) found++;
  return found;
}

function framers(): readonly Framer[] {
  const crc: CheckField = { algorithm: 'crc16-modbus', written: 'little-endian', from: 0, uncovered: 0, after: 0 };
  const fixed = {
    length: 16,
    sync: [{ at: 0, mask: 0xff, value: 0xa5 }],
    check: { ...crc, algorithm: 'sum8' },
  } as const;
  const prefixed = {
    start: Uint8Array.of(0xaa, 0x55),
    lengthAt: 2,
    lengthBytes: 1,
    order: 'big-endian',
    adds: 5,
    maxBytes: 260,
    check: crc,
  } as const satisfies LengthPrefixedFrames;
  const between = { start: 0x02, ends: [0x03], trailer: 0, maxBytes: 1_024 } as const;
  const values = Buffer.alloc(32, 'HR=72;SPO2=98;RR=16;T=36.8;OK=1;');
  return [
    {
      ...{ name: 'lines', pattern: Buffer.from(`${values.toString()}\r\n`), frames: 1 },
      read: (chunks) => counted(chunks, new LineDecoder({ end: 'cr-or-lf', maxBytes: 1_024, dropFirst: false })),
    },
    {
      ...{ name: 'frames of one length, sum8', pattern: fixedFrame(fixed.check), frames: 1 },
      read: (chunks) => counted(chunks, new FrameScanner(fixedFraming(fixed))),
    },
    {
      ...{
        name: 'frames that say their length, CRC-16',
        pattern: whole(encodeLengthPrefixed(values, prefixed)),
        frames: 1,
      },
      read: (chunks) => counted(chunks, new FrameScanner(lengthPrefixedFraming(prefixed))),
    },
    {
      ...{ name: 'frames between STX and ETX', pattern: whole(encodeStxEtx(values, between)), frames: 1 },
      read: (chunks) => counted(chunks, new FrameScanner(stxEtxFraming(between))),
    },
    {
      ...{ name: 'packets of Nonin’s format #2', pattern: noninPacket(72, 98), frames: 1 },
      read: (chunks) => counted(chunks, new NoninDecoder()),
    },
    astmFrames(),
  ];
}

function counted(
  chunks: readonly Buffer[],
  decoder: { decode(chunk: Buffer): readonly unknown[]; silence(): readonly unknown[] },
): number {
  let frames = 0;
  for (const chunk of chunks)
    for (const each of decoder.decode(chunk)) {
      if (each instanceof SerialFault) throw new Error(`benching: ${each.code}`);
      frames++;
    }
  return frames + decoder.silence().length;
}

function fixedFrame(check: CheckField): Buffer {
  const frame = Buffer.alloc(16, 0x42);
  frame[0] = 0xa5;
  writeCheck(frame, check);
  return frame;
}

function whole(frame: Buffer | SerialFault): Buffer {
  if (frame instanceof SerialFault) throw new Error(`benching: ${frame.code}`);
  return frame;
}

/** As a sender with small frames has them. */
function astmFrames(): Framer {
  const records = Buffer.from(`R|1|^^^NA^Sodium|139|mmol/L|135-145|N||F||||20260302091000\rC|1|I|${'x'.repeat(170)}\r`);
  const spans = cutIntoFrames(records, 240, 'record');
  const pattern = Buffer.concat(
    spans.map(({ start, end, last }, at) => encodeFrame(at + 1, records.subarray(start, end), last)),
  );
  return {
    ...{ name: 'frames of ASTM', pattern, frames: spans.length },
    read: (chunks) => {
      const reader = new FrameReader({ textBytes: 240, checksum: 'verify' });
      let frames = 0;
      for (const chunk of chunks) {
        let at = 0;
        while (at < chunk.length) {
          const { read, next } = reader.read(chunk, at);
          if (read?.kind === 'frame') frames++;
          else if (read) throw new Error(`benching: ${read.kind}`);
          at = next;
        }
      }
      return frames;
    },
  };
}
