import type { Clock, Log } from '../component.ts';
import { describeThrown } from '../errors.ts';
import type { EventLog } from '../events/event-log.ts';
import type { OutboxRow } from './service-store.ts';

export interface OutboxSenderOptions {
  readonly events: Pick<EventLog, 'publish'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly service: string;
  /** Of the store: ids begin with it. */
  readonly instance: string;
  /** Something was published, so that rows can go. */
  published(): void;
}

/** While so many wait, the service handles nothing more. */
const most = 5_000;
const together = 500;
const firstWaitMs = 100;
const longestWaitMs = 10_000;

/** Publishes what was committed, in order, each row until the event log has taken it. */
export class OutboxSender {
  readonly #options: OutboxSenderOptions;
  readonly #rows: OutboxRow[];
  #publishedUpTo = 0;
  #sending: Promise<void> | undefined;
  #closed = false;
  #endWait: (() => void) | undefined;
  #room = Promise.withResolvers<void>();

  constructor(options: OutboxSenderOptions, rows: readonly OutboxRow[]) {
    this.#options = options;
    this.#rows = [...rows];
    this.#wake();
  }

  get publishedUpTo(): number {
    return this.#publishedUpTo;
  }

  get waiting(): number {
    return this.#rows.length;
  }

  add(rows: readonly OutboxRow[]): void {
    this.#rows.push(...rows);
    this.#wake();
  }

  /** Resolves when there is room for more, or when it is closed. */
  async room(): Promise<void> {
    while (this.#rows.length >= most && !this.#closed) await this.#room.promise;
  }

  /** Begins nothing more; resolves when nothing is under way. What waits stays in the store. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endWait?.();
    this.#room.resolve();
    await this.#sending;
  }

  #wake(): void {
    if (this.#sending || this.#closed || this.#rows.length === 0) return;
    this.#sending = this.#send().finally(() => {
      this.#sending = undefined;
      this.#wake();
    });
  }

  async #send(): Promise<void> {
    const { events, service, instance, log, published } = this.#options;
    for (let failures = 0; this.#rows.length > 0 && !this.#closed; ) {
      const [{ topic }] = this.#rows as [OutboxRow];
      const other = this.#rows.findIndex((row) => row.topic !== topic);
      const rows = this.#rows.slice(0, Math.min(together, other < 0 ? this.#rows.length : other));
      try {
        await events.publish(
          topic,
          rows.map(({ key, headers, value, seq }) => ({ key, headers, value, id: `${service}/${instance}/${seq}` })),
        );
      } catch (thrown) {
        if (failures === 0)
          log.error({ service, topic, error: describeThrown(thrown) }, 'publishing what a service says fails');
        failures++;
        await this.#wait(Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(failures - 1, 10)));
        continue;
      }
      if (failures > 0) log.info({ service, topic }, 'what a service says is published again');
      failures = 0;
      this.#rows.splice(0, rows.length);
      this.#publishedUpTo = rows.at(-1)!.seq;
      this.#room.resolve();
      this.#room = Promise.withResolvers();
      published();
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.timer(ms, resolve);
      this.#endWait = () => {
        cancel();
        resolve();
      };
    });
  }
}
