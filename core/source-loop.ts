import type { ConnectionState } from './component.ts';
import { HubError } from './errors.ts';
import type { Arrival } from './message.ts';
import type { Receipt } from './outcome.ts';
import type { Delivery, Intake, Life, SourceContext } from './source.ts';
import { pauseFor, unlessAborted } from './until.ts';

export interface SourceLoopOptions {
  readonly context: SourceContext;
  readonly intake: Intake;
  readonly life: Life;
  /** What the names of its counters begin with: `mqtt`. */
  readonly counted: string;
}

const longestPauseMs = 30_000;
const firstStorePauseMs = 250;

/**
 * What sources that read by themselves have in common, whatever they read: handing over in order, again where nothing was stored; waiting
 * for receipts; pauses; telling how they stand. Nothing of it outlasts a halt.
 */
export class SourceLoop {
  readonly halt: AbortSignal;
  /** Nothing more is read: at a drain, at a halt, and once the channel takes nothing any more. */
  readonly stop: AbortSignal;
  readonly #context: SourceContext;
  readonly #intake: Intake;
  readonly #counted: string;
  readonly #refused = new AbortController();
  /** Handed over, and without a receipt. */
  #open = 0;
  #settled: () => void = () => undefined;
  #state: ConnectionState | undefined;

  constructor({ context, intake, life: { drain, halt }, counted }: SourceLoopOptions) {
    this.#context = context;
    this.#intake = intake;
    this.#counted = counted;
    this.halt = halt;
    this.stop = AbortSignal.any([drain, halt, this.#refused.signal]);
  }

  /** Reads until it ends or is halted; `end` then lets go of what is left, at once. */
  async run(read: () => Promise<void>, end: () => void): Promise<void> {
    const reading = read();
    try {
      await unlessAborted(reading, this.halt);
    } finally {
      // After a halt it ends by itself: nothing of it is awaited, or can reject unheard.
      reading.catch(() => undefined);
      end();
      this.report('stopped');
    }
  }

  /**
   * Returns once all are stored, so that none overtakes one that was not. What the store does not take stays here, unanswered, and is
   * handed over again, until `lost` says that nobody can be answered any more. `answer` hears of each at the channel's acknowledgement
   * point, exactly once, but not of those that were not stored.
   */
  async handOver<M>(
    messages: readonly M[],
    arrivalOf: (message: M) => Arrival,
    answer: (message: M, receipt: Receipt) => void,
    lost: AbortSignal,
  ): Promise<void> {
    let left = messages;
    for (let failures = 0; left.length > 0 && !this.halt.aborted; failures++) {
      if (failures > 0) {
        this.report('retrying');
        await this.pauseAfter(failures - 1, firstStorePauseMs, lost);
        if (this.stop.aborted || lost.aborted) return;
      }
      const delivery = await takenBy(this.#intake, left.map(arrivalOf), this.halt, {
        refused: () => this.refuse(),
        full: (error) => this.#state !== 'retrying' && this.#context.log.warn({ code: error.code }, error.message),
      });
      if (!delivery) continue;
      this.#context.count(`${this.#counted}_read_total`, left.length);
      const handed = left;
      this.#open += handed.length;
      delivery.on(this.#context.ackAfter, (at, receipt) => {
        answer(handed[at]!, receipt);
        this.#open -= 1;
        if (this.#open === 0) this.#settled();
      });
      const stored = await unlessAborted(delivery.receipts('stored'), this.halt);
      if (!stored) return;
      left = handed.filter((_, at) => isUnstored(stored[at]!));
    }
    if (!lost.aborted) this.report('reading');
  }

  get isRefused(): boolean {
    return this.#refused.signal.aborted;
  }

  /** The channel takes nothing any more. */
  refuse(): void {
    this.#refused.abort();
  }

  /** Resolves when every receipt is there, or nobody can be answered any more. */
  async allSettled(lost?: AbortSignal): Promise<void> {
    if (this.#open === 0 || lost?.aborted) return;
    const settled = Promise.withResolvers<void>();
    this.#settled = settled.resolve;
    const over = (): void => settled.resolve();
    lost?.addEventListener('abort', over, { once: true });
    await unlessAborted(settled.promise, this.halt);
    lost?.removeEventListener('abort', over);
  }

  /** After so many failures: `firstMs`, doubled with each up to 30 s, with jitter from half of it to all. */
  pauseAfter(failures: number, firstMs: number, lost?: AbortSignal): Promise<void> {
    const ms = Math.min(firstMs * 2 ** Math.min(failures, 16), longestPauseMs);
    return this.pause(ms * (0.5 + this.#context.random() / 2), lost);
  }

  /** Until nothing more is to be read, or the connection is lost, at the latest. */
  async pause(ms: number, lost?: AbortSignal): Promise<void> {
    await pauseFor(this.#context.clock, ms, lost ? AbortSignal.any([this.stop, lost]) : this.stop);
  }

  /** It is tried again: said once for each row of failures. */
  trouble(error: HubError): void {
    this.#context.count(`${this.#counted}_troubles_total`);
    if (this.#state !== 'retrying') this.#context.log.warn({ code: error.code, kind: error.kind }, error.message);
    this.report('retrying');
  }

  get isRetrying(): boolean {
    return this.#state === 'retrying';
  }

  report(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#context.report(state);
  }
}

/** What is stored is ours, even as an error; what is not has to come again. */
function isUnstored({ id, outcome }: Receipt): boolean {
  return outcome.status === 'error' && id === undefined;
}

/** As `SourceLoop` has it for what is answered all together: kept, and neither refused by the store nor by a channel that stops. */
export function isKept(receipt: Receipt): boolean {
  return receipt.outcome.status !== 'draining' && !isUnstored(receipt);
}

export interface Untaken {
  /** The channel takes nothing any more. */
  refused(): void;
  /** The store has no room now. */
  full(error: HubError): void;
}

/** Hands over once. Undefined where nothing was taken, which `untaken` hears unless it was for a halt. Rejects where it would be no better again. */
export async function takenBy(
  intake: Intake,
  arrivals: readonly Arrival[],
  halt: AbortSignal,
  untaken: Untaken,
): Promise<Delivery | undefined> {
  try {
    return await intake.accept(arrivals, halt);
  } catch (thrown) {
    if (halt.aborted) return undefined;
    if (!(thrown instanceof HubError) || thrown.kind !== 'transient') throw thrown;
    if (thrown.code === 'draining') untaken.refused();
    else untaken.full(thrown);
    return undefined;
  }
}
