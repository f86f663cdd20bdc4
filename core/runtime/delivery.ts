import type { AckPoint, Receipt } from '../outcome.ts';
import type { Delivery } from '../source.ts';

type Done = (index: number, receipt: Receipt) => void;
const points = ['stored', 'transformed', 'settled'] as const;

/** The receipts of one `accept`, kept until somebody asks for them. */
export class BatchDelivery implements Delivery {
  readonly #size: number;
  readonly #onError: (thrown: unknown) => void;
  readonly #reached: Record<AckPoint, (Receipt | undefined)[]>;
  readonly #listeners: Partial<Record<AckPoint, Done[]>> = {};
  /** Somebody waits for more than `stored`: the runtime must keep the way back to this delivery. */
  late = false;

  constructor(size: number, onError: (thrown: unknown) => void) {
    this.#size = size;
    this.#onError = onError;
    this.#reached = { stored: [], transformed: [], settled: [] };
  }

  /** Whether everybody who asked has been told, once `stored` is reached: whoever asks in time asks for all that they want to know. */
  isOver(lastPoint: AckPoint): boolean {
    return lastPoint === 'stored' && !this.late && this.#listeners.stored !== undefined;
  }

  on(point: AckPoint, done: Done): void {
    if (point !== 'stored') this.late = true;
    (this.#listeners[point] ??= []).push(done);
    this.#reached[point].forEach((receipt, index) => {
      if (receipt) this.#call(done, index, receipt);
    });
  }

  receipts(point: AckPoint = 'settled'): Promise<readonly Receipt[]> {
    return new Promise((resolve) => {
      const all: Receipt[] = [];
      let open = this.#size;
      if (open === 0) resolve(all);
      this.on(point, (index, receipt) => {
        all[index] = receipt;
        open -= 1;
        if (open === 0) resolve(all);
      });
    });
  }

  /** The arrival has reached `point`. Points that it skipped on the way (a failure, a filter) are reached with it. */
  reach(point: AckPoint, index: number, receipt: Receipt): void {
    for (const each of points) {
      if (this.#reached[each][index] === undefined) {
        this.#reached[each][index] = receipt;
        const listeners = this.#listeners[each];
        if (listeners) for (const done of listeners) this.#call(done, index, receipt);
      }
      if (each === point) return;
    }
  }

  #call(done: Done, index: number, receipt: Receipt): void {
    try {
      done(index, receipt);
    } catch (thrown) {
      this.#onError(thrown);
    }
  }
}
