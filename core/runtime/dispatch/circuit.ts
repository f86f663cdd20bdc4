import { type ErrorRecord, errorRecord, type HubError } from '../../errors.ts';
import { backoff } from '../backoff.ts';

const firstProbeMs = 500;
const slowestProbeMs = 30_000;

export interface CircuitHost {
  timer(ms: number, run: () => void): () => void;
  /** Milliseconds, monotonic. */
  now(): number;
  random(): number;
  /** The destination's retry settings bound how long a probe waits. */
  retry(): { readonly initialMs: number; readonly maxMs: number };
  /** Time to try one message. */
  probe(): void;
}

/** Open while the far end is away (rule 15): nothing is sent but one message at a time, with growing pauses, to see if it is back. */
export class Circuit {
  error: ErrorRecord | undefined;
  readonly #host: CircuitHost;
  #state: 'closed' | 'open' | 'probing' = 'closed';
  #failures = 0;
  #cancelProbe: (() => void) | undefined;
  /** The far end has asked to be left alone until then. */
  #notBefore = 0;

  constructor(host: CircuitHost) {
    this.#host = host;
  }

  get isOpen(): boolean {
    return this.#state !== 'closed';
  }
  /** One message may be tried. */
  get isProbing(): boolean {
    return this.#state === 'probing';
  }

  /** Writes that were under way when the far end asked to be left alone may still succeed: that closes nothing. */
  get mayClose(): boolean {
    return this.isOpen && this.#host.now() >= this.#notBefore;
  }

  /** Opens, or stays open after a probe that failed; no probe comes before `atLeastMs`. Answers whether it was closed. */
  open(error: HubError, atLeastMs = 0): boolean {
    const wasClosed = this.#state === 'closed';
    this.#state = 'open';
    this.#failures += 1;
    this.error = errorRecord(error);
    const { initialMs, maxMs } = this.#host.retry();
    const own = backoff(
      this.#failures + 1,
      Math.min(firstProbeMs, initialMs),
      Math.min(slowestProbeMs, maxMs),
      this.#host.random,
    );
    const now = this.#host.now();
    this.#notBefore = Math.max(this.#notBefore, now + atLeastMs);
    const wait = Math.max(own, this.#notBefore - now);
    this.#cancelProbe?.();
    this.#cancelProbe = this.#host.timer(wait, () => {
      if (this.#state !== 'open') return;
      this.#state = 'probing';
      this.#host.probe();
    });
    return wasClosed;
  }

  close(): void {
    this.#cancelProbe?.();
    this.#state = 'closed';
    this.#failures = 0;
    this.#notBefore = 0;
    this.error = undefined;
  }

  /** No more probes. */
  stop(): void {
    this.#cancelProbe?.();
  }
}
