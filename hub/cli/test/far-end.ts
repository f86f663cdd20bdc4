import type { Answer } from '../../../clients/http-client/client.ts';
import { outcomeOfSilence as httpSilence } from '../../../clients/http-client/status-table.ts';
import type { FhirDestinationConfig } from '../../../connectors/fhir/config.ts';
import { outcomeOf as fhirOutcomeOf } from '../../../connectors/fhir/response.ts';
import type { HttpDestinationConfig } from '../../../connectors/http/config.ts';
import { outcomeOf as httpOutcomeOf } from '../../../connectors/http/response-table.ts';
import type { MllpDestinationConfig } from '../../../connectors/mllp/config.ts';
import { prepare } from '../../../connectors/mllp/prepared.ts';
import { outcomeOfSilence } from '../../../connectors/mllp/response-table.ts';
import { acknowledgementIn, outcomeOfAck } from '../../../contracts/hl7v2-response.ts';
import type { DestinationDefinition, Erased } from '../../../core/channel.ts';
import type { Clock } from '../../../core/component.ts';
import type {
  Destination,
  DestinationContext,
  DestinationSpec,
  WriteContext,
  WriteOutcome,
} from '../../../core/destination.ts';
import { asHubError, HubError } from '../../../core/errors.ts';
import type { Outgoing } from '../../../core/message.ts';
import { type FhirResource, isBundle, readResource } from '../../../protocols/fhir/resource.ts';
import { type AckCode, acknowledge } from '../../../protocols/hl7v2/ack.ts';

/** What one far end answers: a code, an HTTP status, silence, or these bytes. */
export type FarAnswer = AckCode | number | 'none' | 'timeout' | Uint8Array;

/** Bytes that reached a far end, also where it refused them. */
export interface Written {
  readonly effectId: string;
  readonly bytes: Uint8Array;
  readonly sent: boolean;
}

/**
 * Stands where the connector would: nothing leaves the process. What it gets are the bytes that would go out, and what it answers is
 * judged as the connector judges it.
 */
export class FarEnd {
  readonly spec: DestinationSpec<Erased>;
  readonly written: Written[] = [];
  /** Writes that wait for their time-out. */
  waiting = 0;
  readonly #answers: FarAnswer[];

  /** @param answers one after the other; then AA */
  constructor({ to }: DestinationDefinition, answers: readonly FarAnswer[]) {
    this.#answers = [...answers];
    this.spec = Object.freeze({
      ...to,
      resources: [],
      create: (context: DestinationContext) => this.#destination(to, context),
    });
  }

