import { once } from 'node:events';
import type { Transferable, Worker } from 'node:worker_threads';
import { type ErrorRecord, fromRecord, HubError } from '../../errors.ts';

interface Pending {
  resolve(value: never): void;
  reject(error: HubError): void;
}

/** A thread of the store, and the calls that wait for its answers. When it ends, so do they: with `store-failed`. */
export class Link {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #ended: HubError | undefined;
  #idle: (() => void) | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('error', (cause) =>
      this.#end(new HubError('store-failed', 'transient', 'a thread of the message store crashed', { cause })),
    );
    worker.on('exit', () => this.#end(new HubError('store-failed', 'transient', 'the message store is closed')));
  }

  /** Resolves with what the thread says when it is ready; rejects with what it says went wrong. */
  async opened<T>(): Promise<T> {
    const [said] = (await once(this.#worker, 'message')) as [{ opened?: T; failed?: ErrorRecord }];
    if (said.failed) throw fromRecord(said.failed);
    return said.opened as T;
  }

  /** Hands `id` out to a new call; undefined id where the thread has ended. */
  add<T>(start: (id: number) => void): Promise<T> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = (this.#lastId = (this.#lastId + 1) >>> 0);
    return new Promise<T>((resolve, reject) => {
      start(id);
      this.#pending.set(id, { resolve, reject });
    });
  }

  post(message: unknown, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  resolve(id: number, value: unknown): void {
    this.#pending.get(id)?.resolve(value as never);
    this.#settled(id);
  }

  reject(id: number, error: ErrorRecord): void {
    this.#pending.get(id)?.reject(fromRecord(error));
    this.#settled(id);
  }

  /** Refuses new calls, waits for the answers of the others, and for the thread's end. */
  async close(): Promise<void> {
    this.#ended ??= new HubError('store-failed', 'transient', 'the message store is closed');
    if (this.#pending.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    const exit = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    if (this.#worker.threadId === -1) return;
    this.post('close');
    await exit;
  }

  #settled(id: number): void {
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#idle?.();
  }

  #end(error: HubError): void {
    this.#ended ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#idle?.();
  }
}
