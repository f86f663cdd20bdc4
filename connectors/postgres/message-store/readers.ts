import { failureOf } from '../../../clients/postgres/failure.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import { HubError } from '../../../core/errors.ts';
import { closedError, storeError } from './errors.ts';
import { connected } from './opening.ts';
import type { Settings } from './options.ts';

/** Reads that wait for a connection, at most. */
const mostWaiting = 1_000;

/** Some connections that read for people, so that the writer never waits for them. They are opened when they are needed. */
export class Readers {
  readonly #settings: Settings;
  readonly #idle: PostgresSession[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #closed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** A read whose connection breaks is made again, until the patience is over. Rejects with `store-failed`. */
  async read<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    const until = performance.now() + this.#settings.patienceMs;
    await this.#turn();
    try {
      for (let attempt = 0; ; attempt++) {
        if (this.#closed) throw closedError();
        let session: PostgresSession | undefined;
        try {
          session = this.#session() ?? (await connected(this.#settings));
          const result = await work(session);
          if (session.usable) this.#idle.push(session);
          return result;
        } catch (thrown) {
          const cause = thrown instanceof HubError ? (thrown.cause ?? thrown) : thrown;
          const isAway = (!session?.usable || failureOf(cause).connection) && !isPermanent(thrown);
          session?.destroy();
          if (!isAway || performance.now() > until) throw storeError(thrown, 'reading the message store');
          await new Promise((resolve) => setTimeout(resolve, Math.min(500, 25 * 2 ** attempt)));
        }
      }
    } finally {
      this.#busy--;
      this.#waiting.shift()?.();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const next of this.#waiting.splice(0)) next();
    await Promise.all(this.#idle.splice(0).map((session) => session.close()));
  }

  #session(): PostgresSession | undefined {
    for (let session = this.#idle.pop(); session; session = this.#idle.pop()) if (session.usable) return session;
    return undefined;
  }

  async #turn(): Promise<void> {
    if (this.#closed) throw closedError();
    if (this.#busy >= this.#settings.readers) {
      if (this.#waiting.length >= mostWaiting) {
        throw new HubError('store-failed', 'transient', 'reading the message store: too many reads wait');
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#busy++;
  }
}

function isPermanent(thrown: unknown): boolean {
  return thrown instanceof HubError && thrown.kind === 'permanent';
}
