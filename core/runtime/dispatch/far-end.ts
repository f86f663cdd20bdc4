import type { Destination, WriteOutcome } from '../../destination.ts';
import { type ErrorRecord, HubError } from '../../errors.ts';
import type { CompiledDestination } from '../compiled.ts';
import type { OutgoingMessage } from '../slot.ts';
import { Circuit } from './circuit.ts';
import type { DispatcherHost } from './dispatcher-host.ts';
import type { Item } from './item.ts';
import { writeNarrowing } from './narrow.ts';

export interface FarEndHost {
  readonly name: string;
  readonly host: Pick<DispatcherHost, 'channel' | 'clock' | 'random' | 'log' | 'lease'>;
  readonly compiled: CompiledDestination;
  /** Time to try one message. */
  probe(): void;
}

const noTimeMs = 100;

/** What a destination writes to: one call after another, or some at once, while the lease lasts, and not while it is away. */
export class FarEnd {
  readonly #of: FarEndHost;
  readonly #circuit: Circuit;
  #destination: Destination<unknown>;
  #halt = new AbortController();
  #waitsForLease = false;
  /** Calls under way. */
  writes = 0;

  constructor(destination: Destination<unknown>, of: FarEndHost) {
    this.#destination = destination;
    this.#of = of;
    const { clock, random } = of.host;
    this.#circuit = new Circuit({
      timer: (ms, run) => clock.timer(ms, run),
      now: () => clock.monotonic(),
      random,
      retry: () => this.#of.compiled.definition.options.retry,
      probe: () => of.probe(),
    });
  }

  /** It is away. */
  get isAway(): boolean {
    return this.#circuit.isOpen;
  }
  /** One message may be tried. */
  get isProbing(): boolean {
    return this.#circuit.isProbing;
  }
  /** As `Circuit.mayClose`. */
  get mayClose(): boolean {
    return this.#circuit.mayClose;
  }
  get error(): ErrorRecord | undefined {
    return this.#circuit.error;
  }
  get isHalted(): boolean {
    return this.#halt.signal.aborted;
  }

  /** A write may begin under the lease. */
  get hasTime(): boolean {
    const { lease, clock } = this.#of.host;
    return lease.until === Number.POSITIVE_INFINITY || lease.until > clock.monotonic();
  }

  /** Calls back, once, when it is worth looking at the lease again. */
  awaitLease(look: () => void): void {
    if (this.#waitsForLease) return;
    this.#waitsForLease = true;
    this.#of.host.clock.timer(noTimeMs, () => {
      this.#waitsForLease = false;
      look();
    });
  }

  /** One outcome for each, whatever the destination does, in the time that it has. */
  async write(batch: readonly Item[]): Promise<readonly WriteOutcome[]> {
    this.writes += 1;
    const { name, compiled, host } = this.#of;
    const timeoutMs = compiled.definition.options.writeTimeoutMs;
    const timeout = new AbortController();
    const onHalt = () => timeout.abort(this.#halt.signal.reason);
    this.#halt.signal.addEventListener('abort', onHalt, { once: true });
    const cancelTimer = host.clock.timer(timeoutMs, () =>
      timeout.abort(
        new HubError('reply-timeout', 'transient', `writing to ${name}: it took longer than ${timeoutMs} ms`),
      ),
    );
    const messages = batch.map((item) => {
      item.message.attempt = item.attempts + 1;
      return item.message;
    });
    const { lease } = host;
    const context = { signal: timeout.signal, epoch: lease.epoch, notAfter: lease.until };
    const destination = this.#destination;
    // The halves of a batch that failed begin later than it did.
    const write = async (part: readonly OutgoingMessage[]) =>
      this.hasTime ? destination.write(part, context) : part.map(() => ({ status: 'untried' as const }));
    const outcomes = await writeNarrowing(messages, write, name, timeout.signal);
    cancelTimer();
    this.#halt.signal.removeEventListener('abort', onHalt);
    this.writes -= 1;
    return outcomes;
  }

  /** It is away, or still is after a probe; no probe comes before `atLeastMs`. */
  open(error: HubError, atLeastMs = 0): void {
    const { name, host } = this.#of;
    if (this.#circuit.open(error, atLeastMs))
      host.log.warn({ channel: host.channel, destination: name, code: error.code }, `circuit open: ${error.message}`);
  }

  /** It is back. */
  close(): void {
    const { name, host } = this.#of;
    this.#circuit.close();
    host.log.info({ channel: host.channel, destination: name }, 'circuit closed');
  }

  /** As if it had never been away. */
  reset(): void {
    this.#circuit.close();
  }

  /** No more probes. */
  stopProbing(): void {
    this.#circuit.stop();
  }

  /** Aborts what is under way. */
  halt(reason: HubError): void {
    this.#halt.abort(reason);
  }

  async replace(destination: Destination<unknown>): Promise<void> {
    const old = this.#destination;
    this.#destination = destination;
    await old[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#circuit.stop();
    await this.#destination[Symbol.asyncDispose]();
  }
}
