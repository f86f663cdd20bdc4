import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach } from 'vitest';
import type { EventBatch, EventLog, NewEvent } from '../events/event-log.ts';

/** One storage, empty at first, and how to open a log on it. */
export interface EventLogSubject {
  /** Opens the log; called again after a close, it goes on with what is stored. Handlers are retried within a second. */
  open(): Promise<EventLog>;
  /** Moves the log's clock, where that is `movable`. */
  advance?(ms: number): void;
  /** Its storage is this process's heap, so that what it holds there is not measured. */
  readonly storesOnHeap?: true;
  /** Whoever is held up for longer than its session is taken for dead: then others get again what it had. */
  readonly repeats?: true;
  /** Removes the storage, after the last close. */
  remove?(): Promise<void>;
}

export type CreateSubject = () => Promise<EventLogSubject>;

/** The retention of a log is tested here where its clock can be moved. */
export type LogClock = 'movable' | 'real';

export const retentionMs = 3_600_000;

interface ConsumeChoice {
  readonly from?: 'earliest' | 'latest';
  readonly maxBatch?: number;
  readonly handler?: (batch: EventBatch) => Promise<void>;
}

/** A log with one topic of four partitions, new for each test of the `describe` it is made in. */
export class EventLogFixture {
  subject!: EventLogSubject;
  log!: EventLog;
  topic = '';
  readonly #stops: (() => Promise<void>)[] = [];

  constructor(createSubject: CreateSubject) {
    beforeEach(async () => {
      this.subject = await createSubject();
      this.log = await this.subject.open();
      await this.#declare();
    });
    afterEach(async () => {
      await this.stopConsumers();
      await this.log[Symbol.asyncDispose]();
      await this.subject.remove?.();
    });
  }

  async reopen(): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    this.log = await this.subject.open();
  }

  publish(events: readonly NewEvent[]): Promise<void> {
    return this.log.publish(this.topic, events);
  }

  /** What the log says of the topic. */
  async status() {
    return (await this.log.status()).find((row) => row.topic === this.topic);
  }

  /** Consumes until `stop`; `seen` are the ids of every event handed over, redelivered ones again. */
  consume(group: string, { from = 'earliest', maxBatch = 10, handler }: ConsumeChoice = {}) {
    const seen: string[] = [];
    const abort = new AbortController();
    const { topic } = this;
    const running = this.log.consume({ topic, group, maxBatch, from, signal: abort.signal }, async (batch) => {
      seen.push(...batch.events.map((event) => event.id));
      await handler?.(batch);
    });
    const stop = async () => {
      abort.abort();
      await running;
    };
    this.#stops.push(stop);
    return { seen, stop };
  }

  async stopConsumers(): Promise<void> {
    for (const stop of this.#stops.splice(0)) await stop();
  }

  /** Two keys that the log puts into different partitions; the topic is a new one afterwards. */
  async keysOfTwoPartitions(): Promise<readonly [string, string]> {
    const partitions = new Map<number, string>();
    const probe = this.consume('probe', {
      handler: async ({ partition, events }) => void partitions.set(partition, events[0].key),
    });
    for (let n = 0; partitions.size < 2; n++) {
      await this.publish([event(`probe${n}`, n)]);
      await until(() => probe.seen.length > n);
    }
    await probe.stop();
    const [first, second] = [...partitions.values()];
    await this.#declare();
    return [first!, second!];
  }

  async #declare(): Promise<void> {
    this.topic = `suite.${randomUUID()}.v1`;
    await this.log.declare({ name: this.topic, partitions: 4, retentionMs });
  }
}

export function event(key: string, n: number): NewEvent {
  return { key, value: new TextEncoder().encode(`value ${n}`), id: `${key}/${n}`, headers: {} };
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('waiting for events: 30 s have passed');
    await delay(5);
  }
}
