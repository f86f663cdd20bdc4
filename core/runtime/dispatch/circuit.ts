import { type ErrorRecord, errorRecord, type HubError } from '../../errors.ts';
import { backoff } from '../backoff.ts';

const firstProbeMs = 500;
const slowestProbeMs = 30_000;

export interface CircuitHost {
  timer(ms: number, run: () => void): () => void;
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

  /** Opens, or stays open after a probe that failed. Answers whether it was closed. */
  open(error: HubError): boolean {
    const wasClosed = this.#state === 'closed';
    this.#state = 'open';
    this.#failures += 1;
    this.error = errorRecord(error);
    const { initialMs, maxMs } = this.#host.retry();
    const wait = backoff(
      this.#failures + 1,
      Math.min(firstProbeMs, initialMs),
      Math.min(slowestProbeMs, maxMs),
      this.#host.random,
    );
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
    this.error = undefined;
  }

  /** No more probes. */
  stop(): void {
    this.#cancelProbe?.();
  }
}
