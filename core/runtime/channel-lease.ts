import type { ChannelOptions } from '../channel.ts';
import { type Cluster, leaseOf } from '../cluster/cluster.ts';
import type { Grant, LeaseHolder } from '../cluster/lease-keeper.ts';
import { fenced } from '../cluster/work-store.ts';
import { asHubError, type HubError } from '../errors.ts';
import type { AnswersOfOthers } from './answers-of-others.ts';
import { type Backlog, refillBytes } from './backlog.ts';
import type { ChannelDestinations } from './channel-destinations.ts';
import type { ChannelServices } from './channel-services.ts';
import type { ChannelSource } from './channel-source.ts';
import type { ChannelState } from './channel-state.ts';
import type { ChannelWork } from './channel-work.ts';
import type { LateAnswers } from './late-answers.ts';
import type { Turns } from './turns.ts';
import { newWork, type Work, writingUnder } from './work.ts';

export interface ChannelLeaseHost {
  readonly channel: string;
  readonly services: ChannelServices;
  readonly options: ChannelOptions;
  readonly work: ChannelWork;
  readonly backlog: Backlog;
  readonly destinations: ChannelDestinations;
  readonly source: ChannelSource;
  readonly pipeline: { readonly answers: LateAnswers };
  readonly elsewhere: AnswersOfOthers;
  /** Beginning and ending work, in turn. */
  readonly turns: Turns;
  readonly state: ChannelState;
  /** The channel has stopped here. */
  halted(): boolean;
  /** As `ChannelWork.end`, for whatever ends it. */
  endWork(work: Work): Promise<number>;
  /** It could not take over. */
  takeoverFailed(error: HubError): void;
  /** There may be room again for what comes in. */
  roomAgain(): void;
}

/** A channel's part in a cluster: its work begins and ends here as the lease comes and goes (rule 29). */
export class ChannelLease {
  readonly #host: ChannelLeaseHost;
  readonly #cluster: Cluster | undefined;
  readonly #lease: string;

  constructor(host: ChannelLeaseHost) {
    this.#host = host;
    this.#cluster = host.services.cluster;
    this.#lease = leaseOf(host.channel);
  }

  /** Whether messages that are stored here are processed here. */
  get takes(): boolean {
    return !this.#cluster || this.#host.work.takes;
  }

  /** The hub that has the channel, where there are several. */
  get hub(): string | undefined {
    const { keeper } = this.#cluster ?? {};
    return keeper && keeper.hubs.length > 1 ? keeper.holderOf(this.#lease) : undefined;
  }

  /** Another hub does what is to be done with the channel's messages, or is about to. */
  get isElsewhere(): boolean {
    return this.#cluster !== undefined && !this.#host.work.current && this.#isUp;
  }

  /** Whether it would take messages that other hubs stored, now. */
  get wantsForeign(): boolean {
    return this.#cluster !== undefined && this.#host.work.takes && this.#host.backlog.hasRoomForForeign;
  }

  get #isUp(): boolean {
    return this.#host.state === 'running' || this.#host.state === 'paused';
  }

  /** From now on this hub may have the channel. */
  want(): void {
    this.#cluster?.keeper.want(this.#lease, this.#holder());
  }

  /** Resolves when other hubs can have it. */
  async drop(): Promise<void> {
    await this.#cluster?.keeper.drop(this.#lease);
  }

  #holder(): LeaseHolder {
    const { turns } = this.#host;
    return {
      gained: (grant) => void turns.take('work', () => this.#gained(grant)),
      lost: () => this.#lost(),
      giveUp: () => turns.take('work', () => this.#giveUp()),
    };
  }

  async #gained(grant: Grant): Promise<void> {
    const { channel, services, work, source } = this.#host;
    const { store, clock, log } = services;
    const cluster = this.#cluster!;
    if (!this.#isUp) return await cluster.keeper.drop(this.#lease);
    try {
      const newest = await store.find({ channel, limit: 1 });
      const upTo = newest.messages[0]?.seq ?? -1;
      if (grant.until <= clock.monotonic()) return;
      await work.begin(newWork(fenced(store, grant, upTo), writingUnder(grant), grant.ended, upTo));
      if (!work.current || work.current.over.signal.aborted) return await this.#forget();
      if (!grant.clean) this.#tookOver(cluster);
      if (this.#host.state === 'running' && !source.isRunning) await source.start();
      log.info({ channel, epoch: grant.epoch, clean: grant.clean, ended: grant.ended }, 'this hub has the channel now');
    } catch (thrown) {
      const error = asHubError(thrown, 'store-failed', `taking over ${channel}`, 'transient');
      log.error({ channel, code: error.code, scope: error.scope }, error.message);
      this.#host.takeoverFailed(error);
      this.#dropWork();
      await this.#forget();
      await cluster.keeper.refuse(this.#lease);
    }
  }

  /** Counts what the hub that died may have sent without being able to say so. */
  #tookOver(cluster: Cluster): void {
    const { channel, work, destinations, options } = this.#host;
    const { maxInFlight } = options.limits;
    const states = [...destinations.dispatchers.keys()].map((name) => work.store.queueState(channel, name, 0));
    Promise.all([work.store.unrouted(channel, -1, maxInFlight, refillBytes), ...states]).then(
      ([unrouted, ...queues]) => {
        const ready = queues.reduce((sum, state) => sum + Math.min(state.ready, Math.ceil(maxInFlight / 2)), 0);
        cluster.maybeTwice += unrouted.length + ready;
      },
      () => undefined,
    );
  }

  /** At once: nothing is written, or sent, from here on. */
  #lost(): void {
    this.#dropWork();
    void this.#host.turns.take('work', () => this.#forget());
  }

  /** The store has refused a write because another hub has the channel. */
  refused(): void {
    const { current } = this.#host.work;
    if (!current || current.over.signal.aborted || !this.#cluster) return;
    this.#cluster.fencedWrites += 1;
    this.#lost();
    void this.#cluster.keeper.refuse(this.#lease);
  }

  /** Ends the work without a word to the store; who waits for its answers waits for those of the next hub. */
  #dropWork(): void {
    if (!this.#host.work.drop()) return;
    this.#handOver();
    this.#host.backlog.wakeIdle();
  }

  /** Drains, so that the next hub finds nothing under way. */
  async #giveUp(): Promise<void> {
    const { services, options, source } = this.#host;
    const work = this.#host.work.current;
    if (!work || work.over.signal.aborted || this.#host.halted()) return;
    work.yielding = true;
    const cancel = services.clock.timer(options.limits.drainMs, () => work.over.abort());
    try {
      if (!source.runsHere(false)) await source.stop(work.over.signal);
      await this.#host.endWork(work);
    } finally {
      cancel();
    }
    await this.#forget();
  }

  async #forget(): Promise<void> {
    const { work, source } = this.#host;
    if (!work.current) return;
    if (!source.runsHere(false)) await source.stop(AbortSignal.abort());
    this.#handOver();
    // What cannot be closed holds up no other hub.
    await work.forget().catch(() => undefined);
    this.#host.roomAgain();
  }

  /** Whoever waits for a message that is in memory waits for what another hub makes of it. */
  #handOver(): void {
    const { pipeline, backlog, elsewhere } = this.#host;
    for (const { slot, delivery, index, again } of pipeline.answers.handOver(backlog.live.all())) {
      const { id, seq, answerBy } = slot;
      elsewhere.wait({ id, seq, delivery, index }, again, answerBy);
    }
    for (const each of backlog.handOver()) elsewhere.wait(each, false);
  }
}
