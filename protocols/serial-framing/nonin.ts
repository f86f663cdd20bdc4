import { SerialFault } from './fault.ts';
import { fixedFraming } from './fixed.ts';
import { FrameScanner } from './scanner.ts';

/**
 * Serial data format #2 of Nonin's OEM modules (OEM III, Xpod): 9600 baud 8N1, five bytes a frame, 75 frames a second, 25
 * frames a packet. Frame: 0x01, status, plethysmogram, a value that depends on the frame's number, sum of the four.
 */
export const noninFraming = fixedFraming({
  length: 5,
  sync: [
    { at: 0, mask: 0xff, value: 0x01 },
    { at: 1, mask: 0x80, value: 0x80 },
  ],
  check: { algorithm: 'sum8', written: 'big-endian', from: 0, uncovered: 0, after: 0 },
});

const FRAMES = 25;
const PACKET_BYTES = FRAMES * noninFraming.maxBytes;
const STATUS = 1;
const PLETH = 2;
const VALUE = 3;
const SYNC = 0x01;
const NO_RATE = 511;
const NO_SATURATION = 127;

/** The strength of the pulse signal; `none` between pulses. */
export type NoninPerfusion = 'none' | 'green' | 'yellow' | 'red';

/** What one packet of 25 frames says: a third of a second. */
export interface NoninPacket {
  /** Per minute, the value for display (frames 20 and 21); undefined where the module has none (511). */
  readonly pulseRate: number | undefined;
  /** Percent, the value for display (frame 9); undefined where the module has none (127). */
  readonly spo2: number | undefined;
  /** In any of the frames: no sensor is connected, or it does not work. */
  readonly sensorDisconnected: boolean;
  /** In any of the frames: the sensor's signal cannot be used. */
  readonly sensorAlarm: boolean;
  /** In any of the frames: there are no consecutive good pulses. */
  readonly outOfTrack: boolean;
  /** In any of the frames: a pulse did not fit the interval. */
  readonly artifact: boolean;
  /** The weakest of the frames that belong to a pulse. */
  readonly perfusion: NoninPerfusion;
  /** 25 samples, 75 a second, 0 to 255 without unit. */
  readonly pleth: Uint8Array;
  /** All 125 bytes. */
  readonly raw: Buffer;
}

/** Frames that were right, but did not become a packet: one of the 25 is missing or damaged. */
export class NoninGap {
  /** How many whole frames are lost for it. */
  readonly frames: number;

  constructor(frames: number) {
    this.frames = frames;
  }
}

export type NoninEvent = NoninPacket | NoninGap | SerialFault;

/**
 * Makes packets of a stream of bytes. A packet is given only when all its 25 frames came one after the other, the first and
 * no other with the sync bit. What is lost without a trace in the bytes only the clock can tell: call `silence` when nothing
 * has come for some frames' time (13.3 ms each), or two packets may be mixed. Never throws; holds one packet at most.
 */
export class NoninDecoder {
  readonly #scanner = new FrameScanner(noninFraming);
  readonly #frames = Buffer.alloc(FRAMES * noninFraming.maxBytes);
  /** Frames of the packet that are there; 0 also while waiting for a sync bit. */
  #count = 0;
  /** Frames since the last packet or gap that came without a sync bit before them. */
  #unsynced = 0;

  /** Bytes so far that are in no frame and in no fault's content. */
  get discarded(): number {
    return this.#scanner.discarded;
  }

