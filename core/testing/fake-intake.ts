import type { HubError } from '../errors.ts';
import type { Arrival } from '../message.ts';
import type { AckPoint, Receipt } from '../outcome.ts';
import type { Delivery, Intake } from '../source.ts';

/** An intake that a test plays by hand: it remembers what it was given and answers when told to. */
export interface FakeIntake extends Intake {
  /** Everything taken, in order of the calls. */
  readonly arrivals: readonly Arrival[];
  /** Arrivals for which some acknowledgement point was asked, by that point. */
  readonly asked: ReadonlyMap<AckPoint, ReadonlySet<number>>;
  /** Calls of `accept` that wait for room. */
  readonly waiting: number;
  /** Without room, `accept` takes a batch and does not resolve until there is room again. */
  setRoom(room: boolean): void;
  /** The next call of `accept` rejects with this and takes nothing. */
  refuseNext(error: HubError): void;
  /** Calls of `accept` that were refused. */
  readonly refused: number;
  /** The arrival reaches `point`, and every point before it. */
  answer(index: number, receipt: Receipt, point?: AckPoint): void;
}

export const positive: Receipt = { id: 'a-message', outcome: { status: 'sent' } };
export const negative: Receipt = {
  id: 'a-message',
  outcome: {
    status: 'error',
    error: { code: 'step-failed', kind: 'permanent', scope: 'message', message: 'transforming: refused by the test' },
  },
};
export const draining: Receipt = { outcome: { status: 'draining' } };

const points: readonly AckPoint[] = ['stored', 'transformed', 'settled'];

/** `auto` answers an arrival as soon as it is taken; for those it returns nothing for, the test calls `answer`. */
export function fakeIntake(
  auto: (arrival: Arrival, index: number) => Receipt | undefined = () => undefined,
): FakeIntake {
  const arrivals: Arrival[] = [];
  const answers = new Map<number, { readonly receipt: Receipt; readonly reached: number }>();
  const listeners: { at: number; index: number; tell: (receipt: Receipt) => void }[] = [];
  const asked = new Map<AckPoint, Set<number>>(points.map((point) => [point, new Set<number>()]));
  const refusals: HubError[] = [];
  const waiters = new Set<() => void>();
  let room = true;
  let refused = 0;

  const answer = (index: number, receipt: Receipt, point: AckPoint = 'settled'): void => {
    if (index >= arrivals.length) throw new Error(`there is no arrival ${index} yet`);
    const reached = points.indexOf(point);
    answers.set(index, { receipt, reached });
    const due = listeners.filter((listener) => listener.index === index && listener.at <= reached);
    for (const listener of due) {
      listeners.splice(listeners.indexOf(listener), 1);
      listener.tell(receipt);
    }
  };

  const take = (batch: readonly Arrival[]): Delivery => {
    const first = arrivals.length;
    for (const arrival of batch) arrivals.push(arrival);
    for (let at = 0; at < batch.length; at++) {
      const receipt = auto(batch[at]!, first + at);
      if (receipt) answer(first + at, receipt);
    }
    return {
      on(point, done) {
        for (let at = 0; at < batch.length; at++) {
          const index = first + at;
          asked.get(point)!.add(index);
          const known = answers.get(index);
          if (known && known.reached >= points.indexOf(point)) done(at, known.receipt);
          else listeners.push({ at: points.indexOf(point), index, tell: (receipt) => done(at, receipt) });
        }
      },
      receipts(point = 'stored') {
        const receipts: Receipt[] = [];
        let open = batch.length;
        const { promise, resolve } = Promise.withResolvers<readonly Receipt[]>();
        if (open === 0) resolve(receipts);
        this.on(point, (at, receipt) => {
          receipts[at] = receipt;
          if (--open === 0) resolve(receipts);
        });
        return promise;
      },
    };
  };

  return {
    arrivals,
    asked,
    answer,
    get waiting() {
      return waiters.size;
    },
    get refused() {
      return refused;
    },
    setRoom(next) {
      room = next;
      if (room) for (const wake of waiters) wake();
    },
    refuseNext: (error) => void refusals.push(error),
    async accept(batch, signal) {
      signal.throwIfAborted();
      const refusal = refusals.shift();
      if (refusal) {
        refused++;
        throw refusal;
      }
      const delivery = take(batch);
      if (!room) await roomAgain(waiters, signal);
      return delivery;
    },
    tryAccept: (batch) => (room && refusals.length === 0 ? take(batch) : undefined),
  };
}

function roomAgain(waiters: Set<() => void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const wake = (): void => end(resolve);
  const abort = (): void => end(() => reject(signal.reason));
  const end = (settle: () => void): void => {
    waiters.delete(wake);
    signal.removeEventListener('abort', abort);
    settle();
  };
  waiters.add(wake);
  signal.addEventListener('abort', abort);
  return promise;
}