  #destination(to: DestinationSpec<Erased>, { clock }: DestinationContext): Destination<Erased> {
    return {
      write: async (batch: readonly Outgoing<Erased>[], context: WriteContext) => {
        const outcomes: WriteOutcome[] = [];
        for (const message of batch) {
          const stopped = to.batching === 'prefix' && outcomes.some(({ status }) => status !== 'sent');
          outcomes.push(stopped ? { status: 'untried' } : await this.#write(to, message, clock, context.signal));
        }
        const failure = to.batching === 'atomic' ? outcomes.find(({ status }) => status !== 'sent') : undefined;
        return failure ? batch.map(() => failure) : outcomes;
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  async #write(
    to: DestinationSpec<Erased>,
    message: Outgoing<Erased>,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    let bytes: Uint8Array;
    try {
      bytes = to.type === 'mllp' ? framed(message, to.config as MllpDestinationConfig) : message.bytes;
    } catch (thrown) {
      return { status: 'error', error: asHubError(thrown, 'encode-failed', 'framing the message') };
    }
    const answer = this.#answers.shift() ?? 'AA';
    if (answer === 'none' || answer === 'timeout') await this.#silence(to, clock, signal);
    if (signal.aborted) return { status: 'untried' };
    const outcome = judged(to, answer, bytes, clock.now());
    this.written.push({ effectId: message.effectId, bytes, sent: outcome.status === 'sent' });
    return outcome;
  }

  async #silence({ config }: DestinationSpec<Erased>, clock: Clock, signal: AbortSignal): Promise<void> {
    const { ackTimeoutMs, replyTimeoutMs } = config as {
      readonly ackTimeoutMs?: number;
      readonly replyTimeoutMs?: number;
    };
    this.waiting += 1;
    await new Promise<void>((resolve) => {
      const cancel = clock.timer(ackTimeoutMs ?? replyTimeoutMs ?? 30_000, resolve);
      const stop = () => {
        cancel();
        resolve();
      };
      signal.addEventListener('abort', stop, { once: true });
    });
    this.waiting -= 1;
  }
}

/** As it would be sent: with an MSH-10 of the effect id where the channel asks for one. */
function framed(message: Outgoing<Erased>, config: MllpDestinationConfig): Uint8Array {
  return prepare(message, config).frame.subarray(1, -2);
}

function judged(
  { type, config }: DestinationSpec<Erased>,
  answer: FarAnswer,
  bytes: Uint8Array,
  now: number,
): WriteOutcome {
  if (type === 'mllp') return judgedByMllp((config as MllpDestinationConfig).response, answer, bytes, now);
  if (type === 'http') return judgedByHttp(config as HttpDestinationConfig, answer, now);
  if (type === 'fhir') return judgedByFhir(config as FhirDestinationConfig, answer, bytes, now);
  if (typeof answer === 'number') throw new TypeError(`${type} knows no status ${answer}`);
  if (answer instanceof Uint8Array) return { status: 'sent', reply: answer };
  switch (answer) {
    case 'AA':
    case 'CA':
      return { status: 'sent' };
    case 'none':
    case 'timeout':
      return { status: 'uncertain', error: new HubError('reply-timeout', 'transient', 'writing: no answer in time') };
    default: {
      const kind = answer === 'AR' || answer === 'CR' ? 'transient' : 'permanent';
      return { status: 'error', error: new HubError('write-failed', kind, `writing: the test answers ${answer}`) };
    }
  }
}

function judgedByMllp(
  table: MllpDestinationConfig['response'],
  answer: FarAnswer,
  bytes: Uint8Array,
  now: number,
): WriteOutcome {
  if (typeof answer === 'number') throw new TypeError(`mllp knows no status ${answer}`);
  if (answer === 'none' || answer === 'timeout') return outcomeOfSilence('awaiting the answer: none in time', table);
  const reply = answer instanceof Uint8Array ? answer : acknowledge(bytes, { code: answer, controlId: 'TEST', now });
  const ack = acknowledgementIn(reply);
  if (ack) return outcomeOfAck(ack, reply, table);
  const error = new HubError('reply-invalid', 'transient', 'reading the answer: it is no acknowledgement');
  return { status: 'uncertain', error };
}

const statuses: Record<AckCode, number> = { AA: 200, CA: 202, AE: 422, CE: 422, AR: 500, CR: 500 };

function judgedByHttp(config: HttpDestinationConfig, answer: FarAnswer, now: number): WriteOutcome {
  if (answer === 'none' || answer === 'timeout') return httpSilence(0, config.response);
  return httpOutcomeOf(httpAnswer(answer), config, now);
}

/** A batch that is taken is answered entry by entry, as a server does; where a test gives the answer itself, by that. */
function judgedByFhir(config: FhirDestinationConfig, answer: FarAnswer, bytes: Uint8Array, now: number): WriteOutcome {
  if (answer === 'none' || answer === 'timeout') return httpSilence(0, config.response);
  let sent: FhirResource;
  try {
    sent = readResource(bytes);
  } catch (thrown) {
    return { status: 'error', error: asHubError(thrown, 'encode-failed', 'writing the request') };
  }
  const given = httpAnswer(answer);
  const isTaken = given.status < 300 && given.body.length === 0;
  const body = isTaken && isBundle(sent) && sent.type === 'batch' ? taken(sent.entry?.length ?? 0) : given.body;
  return fhirOutcomeOf(sent, { ...given, body }, config, now);
}

function httpAnswer(answer: Exclude<FarAnswer, 'none' | 'timeout'>): Answer {
  if (typeof answer === 'number') return { status: answer, headers: {}, body: Buffer.alloc(0) };
  if (answer instanceof Uint8Array) return { status: 200, headers: {}, body: Buffer.from(answer) };
  return { status: statuses[answer], headers: {}, body: Buffer.alloc(0) };
}

function taken(entries: number): Buffer {
  const entry = Array.from({ length: entries }, () => ({ response: { status: '201 Created' } }));
  return Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'batch-response', entry }));
}
