import type { Transferable } from 'node:worker_threads';
import type { ErrorRecord, HubError } from '../errors.ts';
import { type LostError, Thread, type ThreadOptions } from './thread.ts';

/** The functions a thread serves (`serve`): one argument, and a result, or a promise of one, that the structured clone algorithm can copy. */
export type Calls<C> = { readonly [K in keyof C]: (argument: never) => unknown };

export interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorRecord };

/** A worker thread whose functions are called from here, by name; it does so in call order. */
export class CallThread<C extends Calls<C>> {
  readonly #thread: Thread;

  /** `lostError` makes the error that calls reject with once the thread has ended. */
  constructor(module: URL, options: ThreadOptions, lostError: LostError) {
    this.#thread = new Thread(module, options, lostError, (answer: Answer) => {
      if ('error' in answer) this.#thread.reject(answer.id, answer.error);
      else this.#thread.resolve(answer.id, answer.value);
    });
  }

  /** See `Thread.lost`. */
  get lost(): Promise<HubError> {
    return this.#thread.lost;
  }

  /** Resolves with what the function returns, rejects with its error as a HubError. */
  call<K extends keyof C & string>(
    name: K,
    argument: Parameters<C[K]>[0],
    transfer: readonly Transferable[] = [],
  ): Promise<Awaited<ReturnType<C[K]>>> {
    return this.#thread.add((id) => this.#thread.post({ id, name, argument } satisfies Request, transfer));
  }

  /** See `Thread.close`. */
  close(): Promise<void> {
    return this.#thread.close();
  }

  terminate(): Promise<void> {
    return this.#thread.terminate();
  }
}
