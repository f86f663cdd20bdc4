import { isDeepStrictEqual } from 'node:util';
import type { ChannelDefinition } from '../channel.ts';
import { leaseOf } from '../cluster/cluster.ts';
import type { WorkStore } from '../cluster/work-store.ts';
import type { ComponentContext, ConnectionState } from '../component.ts';
import type { Destination } from '../destination.ts';
import { type ErrorRecord, HubError } from '../errors.ts';
import type { Outgoing } from '../message.ts';
import type { Part } from '../store/message-store.ts';
import type { ChannelServices } from './channel-services.ts';
import { Collector } from './collect/collector.ts';
import { companionName } from './collect/companion.ts';
import type { CompiledChannel, CompiledDestination } from './compiled.ts';
import type { Dispatch } from './dispatch/dispatch.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import type { ConnectionStatus } from './engine.ts';
import { givenMessage } from './given-message.ts';
import type { Pipeline } from './pipeline.ts';
import { withReplySteps } from './reply-steps.ts';
import { sameDevices } from './same-devices.ts';
import type { Slot } from './slot.ts';
import type { Work } from './work.ts';

export interface ChannelDestinationsHost {
  readonly channel: string;
  readonly services: ChannelServices;
  readonly compiled: CompiledChannel;
  readonly pipeline: Pick<Pipeline, 'firstPassEnded' | 'flush' | 'answers'>;
  /** What is under way: dispatchers write with its store, under its lease. */
  readonly work: { readonly current: Work | undefined; readonly store: WorkStore };
  readonly backlog: { readonly olderToCome: boolean };
  /** What it knows of the queues. */
  readonly room: { queued(bytes: number): void };
  context(
    report: (state: ConnectionState, connections?: number) => void,
    definition: ChannelDefinition,
  ): ComponentContext;
  /** The store says that another hub has the channel. */
  leaseLost(): void;
}

/** The dispatchers of a channel's destinations, while this hub has work of the channel under way. */
export class ChannelDestinations {
  readonly dispatchers = new Map<string, Dispatch>();
  readonly connections = new Map<string, ConnectionStatus>();
  readonly #host: ChannelDestinationsHost;

  constructor(host: ChannelDestinationsHost) {
    this.#host = host;
  }

  /** With whatever is in its queue. */
  async add(compiled: CompiledChannel, name: string): Promise<void> {
    const enabled = await this.#wantsEnabled(name);
    const dispatcher = this.#created(compiled, name);
    await dispatcher.restore(enabled, this.#host.backlog.olderToCome);
  }

  /** Those of another definition take over; what is in their queues stays. Those that it does not have are left to `retain`. */
  async replace(old: CompiledChannel, next: CompiledChannel): Promise<void> {
    for (const target of next.destinations) {
      const dispatcher = this.dispatchers.get(target.name);
      const before = dispatcher?.compiled.definition.to;
      const { collect } = target.definition.to;
      if (!dispatcher || !before) {
        await this.add(next, target.name);
        continue;
      }
      if (!before.collect !== !collect) {
        await this.#swap(dispatcher, next, target.name);
        continue;
      }
      const answers = old.reply ?? next.reply;
      const same =
        before.type === target.definition.to.type &&
        isDeepStrictEqual(before.config, target.definition.to.config) &&
        sameDevices(target.definition.to, old.definition, next.definition) &&
        !(answers && answersSender(target, old, next));
      await dispatcher.replace(target, same || collect ? undefined : this.#destinationOf(next, target));
    }
  }

  /** Ends those that a definition does not have. */
  async retain({ destinations }: CompiledChannel): Promise<void> {
    for (const [name, dispatcher] of this.dispatchers) {
      if (destinations.some((each) => each.name === name)) continue;
      await dispatcher.disable();
      await dispatcher.dispose();
      this.dispatchers.delete(name);
      this.connections.delete(name);
    }
  }

  /** Throws HubError `config-invalid` where a definition lacks a destination that has messages in its queue. */
  async refuseLostQueues(old: CompiledChannel, next: CompiledChannel): Promise<void> {
    const { channel, services } = this.#host;
    for (const { name } of old.destinations) {
      if (next.destinations.some((each) => each.name === name)) continue;
      const { ready, waiting, blocked } = await services.store.queueState(channel, name);
      const queued = ready + waiting + blocked;
      if (queued > 0)
        throw new HubError(
          'config-invalid',
          'permanent',
          `deploying ${channel}: destination ${name} is gone but has ${queued} queued messages`,
        );
    }
  }

  /** A destination that collects from now on, or does not any more: the queue is what the two have in common. */
  async #swap(before: Dispatch, compiled: CompiledChannel, name: string): Promise<void> {
    const enabled = await this.#wantsEnabled(name);
    await before.disable();
    const dispatcher = this.#created(compiled, name);
    // What comes from now on waits in the queue, behind what the other one had taken.
    await dispatcher.restore(false, this.#host.backlog.olderToCome);
    await this.#host.pipeline.flush();
    await before.dispose();
    if (enabled) dispatcher.enable();
  }

  /** A drain is to come. */
  end(): void {
    for (const dispatcher of this.dispatchers.values()) dispatcher.end?.();
  }

  /** Resolves when nothing of them is in memory, or `halt` aborts. */
  async drain(halt: AbortSignal): Promise<void> {
    await Promise.all([...this.dispatchers.values()].map((dispatcher) => dispatcher.drain(halt)));
  }

  /** At once: nothing goes to the store, or out, from here on. */
  abandon(): void {
    for (const dispatcher of this.dispatchers.values()) dispatcher.abandon();
  }

  /** Closes them, whatever that comes to. */
  async dispose(): Promise<void> {
    const closing = [...this.dispatchers.values()].map((dispatcher) => dispatcher.dispose());
    await Promise.allSettled(closing);
    this.dispatchers.clear();
    this.connections.clear();
    await Promise.all(closing);
  }

  olderCame(): void {
    for (const dispatcher of this.dispatchers.values()) dispatcher.olderCame();
  }

  /** After notices of other hubs were missed: the queues may have changed. */
  queuesChanged(): void {
    for (const dispatcher of this.dispatchers.values()) dispatcher.rowsChanged([{ seq: 0, n: 0, ready: true }]);
  }

  /** The holds of operators have changed, or what they are about has. */
  holdsChanged(): void {
    for (const name of this.dispatchers.keys()) this.#hold(name);
  }

  #hold(destination: string): void {
    const { channel, services, compiled } = this.#host;
    // The sender of a query waits for this answer: it is never queued.
    const isAnswer = destination === compiled.definition.options.replyFrom;
    this.dispatchers.get(destination)?.hold?.(isAnswer ? [] : services.holds(channel, destination));
  }

  /** Starts or stops one; the wish outlives the hub. */
  async switch(name: string, on: boolean): Promise<void> {
    const dispatcher = this.dispatchers.get(name);
    await this.#host.services.remember(this.#wish(name), on ? 'started' : 'stopped');
    if (on) dispatcher?.enable();
    else await dispatcher?.disable();
  }

  /** Another hub was asked to start or stop one. */
  async switchChanged(name: string): Promise<void> {
    const dispatcher = this.dispatchers.get(name);
    if (!dispatcher) return;
    const enabled = await this.#wantsEnabled(name);
    if (enabled === dispatcher.enabled) return;
    if (enabled) dispatcher.enable();
    else await dispatcher.disable();
  }

  async #wantsEnabled(name: string): Promise<boolean> {
    return (await this.#host.services.recall(this.#wish(name))) !== 'stopped';
  }

  #wish(destination: string): string {
    return `destination/${this.#host.channel}/${destination}`;
  }

