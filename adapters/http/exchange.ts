import type { IncomingMessage } from 'node:http';
import { asHubError, type HubError } from '../../core/errors.ts';
import type { Arrival } from '../../core/message.ts';
import type { Delivery, Intake, Life, SourceContext } from '../../core/source.ts';
import type { Header } from '../../protocols/hl7v2/header.ts';
import { type Admitted, admit } from './admission.ts';
import { type Answer, type Answers, refused } from './answers.ts';
import { arrivalsOf } from './arrivals.ts';
import { readBody } from './body.ts';
import type { BufferBudget } from './buffered.ts';
import type { Callers } from './callers.ts';
import type { HttpSourceConfig } from './config.ts';
import { comeAgain, Gone, Refusal } from './refusal.ts';
import type { Room } from './room.ts';

/** So long a request waits for room before its sender is told to come again: less than the 30 s that senders wait. */
const ROOM_MS = 20_000;

/** What the connections of one source share. */
export interface Shared {
  readonly config: HttpSourceConfig;
  readonly context: SourceContext;
  readonly intake: Intake;
  readonly life: Life;
  readonly callers: Callers | undefined;
  readonly answers: Answers;
  readonly room: Room;
  readonly budget: BufferBudget;
}

/**
 * One request, from its head to what is answered: nothing of its body is read before there is room for it.
 * @param goOn tells a sender that waits with its body (`Expect: 100-continue`) to send it
 * @returns undefined where there is nobody to answer
 */
export async function exchange(
  request: IncomingMessage,
  peer: string,
  shared: Shared,
  goOn: () => void,
): Promise<Answer | undefined> {
  try {
    return await taken(request, peer, shared, goOn);
  } catch (thrown) {
    if (thrown instanceof Gone) return undefined;
    if (thrown instanceof Refusal) {
      shared.context.count('http_refused_total');
      return refused(thrown);
    }
    const error = asHubError(thrown, 'store-failed', 'taking a request');
    shared.context.log.error({ channel: shared.context.channel, error: error.message }, 'a request could not be taken');
    return refused(new Refusal(500, 'the request could not be taken'));
  }
}

async function taken(request: IncomingMessage, peer: string, shared: Shared, goOn: () => void): Promise<Answer> {
  const admitted = admit(request, shared.config, shared.callers);
  const { delivery, acknowledge, query } = await handedOver(request, admitted, peer, shared, goOn);
  const receipts = await unlessAborted(delivery.receipts(shared.context.ackAfter), shared.life.halt);
  if (!acknowledge) return shared.answers.of(receipts);
  const { contentType, charset } = admitted;
  return shared.answers.of(receipts, {
    header: acknowledge,
    ...(query && { query }),
    contentType: charset === undefined ? contentType : `${contentType}; charset=${charset}`,
  });
}

/** The body is let go with the end of this: from then on it is the channel's. */
async function handedOver(
  request: IncomingMessage,
  admitted: Admitted,
  peer: string,
  shared: Shared,
  goOn: () => void,
): Promise<{
  readonly delivery: Delivery;
  readonly acknowledge: Header | undefined;
  /** The message, where it is a query whose response may have to say that there is no answer. */
  readonly query: Uint8Array | undefined;
}> {
  const { config, room, budget } = shared;
  using patience = new Patience(shared);
  using buffered = budget.open();
  const full = () => comeAgain(config.retryAfterMs, 'there is no room for it now');
  patience.until(ROOM_MS, full);
  await room.wait(patience.signal);
  patience.until(config.bodyTimeoutMs, () => new Refusal(408, 'the body did not come in time'));
  goOn();
  const { signal } = patience;
  const body = await readBody(request, { packed: admitted.packed, maxBytes: config.maxBodyBytes, buffered, signal });
  const { arrivals, acknowledge } = await arrivalsOf(request, body, admitted, peer, config);
  patience.handOver();
  patience.until(ROOM_MS, full);
  const query = acknowledge?.code === 'QBP' ? body : undefined;
  return { delivery: await accepted(arrivals, signal, shared), acknowledge, query };
}

async function accepted(
  arrivals: readonly Arrival[],
  signal: AbortSignal,
  { intake, room, context, config }: Shared,
): Promise<Delivery> {
  try {
    return await room.during(() => intake.accept(arrivals, signal));
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    const error: HubError = asHubError(thrown, 'store-failed', 'handing messages to the channel', 'transient');
    if (error.code !== 'draining') context.count('http_unstored_total', arrivals.length);
    if (error.kind === 'transient') throw comeAgain(config.retryAfterMs, 'nothing is taken now');
    throw error;
  }
}

/** How long one request may take at what it is doing. Its signal aborts with what its sender is to be told. */
class Patience implements Disposable {
  readonly #shared: Shared;
  readonly #over = new AbortController();
  #cancel = () => {};

  constructor(shared: Shared) {
    const { life } = shared;
    this.#shared = shared;
    life.drain.addEventListener('abort', this.#drained, { once: true });
    life.halt.addEventListener('abort', this.#halted, { once: true });
    if (life.drain.aborted) this.#drained();
    if (life.halt.aborted) this.#halted();
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** From now on so long. */
  until(afterMs: number, reason: () => Refusal): void {
    this.rest();
    this.#cancel = this.#shared.context.clock.timer(afterMs, () => this.#over.abort(reason()));
  }

  rest(): void {
    this.#cancel();
  }

  /** From here on it is the channel that says whether it still takes it. */
  handOver(): void {
    this.signal.throwIfAborted();
    this.#shared.life.drain.removeEventListener('abort', this.#drained);
  }

  [Symbol.dispose](): void {
    this.rest();
    this.#shared.life.drain.removeEventListener('abort', this.#drained);
    this.#shared.life.halt.removeEventListener('abort', this.#halted);
  }

  readonly #drained = (): void =>
    this.#over.abort(comeAgain(this.#shared.config.retryAfterMs, 'the channel is stopping'));
  readonly #halted = (): void => this.#over.abort(new Gone());
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new Gone());
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}
