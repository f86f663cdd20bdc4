import { hubAlert } from '../../contracts/hub-alert.ts';
import type { Erased } from '../../core/channel.ts';
import type { Clock, Log } from '../../core/component.ts';
import type { Destination, DestinationContext, WriteOutcome } from '../../core/destination.ts';
import { asHubError, type ErrorRecord, errorRecord, type HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { backoff } from '../../core/runtime/backoff.ts';
import type { SinkConfig } from './alerts-config.ts';
import { noticeMeta, noticeText } from './notice.ts';
import { Outbox, type OutboxItem, type SinkReport } from './outbox.ts';

const firstWaitMs = 5_000;
const longestWaitMs = 10 * 60_000;
/** An older notice helps nobody. */
const oldestMs = 24 * 3_600_000;
const writeTimeoutMs = 60_000;

export interface SinkHost {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly epoch: number;
  readonly version: string;
  readonly hub: string;
  context(name: string): DestinationContext;
  /** Its outbox is not as it was. */
  changed(): void;
  count(sink: string, outcome: 'sent' | 'failed'): void;
}

/** One way out: a connector that notices are written through, one after the other, until it takes them. */
export class Sink {
  readonly config: SinkConfig;
  readonly outbox = new Outbox();
  readonly #host: SinkHost;
  readonly #halt = new AbortController();
  #destination: Destination<Erased> | undefined;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #lost = 0;
  #lastSentAt: number | undefined;
  #failingSince: number | undefined;
  #error: ErrorRecord | undefined;

  constructor(config: SinkConfig, host: SinkHost) {
    this.config = config;
    this.#host = host;
  }

  report(): SinkReport {
    const { name, spec } = this.config;
    return {
      ...{ name, type: spec.type, waiting: this.outbox.size, lost: this.#lost },
      ...(this.#lastSentAt !== undefined && { lastSentAt: this.#lastSentAt }),
      ...(this.#failingSince !== undefined && { failingSince: this.#failingSince }),
      ...(this.#error && { error: { code: this.#error.code, message: this.#error.message } }),
    };
  }

  add(item: OutboxItem): void {
    const lost = this.outbox.add(item);
    if (lost > 0) this.#giveUp(lost, 'too many wait');
  }

  /** Sends what waits, where its time has come; goes on by itself until nothing waits. */
  wake(): void {
    const item = this.outbox.first;
    if (!item || this.#writing || this.#halt.signal.aborted) return;
    this.#cancel?.();
    const wait = item.notBefore - this.#host.clock.now();
    if (wait > 0) {
      this.#cancel = this.#host.clock.timer(wait, () => this.wake());
      return;
    }
    this.#writing = this.#send(item).finally(() => {
      this.#writing = undefined;
      this.wake();
    });
  }

  /** Ends what is being written; what waits stays in the outbox. */
  async close(): Promise<void> {
    this.#halt.abort();
    this.#cancel?.();
    await this.#writing;
    await this.#destination?.[Symbol.asyncDispose]();
  }

  async #send(item: OutboxItem): Promise<void> {
    const { clock, random, count, changed } = this.#host;
    const { name } = this.config;
    const outcome = await this.#write(item);
    if (this.#halt.signal.aborted && outcome?.status !== 'sent') return;
    const now = clock.now();
    if (outcome === undefined || outcome.status === 'sent') {
      this.outbox.remove(item);
      this.#lastSentAt = now;
      if (this.#failingSince !== undefined) this.#host.log.info({ sink: name }, 'notices get through again');
      this.#failingSince = undefined;
      this.#error = undefined;
      count(name, 'sent');
    } else {
      if (outcome.status !== 'untried') this.#failed(outcome.error, now);
      const forGood =
        outcome.status === 'error' && outcome.error.kind === 'permanent' && outcome.error.scope === 'message';
      if (forGood || now - item.firstAt > oldestMs) {
        this.outbox.remove(item);
        this.#giveUp(1, forGood ? 'it was refused for good' : 'it is too old');
      } else {
        const wait = backoff(item.attempts + 2, firstWaitMs, longestWaitMs, random);
        this.outbox.postpone(item, now + wait);
      }
    }
    changed();
  }

  #failed(error: HubError, now: number): void {
    const { name } = this.config;
    if (this.#failingSince === undefined)
      this.#host.log.error({ sink: name, code: error.code }, `telling of alerts fails: ${error.message}`);
    this.#failingSince ??= now;
    this.#error = errorRecord(error);
  }

  #giveUp(notices: number, why: string): void {
    this.#lost += notices;
    for (let n = 0; n < notices; n++) this.#host.count(this.config.name, 'failed');
    this.#host.log.error({ sink: this.config.name, notices }, `a notice was given up: ${why}`);
  }

  async #write(item: OutboxItem): Promise<WriteOutcome | undefined> {
    const { name } = this.config;
    const timeout = new AbortController();
    const cancel = this.#host.clock.timer(writeTimeoutMs, () => timeout.abort());
    const signal = AbortSignal.any([timeout.signal, this.#halt.signal]);
    try {
      this.#destination ??= this.config.spec.create(this.#host.context(name));
      const write = { signal, epoch: this.#host.epoch, notAfter: Number.POSITIVE_INFINITY };
      const outcomes = await Promise.race([this.#destination.write([this.#message(item)], write), aborted(signal)]);
      return outcomes?.[0];
    } catch (thrown) {
      const error = asHubError(thrown, 'write-failed', `writing to ${name}`, 'transient');
      return { status: 'uncertain', error };
    } finally {
      cancel();
    }
  }

  #message({ notice, seq, attempts }: OutboxItem): Outgoing<unknown> {
    const { as, name } = this.config;
    const { id, incident, at } = notice;
    const text = as === 'text' ? noticeText(notice) : undefined;
    return {
      id,
      seq,
      channel: 'alerts',
      keys: [incident],
      receivedAt: Date.parse(at),
      version: this.#host.version,
      meta: noticeMeta(notice),
      payload: text ?? notice,
      bytes: text === undefined ? hubAlert.encode(notice) : Buffer.from(text, 'utf8'),
      effectId: `${id}/${name}/0`,
      attempt: attempts + 1,
    };
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new DOMException('the write took too long', 'TimeoutError'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
