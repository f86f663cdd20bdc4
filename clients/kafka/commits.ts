import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer } from '@platformatic/kafka';
import { answered } from './errors.ts';

/** Answers which say that the partition is no longer ours: whoever has it now goes on from the offset that is committed. */
const lost = ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'];

/**
 * From the beginning of one commit to that of the next. Brokers keep offsets as records of their own and force each commit to the disk,
 * which cost them as much as a third of what the events did.
 */
const everyMs = 50;

interface Offset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly leaderEpoch: number;
}

/**
 * Commits the offsets of a group member: what is done while a commit is under way, or soon after it began, goes with the next one, so
 * that a fast handler does not wait for the coordinator.
 */
export class Commits {
  readonly #consumer: Consumer;
  readonly #onTrouble: (thrown: unknown) => void;
  #due = new Map<string, Offset>();
  #running: Promise<void> | undefined;
  #stop = new AbortController();
  /** Somebody waits for what is due. */
  #hurry = new AbortController();
  #failure: unknown;

  constructor(consumer: Consumer, onTrouble: (thrown: unknown) => void) {
    this.#consumer = consumer;
    this.#onTrouble = onTrouble;
  }

  /** Everything of the partition below `offset` is done with. */
  add(topic: string, partition: number, offset: bigint): void {
    this.#due.set(`${topic}:${partition}`, { topic, partition, offset, leaderEpoch: -1 });
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is left to commit; with what was thrown last where that took longer than `withinMs`. */
  async flush(withinMs: number): Promise<unknown> {
    const timer = setTimeout(() => this.#stop.abort(), withinMs);
    this.#hurry.abort();
    for (let running = this.#running; running !== undefined; running = this.#running) await running;
    clearTimeout(timer);
    const failed = this.#due.size > 0;
    this.#due.clear();
    this.#stop = new AbortController();
    this.#hurry = new AbortController();
    return failed ? (this.#failure ?? new Error('not committed in time')) : undefined;
  }

  async #run(): Promise<void> {
    for (let failures = 0; this.#due.size > 0 && !this.#stop.signal.aborted; ) {
      const offsets = [...this.#due.values()];
      const sent = this.#due;
      this.#due = new Map();
      const begun = performance.now();
      try {
        await this.#consumer.commit({ offsets });
        failures = 0;
        // What comes within that time finds it under way, and waits for it.
        await pause(begun + everyMs - performance.now(), this.#hurry.signal);
      } catch (thrown) {
        this.#failure = thrown;
        this.#onTrouble(thrown);
        if (answered(thrown, ...lost)) continue;
        for (const [name, offset] of sent) if (!this.#due.has(name)) this.#due.set(name, offset);
        await pause(Math.min(1000, 50 * 2 ** failures++), this.#stop.signal);
      }
    }
    this.#running = undefined;
  }
}

async function pause(ms: number, cut: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: cut }).catch(() => undefined);
}
