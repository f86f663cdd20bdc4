import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { FromChild, ToChild } from './parent.ts';

export interface Memory {
  /** Resident now, megabytes, threads included. */
  readonly rss: number;
  /** The most that was ever resident, megabytes. */
  readonly peak: number;
}

/** A program of this folder in a process of its own that answers questions; it ends with this process. */
export class Child {
  readonly #process: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #exit: Promise<unknown>;
  #asked = 0;

  /** Of the process: for what /proc tells. */
  get processId(): number {
    return this.#process.pid!;
  }

  /** Starts the program; `ready` tells when it is. `nodeArguments` go before its name, e.g. `--cpu-prof`. */
  constructor(program: string, settings: object, nodeArguments: readonly string[] = []) {
    this.#process = fork(new URL(program, import.meta.url), [JSON.stringify(settings)], {
      execArgv: [...nodeArguments],
    });
    this.#exit = once(this.#process, 'exit');
    this.#process.on('exit', (code, signal) => {
      const error = new Error(`${program} ended (${signal ?? code})`);
      this.#ready.reject(error);
      for (const { reject } of this.#open.values()) reject(error);
      this.#open.clear();
    });
    this.#process.on('message', (message: FromChild) => this.#receive(message));
    // Whoever waits for neither is one who kills it.
    this.#ready.promise.catch(() => undefined);
  }

  /** Resolves when the program says that it is ready; rejects when it ends before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Rejects when the program fails to answer, or ends. */
  ask<A>(question: string, argument?: unknown): Promise<A> {
    const answer = Promise.withResolvers<unknown>();
    const id = this.#asked++;
    this.#open.set(id, answer);
    if (this.#process.connected) this.#process.send({ id, question, argument } satisfies ToChild);
    else answer.reject(new Error('the program has ended'));
    return answer.promise as Promise<A>;
  }

  memory(): Memory {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
    return { rss: megabytes('VmRSS'), peak: megabytes('VmHWM') };
  }

  /** Ends it at once (SIGKILL) and resolves when it is gone. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exit;
  }

  /** Asks it to end, and kills it when it has not after ten seconds. */
  async stop(): Promise<void> {
    this.ask('stop').catch(() => undefined);
    const late = setTimeout(() => this.#process.kill('SIGKILL'), 10_000);
    await this.#exit;
    clearTimeout(late);
  }

  #receive(message: FromChild): void {
    if ('ready' in message) {
      this.#ready.resolve();
      return;
    }
    const answer = this.#open.get(message.id);
    this.#open.delete(message.id);
    if (message.error === undefined) answer?.resolve(message.value);
    else answer?.reject(new Error(message.error));
  }
}
