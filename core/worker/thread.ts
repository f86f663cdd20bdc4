import { type Transferable, Worker, type WorkerOptions } from 'node:worker_threads';
import { describeThrown, type ErrorRecord, fromRecord, type HubError } from '../errors.ts';

/** The error of calls that a thread will not answer: `what` says what became of it. */
export type LostError = (what: string, cause?: unknown) => HubError;

export type ThreadOptions = Pick<WorkerOptions, 'workerData' | 'transferList' | 'resourceLimits'> & {
  /** As errors and debuggers name it. */
  readonly name: string;
};

/** What a thread allocates dies at once or is moved to another: a larger young generation would only be memory. */
const youngMb = 4;

interface Waiting {
  resolve(value: never): void;
  readonly read: ((answer: never) => unknown) | undefined;
  reject(error: HubError): void;
}

/**
 * A worker thread and the calls that wait for its answers. What a call looks like on its way is the caller's affair: the message
 * store writes its hot ones into a slab (`core/store/sqlite/slab.ts`), everything else goes through `CallThread`. Here is what is
 * the same for all: numbers for calls, the close, and the death of the thread, after which every call that waits and every later
 * one rejects, so that a dead thread never looks like a slow one.
 */
export class Thread {
  /** Resolves when the thread has ended without being asked to, with the error of its calls. Never resolves otherwise. */
  readonly lost: Promise<HubError>;
  readonly #worker: Worker;
  readonly #lostError: LostError;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #ended: HubError | undefined;
  #idle: (() => void) | undefined;

  /** `onMessage` hears everything that the thread posts, in order. */
  constructor(
    module: URL,
    { name, ...options }: ThreadOptions,
    lostError: LostError,
    onMessage: (message: never) => void,
  ) {
    this.#worker = new Worker(module, { name, resourceLimits: { maxYoungGenerationSizeMb: youngMb }, ...options });
    this.#lostError = lostError;
    const { promise, resolve } = Promise.withResolvers<HubError>();
    this.lost = promise;
    const lose = (what: string, cause?: unknown) => {
      const asked = this.#ended !== undefined;
      this.#ended ??= lostError(`the ${name} thread ${what}`, cause);
      this.#rejectAll(this.#ended);
      if (!asked) resolve(this.#ended);
    };
    this.#worker.on('message', (message: unknown) => onMessage(message as never));
    this.#worker.on('messageerror', (cause) => lose('sent what cannot be read', cause));
    this.#worker.on('error', (cause) => lose(`failed: ${describeThrown(cause)}`, cause));
    this.#exited = new Promise((exited) => {
      this.#worker.once('exit', () => {
        lose('has ended');
        exited();
      });
    });
  }

  /**
   * Hands `start` the number of a new call, to be posted; resolves with its answer, or what `read` makes of it (a `then` instead
   * would put it behind answers that came after it). Rejects where the thread has ended.
   */
  add<T, A = T>(start: (id: number) => void, read?: (answer: A) => T): Promise<T> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = (this.#lastId = (this.#lastId + 1) >>> 0);
    return new Promise<T>((resolve, reject) => {
      start(id);
      this.#waiting.set(id, { resolve, reject, read });
    });
  }

  post(message: unknown, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  resolve(id: number, value: unknown): void {
    const waiting = this.#waiting.get(id);
    if (waiting) waiting.resolve((waiting.read ? waiting.read(value as never) : value) as never);
    this.#settled(id);
  }

  reject(id: number, error: ErrorRecord): void {
    this.#waiting.get(id)?.reject(fromRecord(error));
    this.#settled(id);
  }

  /**
   * Refuses new calls, waits for the answers of the others, posts `close` and waits for the thread's end. Resolves, too, where the
   * thread fails at that or has ended before: what it answered it had done.
   */
  async close(): Promise<void> {
    this.#ended ??= this.#lostError('it is closed');
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.post('close');
    await this.#exited;
  }

  /** Ends the thread where it is; calls that wait reject. */
  async terminate(): Promise<void> {
    this.#ended ??= this.#lostError('it is closed');
    await this.#worker.terminate();
  }

  #settled(id: number): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#idle?.();
  }

  #rejectAll(error: HubError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#idle?.();
  }
}
