import { describeThrown, HubError } from '../../core/errors.ts';
import { backoff } from '../../core/runtime/backoff.ts';
import type { Engine } from '../../core/runtime/engine.ts';
import type { ServiceDefinition } from '../../core/service.ts';
import { ServiceRunner, type ServiceRunnerOptions } from '../../core/services/service-runner.ts';
import type { ServiceStore } from '../../core/services/service-store.ts';

export interface ServiceOfOneOptions<T> extends Omit<ServiceRunnerOptions, 'store'> {
  readonly definition: ServiceDefinition<T>;
  readonly engine: Pick<Engine, 'store' | 'ofOne'>;
  /** Opened when this hub is the one that runs the service. */
  openStore(): Promise<ServiceStore>;
}

const firstWaitMs = 1_000;
const longestWaitMs = 10_000;

/**
 * A service of hubs that share a store: one of them runs it, by a lease, and another one goes on when that is gone. Where it cannot begin,
 * or was opened elsewhere, it is tried again as long as this hub has the lease.
 */
export class ServiceOfOne<T> implements AsyncDisposable {
  readonly #options: ServiceOfOneOptions<T>;
  readonly #work: string;
  #begun: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #runner: ServiceRunner<T> | undefined;
  #stopped = false;

  constructor(options: ServiceOfOneOptions<T>) {
    this.#options = options;
    this.#work = `service/${options.definition.name}`;
  }

  /** Makes its topics known: channels that read them may start before it does. */
  async declare(): Promise<void> {
    const { definition, events } = this.#options;
    for (const topic of [...definition.consumes, ...definition.publishes]) await events.declare(topic);
  }

  async start(): Promise<void> {
    await this.#options.engine.ofOne.share(this.#work, { begin: () => this.#begin(), end: () => this.#end() });
  }

  /** Here, or undefined. */
  get runner(): ServiceRunner<T> | undefined {
    return this.#runner;
  }

  /** Throws HubError `not-allowed`, which names the hub that runs it. */
  get here(): ServiceRunner<T> {
    if (this.#runner) return this.#runner;
    const hub = this.#options.engine.ofOne.hubOf(this.#work);
    const where = hub === undefined ? 'no hub runs it at the moment' : `hub ${hub} runs it, ask it`;
    throw new HubError('not-allowed', 'transient', `asking the service ${this.#options.definition.name}: ${where}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#end();
  }

  async #begin(): Promise<void> {
    if (this.#stopped || this.#begun) return;
    const begun = new AbortController();
    this.#begun = begun;
    const first = Promise.withResolvers<void>();
    this.#running = this.#run(begun.signal, first);
    // Alone, a hub whose service cannot begin says so at its start; of several, another one may.
    if (!this.#options.engine.store.shared) await first.promise;
    else first.promise.catch(() => undefined);
  }

  async #end(): Promise<void> {
    this.#begun?.abort();
    await this.#running;
    this.#begun = undefined;
  }

  async #run(signal: AbortSignal, first: PromiseWithResolvers<void>): Promise<void> {
    const { definition, log, clock, random } = this.#options;
    const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    for (let attempt = 2; !signal.aborted; attempt++) {
      try {
        await using store = await this.#options.openStore();
        const runner = await ServiceRunner.start(definition, { ...this.#options, store });
        this.#runner = runner;
        log.info({ service: definition.name }, 'the service runs here');
        first.resolve();
        const lost = await Promise.race([ended, runner.lost]);
        this.#runner = undefined;
        await runner.close();
        if (lost) log.warn({ service: definition.name, code: lost.code }, `the service ends here: ${lost.message}`);
        attempt = 2;
      } catch (thrown) {
        first.reject(thrown);
        log.error({ service: definition.name, error: describeThrown(thrown) }, 'the service cannot run');
      }
      if (signal.aborted) return;
      const wait = backoff(attempt, firstWaitMs, longestWaitMs, random);
      await Promise.race([ended, new Promise<void>((resolve) => clock.timer(wait, resolve))]);
    }
  }
}
