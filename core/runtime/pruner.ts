import type { ChannelDefinition } from '../channel.ts';
import type { Clock, Log } from '../component.ts';
import { describeThrown } from '../errors.ts';
import type { MessageStore } from '../store/message-store.ts';

const everyMs = 10 * 60_000;
const dayMs = 24 * 60 * 60_000;

/** Deletes what is past its retention, channel by channel, beside live traffic. */
export class Pruner {
  readonly #store: MessageStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #channels: () => readonly ChannelDefinition[];
  #abort = new AbortController();
  #cancel: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(store: MessageStore, clock: Clock, log: Log, channels: () => readonly ChannelDefinition[]) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#channels = channels;
  }

  start(): void {
    this.#cancel = this.#clock.timer(everyMs, () => {
      this.#running = this.#round().finally(() => {
        if (!this.#abort.signal.aborted) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancel?.();
    await this.#running;
  }

  async #round(): Promise<void> {
    for (const { name, options } of this.#channels()) {
      if (this.#abort.signal.aborted) return;
      const now = this.#clock.now();
      const { contentDays, messageDays } = options.retention;
      try {
        const pruned = await this.#store.prune(
          name,
          { contentBefore: now - contentDays * dayMs, messagesBefore: now - messageDays * dayMs },
          this.#abort.signal,
        );
        if (pruned.contents + pruned.messages > 0) this.#log.info({ channel: name, ...pruned }, 'pruned');
      } catch (thrown) {
        this.#log.error({ channel: name, error: describeThrown(thrown) }, 'pruning failed');
      }
    }
  }
}
