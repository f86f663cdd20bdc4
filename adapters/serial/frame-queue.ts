import type { DeviceFrame } from '../../contracts/device-arrival.ts';

/** One arrival's worth. */
export interface Batch {
  readonly receivedAt: number;
  readonly frames: readonly [DeviceFrame, ...DeviceFrame[]];
}

interface Waiting {
  readonly frame: DeviceFrame;
  readonly at: number;
}

/** What comes further apart has an arrival of its own: it has one time of receipt. */
const togetherMs = 200;

/** The frames of one device that wait to be stored, in order. The oldest give way; what the hub itself says of the device stays. */
export class FrameQueue {
  readonly #most: number;
  readonly #batchFrames: number;
  readonly #waiting: Waiting[] = [];
  #dropped = 0;

  constructor(most: number, batchFrames: number) {
    this.#most = most;
    this.#batchFrames = batchFrames;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Frames so far that gave way. */
  get dropped(): number {
    return this.#dropped;
  }

  push(frame: DeviceFrame, at: number): void {
    if (this.#waiting.length >= this.#most) {
      const oldest = this.#waiting.findIndex((each) => each.frame.kind !== 'status');
      // A device changes its state far more slowly than it sends; were there nothing else, the oldest word on it is worth the least.
      this.#waiting.splice(Math.max(0, oldest), 1);
      this.#dropped++;
    }
    this.#waiting.push({ frame, at });
  }

  /** Takes the first frames out; undefined where none waits. */
  take(): Batch | undefined {
    const first = this.#waiting[0];
    if (!first) return undefined;
    let length = 1;
    while (
      length < Math.min(this.#batchFrames, this.#waiting.length) &&
      this.#waiting[length]!.at - first.at <= togetherMs
    )
      length++;
    const frames = this.#waiting.splice(0, length).map(({ frame }) => frame);
    return { receivedAt: first.at, frames: frames as [DeviceFrame, ...DeviceFrame[]] };
  }
}
