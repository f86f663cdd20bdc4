import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { asHubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { dial } from '../../core/net/dial.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { isAcknowledgement } from './answer.ts';
import type { MllpDestinationConfig } from './config.ts';
import { converse } from './converse.ts';
import { Link } from './link.ts';
import { type Prepared, prepare } from './prepared.ts';

/** One place for a connection, which is made when first needed and again after it broke. */
interface Slot {
  link: Link | undefined;
}

/** Sends each message on a connection of its own, waits for its answer, and looks up what that means. */
export class MllpDestination implements Destination<Hl7Message> {
  readonly #config: MllpDestinationConfig;
  readonly #context: DestinationContext;
  readonly #endpoint: EndpointOf<'tcp-connect'>;
  readonly #free: Slot[];
  readonly #slots: readonly Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];
  readonly #closing = new AbortController();

  constructor(config: MllpDestinationConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#endpoint = context.endpoint('tcp-connect', config.endpoint);
    this.#slots = Array.from({ length: config.connections }, () => ({ link: undefined }));
    this.#free = [...this.#slots];
    context.report('idle', 0);
  }

  write(batch: readonly Outgoing<Hl7Message>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    return Promise.all(batch.map((message) => this.#send(message, context)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const slot of this.#slots) slot.link?.destroy();
    this.#context.report('stopped', 0);
  }

  async #send(message: Outgoing<Hl7Message>, { signal, notAfter }: WriteContext): Promise<WriteOutcome> {
    let prepared: Prepared;
    try {
      prepared = prepare(message, this.#config);
    } catch (thrown) {
      return { status: 'error', error: asHubError(thrown, 'encode-failed', 'framing the message') };
    }
    const slot = this.#free.pop() ?? (await this.#nextFree());
    try {
      const stopped = () => signal.aborted || this.#closing.signal.aborted || performance.now() > notAfter;
      if (stopped()) return { status: 'untried' };
      const link = slot.link?.usable ? slot.link : await this.#connect(slot, signal);
      if (stopped()) return { status: 'untried' };
      return await converse(link, prepared, this.#config, this.#context, signal);
    } catch (thrown) {
      if (signal.aborted || this.#closing.signal.aborted) return { status: 'untried' };
      this.#context.report('retrying', this.#open());
      return { status: 'error', error: asHubError(thrown, 'refused', 'connecting', 'transient') };
    } finally {
      this.#release(slot);
    }
  }

  async #connect(slot: Slot, signal: AbortSignal): Promise<Link> {
    const { connectTimeoutMs, keepAliveMs } = this.#config;
    this.#context.report('connecting', this.#open());
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const socket = await dial(this.#endpoint, {
      clock: this.#context.clock,
      timeoutMs: connectTimeoutMs,
      signal: stop,
    });
    const link: Link = new Link(
      socket,
      keepAliveMs,
      (framed, unanswered) => {
        this.#context.count('mllp_late_answers_total');
        return (unanswered || this.#config.waitFor === 'commit') && isAcknowledgement(framed);
      },
      () => {
        if (slot.link === link) slot.link = undefined;
        if (!this.#closing.signal.aborted) this.#context.report(this.#open() > 0 ? 'connected' : 'idle', this.#open());
      },
    );
    slot.link = link;
    this.#context.report('connected', this.#open());
    return link;
  }

  #open(): number {
    return this.#slots.reduce((open, { link }) => (link?.usable ? open + 1 : open), 0);
  }

  #nextFree(): Promise<Slot> {
    const { promise, resolve } = Promise.withResolvers<Slot>();
    this.#waiting.push(resolve);
    return promise;
  }

  #release(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next) next(slot);
    else this.#free.push(slot);
  }
}
