import { isDeepStrictEqual } from 'node:util';
import type { ChannelDefinition } from '../channel.ts';
import { asHubError, type ErrorRecord, errorRecord } from '../errors.ts';
import type { NewMessage } from '../store/message-store.ts';
import { ChannelParts } from './channel-parts.ts';
import type { ChannelServices } from './channel-services.ts';
import type { ChannelState } from './channel-state.ts';
import { compile } from './compile.ts';
import type { CompiledChannel } from './compiled.ts';
import type { BatchDelivery } from './delivery.ts';
import type { Busy, Dispatch } from './dispatch/dispatch.ts';
import type { ConnectionStatus } from './engine.ts';
import type { FindingCounts } from './finding-counts.ts';
import type { ChannelIntake } from './intake.ts';
import { sameDevices } from './same-devices.ts';
import { aborted, newWork } from './work.ts';

/** So many messages in memory are what live traffic is like while it keeps up: 3,000 a second of 10 ms each. */
const fewInFlight = 32;

/** A channel of a hub: how it stands, and the order in which its parts begin, end and change. */
export class ChannelRuntime {
  readonly name: string;
  deployedAt: number;
  readonly #parts: ChannelParts;

  constructor(definition: ChannelDefinition, version: string, services: ChannelServices) {
    this.name = definition.name;
    this.deployedAt = services.clock.now();
    this.#parts = new ChannelParts(definition, version, services);
  }

  // --- how it stands ------------------------------------------------------------------------------------------------------

  get compiled(): CompiledChannel {
    return this.#parts.compiled;
  }
  get definition(): ChannelDefinition {
    return this.#parts.compiled.definition;
  }
  get state(): ChannelState {
    return this.#parts.state;
  }
  get error(): ErrorRecord | undefined {
    return this.#parts.error;
  }
  get intake(): ChannelIntake {
    return this.#parts.intake;
  }
  get source(): ConnectionStatus {
    return this.#parts.source.status;
  }
  get dispatchers(): ReadonlyMap<string, Dispatch> {
    return this.#parts.destinations.dispatchers;
  }
  get connections(): ReadonlyMap<string, ConnectionStatus> {
    return this.#parts.destinations.connections;
  }
  get counters(): ReadonlyMap<string, number> {
    return this.#parts.counters;
  }
  /** What validation found, for whoever talks to the sender. */
  get findings(): FindingCounts {
    return this.#parts.findings;
  }
  get lastReceivedAt(): number | undefined {
    return this.#parts.lastReceivedAt;
  }
  get inFlight(): number {
    return this.#parts.backlog.live.size + this.intake.appending;
  }
  /** The hub that has the channel, where there are several. */
  get hub(): string | undefined {
    return this.#parts.lease.hub;
  }
  /** Another hub does what is to be done with its messages, or is about to. */
  get isElsewhere(): boolean {
    return this.#parts.lease.isElsewhere;
  }
  /** Whether it would take messages that other hubs stored, now. */
  get wantsForeign(): boolean {
    return this.#parts.lease.wantsForeign;
  }

  /** Why a job has to wait before it adds to this channel's work; undefined: it need not. Its own messages do not count. */
  get busy(): Busy | undefined {
    const { isUp, room, options, entrances, backlog } = this.#parts;
    if (!isUp) return 'stopped';
    if (room.isFull) return 'full';
    // How busy another hub is with it shows in how long the job's own messages take there.
    if (this.isElsewhere) return undefined;
    const few = Math.min(fewInFlight, options.limits.maxInFlight / 4);
    return backlog.isBehind || this.inFlight - entrances.replays > few ? 'live-traffic' : undefined;
  }

  // --- life ---------------------------------------------------------------------------------------------------------------

  /** Starts the dispatchers, recovery and (unless paused) the source. Throws HubError where the source's listener cannot be had. */
  async start(paused: boolean): Promise<void> {
    const parts = this.#parts;
    if (this.state === 'running' || this.state === 'starting') return;
    if (this.state === 'paused' && !paused) {
      parts.event('start');
      await this.#startSource();
      parts.event('started');
      return;
    }
    parts.event(paused ? 'pause' : 'start');
    parts.drain = new AbortController();
    parts.halt = new AbortController();
    parts.error = undefined;
    try {
      if (!parts.cluster) {
        const lease = { epoch: parts.store.epoch, until: Number.POSITIVE_INFINITY };
        await parts.work.begin(newWork(parts.store, lease, !parts.services.cleanStart, -1));
      }
      if (!paused) await this.#startSource();
      parts.event(paused ? 'pause' : 'started');
      parts.lease.want();
    } catch (thrown) {
      const error = asHubError(thrown, 'config-invalid', `starting ${this.name}`);
      parts.error = errorRecord(error);
      parts.event('fail');
      throw error;
    }
  }

