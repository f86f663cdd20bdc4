import type { ChannelDefinition } from '../channel.ts';
import { leaseOf } from '../cluster/cluster.ts';
import type { ComponentContext, ConnectionState } from '../component.ts';
import type { HubError } from '../errors.ts';
import type { Intake } from '../source.ts';
import type { ChannelServices } from './channel-services.ts';
import type { CompiledChannel } from './compiled.ts';
import type { ConnectionStatus } from './engine.ts';
import { SourceRunner } from './source-runner.ts';

export interface ChannelSourceHost {
  readonly channel: string;
  readonly services: ChannelServices;
  readonly compiled: CompiledChannel;
  readonly intake: Intake;
  context(
    report: (state: ConnectionState, connections?: number) => void,
    definition: ChannelDefinition,
  ): ComponentContext;
  /** It ended by itself. */
  sourceFailed(error: HubError): void;
  /** It is at work, as far as it says. */
  sourceWorks(): void;
}

/** The source of a channel: its component, started and stopped as often as need be, and the sockets it listens on. */
export class ChannelSource {
  status: ConnectionStatus = { state: 'stopped' };
  readonly #host: ChannelSourceHost;
  #runner: SourceRunner | undefined;

  constructor(host: ChannelSourceHost) {
    this.#host = host;
  }

  get #definition(): ChannelDefinition {
    return this.#host.compiled.definition;
  }

  get isRunning(): boolean {
    return this.#runner !== undefined;
  }

  /** Sources that listen run on every hub, others on the one that has the channel: what they read is there once. */
  runsHere(withChannel: boolean): boolean {
    if (!this.#host.services.cluster || withChannel) return true;
    const { source, options } = this.#definition;
    if (options.placement !== undefined) return options.placement === 'every';
    // The answer of another hub comes out of the store: it has to be kept there, and a question has no time for it.
    if (options.mode === 'query' || (options.replyFrom !== undefined && options.content !== 'full')) return false;
    return this.#listens(source.resources).length > 0;
  }

  /** Throws HubError where a port that it listens on cannot be had. */
  async start(): Promise<void> {
    const { channel, services, intake } = this.#host;
    const { clock, random, log } = services;
    // A port that cannot be had is known before the channel counts as started.
    for (const endpoint of this.#listens(this.#definition.source.resources)) await services.listen(endpoint);
    this.#runner = new SourceRunner({
      ...{ channel, clock, random, log, intake },
      create: () => this.#definition.source.create(this.#context()),
      failed: (error) => {
        if (error.kind !== 'permanent') this.status = { state: 'retrying' };
        this.#host.sourceFailed(error);
      },
    });
  }

  /** Drains it; when `halt` aborts it returns at once. */
  async stop(halt: AbortSignal): Promise<void> {
    await this.#runner?.stop(halt);
    this.#runner = undefined;
    this.status = { state: 'stopped' };
  }

  /** Closes the sockets of a definition that another one does not listen on. */
  async unlisten({ source }: ChannelDefinition, next?: ChannelDefinition): Promise<void> {
    const kept = next?.source.resources ?? [];
    await this.#host.services.unlisten(this.#listens(source.resources.filter((each) => !kept.includes(each))));
  }

  #listens(resources: readonly string[]): readonly string[] {
    return resources
      .filter((each) => each.startsWith('endpoint:'))
      .map((each) => each.slice('endpoint:'.length))
      .filter((name) => this.#host.services.endpoint(name)?.kind === 'tcp-listen');
  }

  #context() {
    const { services } = this.#host;
    const context = this.#host.context((state, connections) => {
      this.status = connections === undefined ? { state } : { state, connections };
      if (state !== 'retrying') this.#host.sourceWorks();
    }, this.#definition);
    const { channel } = this.#host;
    return {
      ...context,
      lease: services.cluster && !this.runsHere(false) ? leaseOf(channel) : undefined,
      ackAfter: this.#definition.options.ackAfter,
      listen: (endpoint: string) => services.listen(endpoint),
      events: services.events,
    };
  }
}
