import type { Clock, Log } from '../../core/component.ts';
import { describeThrown } from '../../core/errors.ts';
import type { Engine } from '../../core/runtime/engine.ts';
import type { LiveBus, LiveReport } from './live-bus.ts';

export interface LiveReporterOptions {
  readonly engine: Pick<Engine, 'status' | 'cluster'>;
  readonly bus: LiveBus;
  readonly hub: string;
  readonly clock: Clock;
  readonly log: Log;
}

const everyMs = 1_000;

/** Publishes how the channels of this hub stand, once a second, while somebody looks; nothing is asked of the store else. */
export class LiveReporter implements AsyncDisposable {
  readonly #options: LiveReporterOptions;
  #cancel: () => void = () => undefined;
  #reporting: Promise<void> = Promise.resolve();
  #ended = false;
  #failed = false;

  constructor(options: LiveReporterOptions) {
    this.#options = options;
    this.#next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#cancel();
    await this.#reporting;
  }

  #next(): void {
    if (this.#ended) return;
    this.#cancel = this.#options.clock.timer(everyMs, () => {
      this.#reporting = this.#report().finally(() => this.#next());
    });
  }

  async #report(): Promise<void> {
    const { bus, log } = this.#options;
    if (!bus.wanted) return;
    try {
      bus.publish(await this.#read());
      this.#failed = false;
    } catch (thrown) {
      if (!this.#failed) log.warn({ error: describeThrown(thrown) }, 'live figures cannot be read');
      this.#failed = true;
    }
  }

  async #read(): Promise<LiveReport> {
    const { engine, hub, clock } = this.#options;
    const status = await engine.status();
    return {
      hub,
      at: clock.now(),
      shared: engine.cluster() !== undefined,
      channels: status.map(({ channel, state, inFlight, counts }) => {
        const { received, sent, errored, filtered, queued, openErrors } = counts;
        return { channel, state, inFlight, received, sent, errored, filtered, queued, openErrors };
      }),
    };
  }
}