  async #startSource(): Promise<void> {
    const { source, work } = this.#parts;
    if (source.runsHere(work.current !== undefined)) await source.start();
  }

  async pause(): Promise<void> {
    const { source, options } = this.#parts;
    this.#parts.event('pause');
    await source.stop(AbortSignal.timeout(options.limits.drainMs));
    await source.unlisten(this.definition);
  }

  /** Drains within `deadlineMs` (0: halts), then forgets what is in memory. Resolves with the number of messages left. */
  async stop(deadlineMs: number): Promise<number> {
    const parts = this.#parts;
    const { work, clock, turns, source, lease } = parts;
    if (this.state === 'stopped') return 0;
    parts.event(deadlineMs === 0 ? 'halt' : 'stop');
    const cancel = deadlineMs > 0 ? clock.timer(deadlineMs, () => parts.deadline()) : undefined;
    if (deadlineMs === 0) parts.deadline();
    parts.drain.abort();
    parts.roomAgain();
    const stopped = source.stop(parts.halt.signal);
    await Promise.race([stopped, aborted(parts.halt.signal)]);
    const left = await turns.take('work', async () => (work.current ? parts.endWork(work.current) : 0));
    parts.deadline();
    await stopped;
    cancel?.();
    await work.forget();
    await source.unlisten(this.definition);
    await lease.drop();
    parts.event('drained');
    return left;
  }

  /**
   * Puts a new definition to work. With the same source it takes over behind the intake and no socket closes (rule 24); a
   * message in memory ends under the definition it began with.
   */
  async replace(definition: ChannelDefinition, version: string): Promise<void> {
    await this.#parts.turns.take('work', () => this.#replace(definition, version));
  }

  async #replace(definition: ChannelDefinition, version: string): Promise<void> {
    const parts = this.#parts;
    const { source, destinations, work, isUp } = parts;
    const next = compile(definition, version);
    const old = parts.compiled;
    await destinations.refuseLostQueues(old, next);
    const sameSource =
      old.definition.source.type === definition.source.type &&
      isDeepStrictEqual(old.definition.source.config, definition.source.config) &&
      sameDevices(definition.source, old.definition, definition) &&
      old.definition.options.ackAfter === definition.options.ackAfter &&
      old.definition.options.replyFrom === definition.options.replyFrom;
    if (isUp && !sameSource) await source.stop(AbortSignal.timeout(parts.options.limits.drainMs));
    if (isUp && work.current) await destinations.replace(old, next);
    parts.compiled = next;
    parts.pipeline.compiled = next;
    this.deployedAt = parts.clock.now();
    this.holdsChanged();
    if (!isUp) return;
    await destinations.retain(next);
    if (sameSource) return;
    await source.unlisten(old.definition, definition);
    if (this.state === 'running') await this.#startSource();
  }

  // --- what comes in otherwise than by the source ----------------------------------------------------------------------------

  /** Stores a message as if it had arrived: see `Entrances`. */
  inject(message: NewMessage): Promise<BatchDelivery | undefined> {
    return this.#parts.entrances.inject(message);
  }

  /** Stores the replay of a job: see `Entrances`. */
  replay(message: NewMessage): Promise<{ readonly left: Promise<void> } | undefined> {
    return this.#parts.entrances.replay(message);
  }

  /** Other hubs have stored messages. */
  foreignStored(): void {
    if (this.#parts.work.takes) this.#parts.backlog.foreignStored();
  }

  // --- what people, or other hubs, have changed -----------------------------------------------------------------------------

  /** The holds of operators have changed, or what they are about has. */
  holdsChanged(): void {
    this.#parts.destinations.holdsChanged();
  }

  /** After notices were missed: the queues may have changed. */
  queuesChanged(): void {
    this.#parts.destinations.queuesChanged();
  }

  /** Starts or stops a destination. */
  switchDestination(name: string, on: boolean): Promise<void> {
    return this.#parts.destinations.switch(name, on);
  }

  /** Another hub was asked to start or stop a destination. */
  switchChanged(name: string): Promise<void> {
    return this.#parts.destinations.switchChanged(name);
  }

  /** After a change of rows that no dispatcher made: by people, for a repetition, for a sender that was answered negatively. */
  rowsChanged(
    destination: string,
    changed: readonly { readonly seq: number; readonly n: number; readonly ready: boolean }[],
  ): void {
    this.#parts.rowsChanged(destination, changed);
  }
}