  #created(compiled: CompiledChannel, name: string): Dispatch {
    const target = compiled.destinations.find((each) => each.name === name)!;
    const dispatcher = target.definition.to.collect ? this.#collector(target) : this.#dispatcher(compiled, target);
    this.dispatchers.set(name, dispatcher);
    this.#hold(name);
    return dispatcher;
  }

  #dispatcher(compiled: CompiledChannel, target: CompiledDestination): Dispatch {
    const { channel, services, pipeline, work } = this.#host;
    const { maxInFlight, maxHeldKeys } = compiled.definition.options.limits;
    return new Dispatcher(
      target,
      this.#destinationOf(compiled, target),
      {
        ...this.#dispatchHost(),
        random: services.random,
        lease: work.current!.lease,
        take: (rate, wanted) => services.rates.take(channel, target.name, rate, wanted),
        leaseLost: () => this.#host.leaseLost(),
        flush: () => void pipeline.flush(),
        stopped: (name) => void services.remember(this.#wish(name), 'stopped').catch(() => undefined),
      },
      { maxItems: Math.max(16, Math.ceil(maxInFlight / 2)), maxHeldKeys },
    );
  }

  #collector(target: CompiledDestination): Dispatch {
    const { channel, services, pipeline } = this.#host;
    return new Collector(target, {
      ...this.#dispatchHost(),
      newId: services.newId,
      flush: () => pipeline.flush(),
      send: (collection) => services.inject(companionName(channel, target.name), collection),
    });
  }

  #dispatchHost() {
    const { channel, services, work, pipeline } = this.#host;
    const { clock, log } = services;
    return {
      ...{ channel, store: work.store, clock, log },
      firstPassEnded: (slot: Slot, part: Part) => pipeline.firstPassEnded(slot, part),
      queuedEnded: (seq: number, error: ErrorRecord | undefined, reply: Uint8Array | undefined) =>
        pipeline.answers.partEnded(seq, error, reply),
      queuedBytes: (delta: number) => this.#host.room.queued(delta),
    };
  }

  #destinationOf({ reply, definition }: CompiledChannel, target: CompiledDestination): Destination<unknown> {
    const destination = target.definition.to.create(this.#contextOf(target.name, definition));
    return reply && definition.options.replyFrom === target.name ? withReplySteps(destination, reply) : destination;
  }

  #contextOf(destination: string, definition: ChannelDefinition) {
    const { channel, services } = this.#host;
    const context = this.#host.context((state, connections) => {
      this.connections.set(destination, connections === undefined ? { state } : { state, connections });
    }, definition);
    const give = (to: string, message: Outgoing<unknown>) =>
      services.give(to, givenMessage(channel, message, services));
    const lease = services.cluster && leaseOf(channel);
    return { ...context, destination, lease, events: services.events, give };
  }
}

function answersSender({ name }: CompiledDestination, ...channels: readonly CompiledChannel[]): boolean {
  return channels.some(({ definition }) => definition.options.replyFrom === name);
}