  /** What ends in this chunk, in order. */
  decode(chunk: Buffer): NoninEvent[] {
    const events: NoninEvent[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#atRest && isPacket(chunk, at)) {
        events.push(packetOf(Buffer.from(chunk.subarray(at, at + PACKET_BYTES))));
        at += PACKET_BYTES;
        continue;
      }
      // Frame by frame, up to where a packet may begin.
      const held = this.#count * noninFraming.maxBytes + this.#scanner.buffered;
      const end = at + PACKET_BYTES - (held % PACKET_BYTES);
      this.#packets(this.#scanner.decode(chunk.subarray(at, end)), events);
      at = end;
    }
    return events;
  }

  /** The stream has ended or fallen silent: what is left of it becomes faults, and the packet in progress a gap. */
  silence(): NoninEvent[] {
    const events: NoninEvent[] = [];
    this.#packets(this.#scanner.silence(), events);
    this.#lose(events);
    return events;
  }

  /** Whether the next byte begins a packet, where all is well. */
  get #atRest(): boolean {
    return this.#count === 0 && this.#unsynced === 0 && this.#scanner.atRest;
  }

  #packets(scanned: readonly (Buffer | SerialFault)[], events: NoninEvent[]): void {
    for (const frame of scanned) {
      if (frame instanceof SerialFault) {
        this.#lose(events);
        events.push(frame);
        continue;
      }
      const first = (frame[STATUS]! & SYNC) !== 0;
      if (first) this.#lose(events);
      else if (this.#count === 0) {
        this.#unsynced++;
        if (this.#unsynced === FRAMES) this.#lose(events);
        continue;
      }
      frame.copy(this.#frames, this.#count * frame.length);
      this.#count++;
      if (this.#count === FRAMES) {
        events.push(packetOf(Buffer.from(this.#frames)));
        this.#count = 0;
      }
    }
  }

  #lose(events: NoninEvent[]): void {
    const lost = this.#count + this.#unsynced;
    if (lost > 0) events.push(new NoninGap(lost));
    this.#count = 0;
    this.#unsynced = 0;
  }
}

/** Whether 25 frames without a fault stand there, the first and no other with the sync bit: what `FrameScanner` would find. */
function isPacket(bytes: Buffer, start: number): boolean {
  if (start + PACKET_BYTES > bytes.length) return false;
  for (let frame = 0, at = start; frame < FRAMES; frame++, at += 5) {
    const status = bytes[at + STATUS]!;
    if (bytes[at] !== 0x01 || (status & 0x80) === 0 || (status & SYNC) !== (frame === 0 ? SYNC : 0)) return false;
    const sum = 0x01 + status + bytes[at + PLETH]! + bytes[at + VALUE]!;
    if ((sum & 0xff) !== bytes[at + 4]) return false;
  }
  return true;
}

function packetOf(raw: Buffer): NoninPacket {
  const pleth = new Uint8Array(FRAMES);
  let status = 0;
  let perfusion = 0;
  for (let frame = 0; frame < FRAMES; frame++) {
    const of = raw[frame * 5 + STATUS]!;
    status |= of;
    perfusion = Math.max(perfusion, PERFUSION_BITS.indexOf(of & 0x06));
    pleth[frame] = raw[frame * 5 + PLETH]!;
  }
  // The rate has nine bits in two bytes of seven: 0x01 in frame 20 is worth 128.
  const pulseRate = ((fourthByte(raw, 20) & 0x03) << 7) | (fourthByte(raw, 21) & 0x7f);
  const spo2 = fourthByte(raw, 9) & 0x7f;
  return {
    pulseRate: pulseRate === NO_RATE ? undefined : pulseRate,
    spo2: spo2 === NO_SATURATION ? undefined : spo2,
    sensorDisconnected: (status & 0x40) !== 0,
    artifact: (status & 0x20) !== 0,
    outOfTrack: (status & 0x10) !== 0,
    sensorAlarm: (status & 0x08) !== 0,
    perfusion: PERFUSIONS[perfusion]!,
    pleth,
    raw,
  };
}

/** Status bits 2 and 1 from the strongest to the weakest; both together are yellow. */
const PERFUSION_BITS = [0x00, 0x02, 0x06, 0x04];
const PERFUSIONS = ['none', 'green', 'yellow', 'red'] as const;

/** The fourth byte of frame `number`, from 1. */
function fourthByte(raw: Buffer, number: number): number {
  return raw[(number - 1) * 5 + VALUE]!;
}
