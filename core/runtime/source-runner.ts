import type { Clock, Log } from '../component.ts';
import { asHubError, describeThrown, type HubError } from '../errors.ts';
import type { Intake, Source } from '../source.ts';
import { backoff } from './backoff.ts';

export interface SourceRunnerHost {
  readonly channel: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  create(): Source;
  readonly intake: Intake;
  /** It ended by itself; it is started again unless the error is permanent. */
  failed(error: HubError): void;
}

const firstPauseMs = 500;
const longestPauseMs = 30_000;

/** Runs a channel's source, again and again while its failures are transient. */
export class SourceRunner {
  readonly #host: SourceRunnerHost;
  readonly #drain = new AbortController();
  readonly #halt = new AbortController();
  readonly #done: Promise<void>;

  constructor(host: SourceRunnerHost) {
    this.#host = host;
    this.#done = this.#run().catch((thrown) => {
      host.log.error({ channel: host.channel, error: describeThrown(thrown) }, 'the source failed');
    });
  }

  /** Drains it; when `halt` aborts it has to return at once. */
  async stop(halt: AbortSignal): Promise<void> {
    this.#drain.abort();
    if (halt.aborted) this.#halt.abort();
    else halt.addEventListener('abort', () => this.#halt.abort(), { once: true });
    await this.#done;
  }

  get #ending(): boolean {
    return this.#drain.signal.aborted || this.#halt.signal.aborted;
  }

  async #run(): Promise<void> {
    const { channel, clock, random, log } = this.#host;
    for (let attempt = 2; !this.#ending; attempt++) {
      try {
        await this.#host.create().run(this.#host.intake, { drain: this.#drain.signal, halt: this.#halt.signal });
        if (this.#ending) return;
      } catch (thrown) {
        if (this.#ending) return;
        const error = asHubError(thrown, 'write-failed', `running the source of ${channel}`, 'transient');
        log.error({ channel, code: error.code }, error.message);
        this.#host.failed(error);
        if (error.kind === 'permanent') return;
      }
      await pause(clock, backoff(attempt, firstPauseMs, longestPauseMs, random), this.#drain.signal);
    }
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.timer(ms, resolve);
    const stop = () => {
      cancel();
      resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}
