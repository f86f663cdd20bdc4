import { linkOptions } from '../../clients/astm-link/config.ts';
import { encodeError, sendError } from '../../clients/astm-link/driver.ts';
import { type HeldLink, holdLink } from '../../clients/astm-link/shared-link.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import type { AstmMessage } from '../../protocols/astm/message.ts';
import type { AstmDestinationConfig } from './config.ts';

/** Sends each message over the link to the analyzer, one after the other. */
export class LinkDestination implements Destination<AstmMessage> {
  readonly #config: AstmDestinationConfig;
  readonly #context: DestinationContext;
  readonly #held: HeldLink;
  readonly #closing = new AbortController();

  /** Throws HubError `config-invalid`. */
  constructor(config: AstmDestinationConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#held = holdLink(config, context, linkOptions(config.link), {
      report: (state) => context.report(state),
      failed: (error) => context.log.warn({ code: error.code }, error.message),
    });
  }

  async write(batch: readonly Outgoing<AstmMessage>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    const stop = AbortSignal.any([context.signal, this.#closing.signal]);
    const outcomes: WriteOutcome[] = [];
    for (const message of batch) {
      if (stop.aborted || performance.now() > context.notAfter) break;
      const outcome = await this.#send(message, stop, context.notAfter);
      outcomes.push(outcome);
      if (outcome.status !== 'sent') break;
    }
    this.#context.count('astm_sent_total', outcomes.filter(({ status }) => status === 'sent').length);
    while (outcomes.length < batch.length) outcomes.push({ status: 'untried' });
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#held[Symbol.asyncDispose]();
    this.#context.report('stopped');
  }

  async #send(message: Outgoing<AstmMessage>, stop: AbortSignal, notAfter: number): Promise<WriteOutcome> {
    const driver = await this.#held.ready(this.#config.connectTimeoutMs, stop);
    if (stop.aborted || performance.now() > notAfter) return { status: 'untried' };
    if (driver instanceof HubError) return { status: 'error', error: driver };
    try {
      const sent = await driver.send(asRecords(message.bytes), stop);
      if (sent.status !== 'failed') return sent;
      const { reason, uncertain } = sent;
      return { status: uncertain ? 'uncertain' : 'error', error: sendError(driver.where, reason) };
    } catch (thrown) {
      return { status: 'error', error: encodeError(thrown) };
    }
  }
}

const CR = 0x0d;
const LF = 0x0a;

/** Records end with CR on the link, whatever they end with in a file; no frame may hold LF (LIS01-A2 §6.6). */
function asRecords(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(LF)) return bytes;
  const records = Buffer.alloc(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== LF) records[length++] = bytes[at]!;
    else if (bytes[at - 1] !== CR) records[length++] = CR;
  }
  return records.subarray(0, length);
}
