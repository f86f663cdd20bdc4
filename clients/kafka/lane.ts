import type { ReadRecord } from './read-record.ts';

/** How long a partition pauses after a failure: `firstMs`, doubled with each further one in a row up to `maxMs`. */
export interface Pauses {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** At least one record, all of one partition, in order. */
export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly [ReadRecord, ...ReadRecord[]];
}

/** Takes a batch. When it rejects, the same records come again after a pause. */
export type BatchHandler = (batch: RecordBatch) => Promise<void>;

export interface LaneOptions {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first record that is wanted. */
  readonly start: bigint;
  readonly maxBatch: number;
  readonly pauses: Pauses;
  readonly handler: BatchHandler;
  /** Everything below the offset is done with. */
  readonly done: (lane: Lane, next: bigint) => void;
  /** There is room for the next records. */
  readonly hungry: () => void;
}

/**
 * One partition while it is ours: one batch at the handler, and what of the next fetch has arrived meanwhile. A slow handler holds no
 * more of its partition than that, and nothing of the others.
 */
export class Lane {
  readonly topic: string;
  readonly partition: number;
  /** Offset that the next fetch begins with. */
  position: bigint;
  /** A fetch for it is under way. */
  fetching = false;
  readonly #options: LaneOptions;
  #queue: ReadRecord[] = [];
  #stopped = false;
  #wake: () => void = () => undefined;
  readonly #ended: Promise<void>;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.topic = options.topic;
    this.partition = options.partition;
    this.position = options.start;
    this.#ended = this.#run();
  }

  get hungry(): boolean {
    return !this.#stopped && !this.fetching && this.#queue.length === 0;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Records that were fetched from `position` on, and where the next fetch begins. */
  push(records: readonly ReadRecord[], next: bigint): void {
    if (this.#stopped) return;
    this.position = next;
    for (const record of records) this.#queue.push(record);
    if (records.length > 0) this.#wake();
  }

  /** Resolves when the batch in hand is through; no other is begun. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#queue = [];
    this.#wake();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { topic, partition, maxBatch, handler, pauses, done, hungry } = this.#options;
    let failures = 0;
    while (!this.#stopped) {
      if (this.#queue.length === 0) {
        await this.#wait();
        continue;
      }
      const records = this.#queue.splice(0, maxBatch) as [ReadRecord, ...ReadRecord[]];
      if (this.#queue.length === 0) hungry();
      for (let handled = false; !handled && !this.#stopped; ) {
        try {
          await handler({ topic, partition, records });
          handled = true;
        } catch {
          // The handler’s own affair: it rejects to see the records again.
          failures++;
          if (!this.#stopped)
            await this.#wait(Math.min(pauses.maxMs, pauses.firstMs * 2 ** Math.min(failures - 1, 30)));
        }
        if (!handled) continue;
        failures = 0;
        // Behind the last record there may be control records, which nobody handles.
        const next = BigInt(records[records.length - 1]!.offset) + 1n;
        done(this, this.#queue.length === 0 && this.position > next && !this.#stopped ? this.position : next);
      }
    }
  }

  /** Until records come or the lane stops; with `pauseMs`, until so much time has passed or it stops. */
  #wait(pauseMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = pauseMs === undefined ? undefined : setTimeout(resolve, pauseMs);
      this.#wake = () => {
        if (pauseMs !== undefined && !this.#stopped) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
