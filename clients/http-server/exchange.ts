import type { IncomingMessage } from 'node:http';
import { asHubError, type HubError } from '../../core/errors.ts';
import type { Arrival } from '../../core/message.ts';
import type { Delivery, Intake, Life, SourceContext } from '../../core/source.ts';
import { readBody } from './body.ts';
import type { BufferBudget } from './buffered.ts';
import type { ListeningConfig } from './config.ts';
import { comeAgain, Gone, Refusal } from './refusal.ts';
import type { Room } from './room.ts';
import type { Admitted, Answer, HttpService, Taken } from './service.ts';

/** So long a request waits for room before its sender is told to come again: less than the 30 s that senders wait. */
const ROOM_MS = 20_000;

/** What the connections of one source share. */
export interface Shared {
  readonly service: HttpService;
  readonly config: ListeningConfig;
  /** What the names of the counters begin with. */
  readonly counters: string;
  readonly context: SourceContext;
  readonly intake: Intake;
  readonly life: Life;
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
    const { context, counters, service } = shared;
    if (thrown instanceof Refusal) {
      context.count(`${counters}_refused_total`);
      return service.refused(thrown, request);
    }
    const error = asHubError(thrown, 'store-failed', 'taking a request');
    context.log.error({ channel: context.channel, error: error.message }, 'a request could not be taken');
    return service.refused(new Refusal(500, 'the request could not be taken'), request);
  }
}

async function taken(request: IncomingMessage, peer: string, shared: Shared, goOn: () => void): Promise<Answer> {
  const admitted = shared.service.admit(request, peer);
  if ('status' in admitted) return admitted;
  const { delivery, answer } = await handedOver(request, admitted, shared, goOn);
  return answer(await unlessAborted(delivery.receipts(shared.context.ackAfter), shared.life.halt));
}

/** The body is let go with the end of this: from then on it is the channel's. */
async function handedOver(
  request: IncomingMessage,
  admitted: Admitted,
  shared: Shared,
  goOn: () => void,
): Promise<Pick<Taken, 'answer'> & { readonly delivery: Delivery }> {
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
  const { arrivals, answer } = await admitted.read(body);
  patience.handOver();
  patience.until(ROOM_MS, full);
  return { delivery: await accepted(arrivals, signal, shared), answer };
}

async function accepted(
  arrivals: readonly Arrival[],
  signal: AbortSignal,
  { intake, room, context, config, counters }: Shared,
): Promise<Delivery> {
  try {
    return await room.during(() => intake.accept(arrivals, signal));
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    const error: HubError = asHubError(thrown, 'store-failed', 'handing messages to the channel', 'transient');
    if (error.code !== 'draining') context.count(`${counters}_unstored_total`, arrivals.length);
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
