import type { Transferable } from 'node:worker_threads';
import { Worker } from 'node:worker_threads';
import { HubError } from '../../errors.ts';
import type { Answer, Request } from './calls.ts';

/** The functions a thread serves: one argument, and a result that the structured clone algorithm can copy. */
export type Calls<C> = { readonly [K in keyof C]: (argument: never) => unknown };

/** A worker thread whose functions are called from here. */
export class CallThread<C extends Calls<C>> {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<unknown>[] = [];
  readonly #exited: Promise<void>;
  #lost: HubError | undefined;

  constructor(module: URL, name: string) {
    // The flags of this process (a test runner's, a debugger's) are not for the thread.
    this.#worker = new Worker(module, { name, execArgv: [] });
    this.#worker.on('message', (answer: Answer) => {
      const call = this.#waiting.shift();
      if ('value' in answer) call?.resolve(answer.value);
      else {
        const { code, kind, message } = answer.error;
        call?.reject(new HubError(code, kind, message, { scope: 'destination' }));
      }
    });
    this.#worker.on('error', (cause) => this.#lose(`the ${name} thread failed`, cause));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#lose(`the ${name} thread has ended`);
        resolve();
      });
    });
  }

  /** Resolves with what the function returns. Rejects with its HubError, or `event-log-failed` (permanent) when the thread is gone. */
  async call<K extends keyof C & string>(
    name: K,
    argument: Parameters<C[K]>[0],
    transfer: readonly Transferable[] = [],
  ): Promise<ReturnType<C[K]>> {
    if (this.#lost) throw this.#lost;
    const request: Request = { name, argument };
    this.#worker.postMessage(request, transfer);
    const call = Promise.withResolvers<unknown>();
    this.#waiting.push(call);
    return (await call.promise) as ReturnType<C[K]>;
  }

  /** Resolves when the thread has ended; call its `close` first. */
  async end(): Promise<void> {
    await this.#worker.terminate();
    await this.#exited;
  }

  #lose(what: string, cause?: unknown): void {
    this.#lost ??= new HubError('event-log-failed', 'permanent', `calling the event log: ${what}`, {
      cause,
      scope: 'destination',
    });
    for (const call of this.#waiting.splice(0)) call.reject(this.#lost);
  }
}
