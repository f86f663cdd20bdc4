import type { RemoteFile } from './remote-directory.ts';

interface Waiting {
  readonly identity: string;
  readonly delayMs: number;
  readonly again: number;
}

const mostKept = 1_000;
const longestDelayMs = 300_000;

/** Files that the server did not let us read, each with the pause until it is tried again; it doubles up to five minutes. */
export class Unreadable {
  readonly #firstDelayMs: number;
  readonly #waiting = new Map<string, Waiting>();

  constructor(firstDelayMs: number) {
    this.#firstDelayMs = firstDelayMs;
  }

  /** `now` is monotonic; the result is the pause. */
  add(file: RemoteFile, now: number): number {
    const before = this.#waiting.get(file.name)?.delayMs ?? this.#firstDelayMs;
    const delayMs = Math.min(before * 2, longestDelayMs);
    if (this.#waiting.size >= mostKept) this.#waiting.clear();
    this.#waiting.set(file.name, { identity: file.identity, delayMs, again: now + delayMs });
    return delayMs;
  }

  waits(file: RemoteFile, now: number): boolean {
    const waiting = this.#waiting.get(file.name);
    return waiting?.identity === file.identity && now < waiting.again;
  }

  delete(file: RemoteFile): void {
    this.#waiting.delete(file.name);
  }
}
