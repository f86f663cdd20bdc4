import { framingOf, linesOf } from '../../contracts/device-profile/serial-framing.ts';
import type { SerialSection } from '../../contracts/device-profile/serial-keys.ts';
import type { Scanned } from '../../protocols/serial-framing/fault.ts';
import { SerialFault } from '../../protocols/serial-framing/fault.ts';
import { LineDecoder } from '../../protocols/serial-framing/line.ts';
import { NoninDecoder, type NoninEvent, NoninGap } from '../../protocols/serial-framing/nonin.ts';
import { FrameScanner } from '../../protocols/serial-framing/scanner.ts';

/** Cuts what comes over one line into what a profile calls a frame. Never throws; holds two frames at the most. */
export interface Framer {
  decode(chunk: Buffer): Scanned[];
  /** Nothing has come for some frames' time: what is held will not be completed. */
  silence(): Scanned[];
  /** Bytes so far that are in no frame and in no fault's content. */
  readonly discarded: number;
}

/** For one line, from its opening on: a decoder is never used for two. */
export function framerOf(framing: SerialSection['framing']): Framer {
  switch (framing.type) {
    case 'nonin-2':
      return new NoninPackets();
    case 'line':
      return new LineDecoder(linesOf(framing));
    default:
      return new FrameScanner(framingOf(framing));
  }
}

/** Whole packets of Nonin's format #2. A frame of a packet that is not whole is lost like any other byte. */
class NoninPackets implements Framer {
  readonly #decoder = new NoninDecoder();
  #lost = 0;

  get discarded(): number {
    return this.#decoder.discarded + this.#lost;
  }

  decode(chunk: Buffer): Scanned[] {
    return this.#scanned(this.#decoder.decode(chunk));
  }

  silence(): Scanned[] {
    return this.#scanned(this.#decoder.silence());
  }

  #scanned(events: readonly NoninEvent[]): Scanned[] {
    return events.flatMap((event) => {
      if (event instanceof SerialFault) return event;
      if (!(event instanceof NoninGap)) return event.raw;
      this.#lost += event.frames * FRAME_BYTES;
      return [];
    });
  }
}

const FRAME_BYTES = 5;
