import { setTimeout as sleep } from 'node:timers/promises';
import type { Arrivals } from '../arrivals.ts';
import { readControlId } from '../frame.ts';

/** What arrived at one destination, in order, and the effect id that each arrival had where it is known there. */
export interface Stream {
  readonly arrivals: Arrivals;
  readonly effectIds: string[];
}

export function emptyStream(): Stream {
  return { arrivals: { keys: [], numbers: [], at: [], lives: [] }, effectIds: [] };
}

/** Notes one arrival; `life` is which life of which hub it came from, 0 where that is not known. */
export function note({ arrivals, effectIds }: Stream, controlId: string, effectId = '', life = 0): void {
  const { key, n } = readControlId(controlId);
  arrivals.keys.push(key);
  arrivals.numbers.push(n);
  arrivals.at.push(Date.now());
  arrivals.lives.push(life);
  effectIds.push(effectId);
}

/** When each message was first sent, and how far each destination of each channel is: what tells that all of them work again. */
export class Freshness {
  readonly #keysPerChannel: number;
  readonly #begun = new Map<number, number[]>();
  /** By destination and channel. */
  readonly #latest = new Map<string, number>();

  /** Channels are numbered from 1 and have so many keys each, one channel's after the other's. */
  constructor(destinations: readonly string[], channels: number, keysPerChannel: number) {
    this.#keysPerChannel = keysPerChannel;
    for (const name of destinations)
      for (let channel = 1; channel <= channels; channel++) this.#latest.set(`${name} of adt-${channel}`, 0);
  }

  begun(key: number, n: number): void {
    const times = this.#begun.get(key) ?? [];
    this.#begun.set(key, times);
    times[n] = performance.now();
  }

  arrived(destination: string, controlId: string): void {
    const { key, n } = readControlId(controlId);
    const name = `${destination} of adt-${Math.floor(key / this.#keysPerChannel) + 1}`;
    const at = this.#begun.get(key)?.[n] ?? 0;
    if (at > (this.#latest.get(name) ?? 0)) this.#latest.set(name, at);
  }

  /**
   * Resolves when every destination has got something of each channel that was sent after that moment (`performance.now()`): with the
   * milliseconds since then, and which was last. With undefined at `signal`.
   */
  async since(
    moment: number,
    signal: AbortSignal,
  ): Promise<{ readonly ms: number; readonly last: string } | undefined> {
    let last = '';
    while (!signal.aborted) {
      const waiting = this.waiting(moment);
      if (waiting.length === 0) return { ms: performance.now() - moment, last };
      last = waiting.join(', ');
      await sleep(50);
    }
    return undefined;
  }

  /** What has got nothing that was sent after that moment. */
  waiting(moment: number): readonly string[] {
    return [...this.#latest].flatMap(([name, at]) => (at >= moment ? [] : [name]));
  }
}
