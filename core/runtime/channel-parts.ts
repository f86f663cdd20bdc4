import type { ChannelDefinition, ChannelOptions } from '../channel.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Clock, ComponentContext, ConnectionState, Log } from '../component.ts';
import { describeThrown, type ErrorRecord, errorRecord, type HubError } from '../errors.ts';
import type { MessageStore } from '../store/message-store.ts';
import { AnswersOfOthers } from './answers-of-others.ts';
import { Backlog } from './backlog.ts';
import { isAwaited } from './behind.ts';
import { ChannelDestinations } from './channel-destinations.ts';
import { ChannelLease } from './channel-lease.ts';
import type { ChannelServices } from './channel-services.ts';
import { ChannelSource } from './channel-source.ts';
import { type ChannelEvent, type ChannelState, nextState } from './channel-state.ts';
import { ChannelWork } from './channel-work.ts';
import { compile } from './compile.ts';
import type { CompiledChannel } from './compiled.ts';
import { componentContext } from './component-contexts.ts';
import type { BatchDelivery } from './delivery.ts';
import { type DuplicateOf, Duplicates } from './duplicates.ts';
import { Entrances } from './entrances.ts';
import { FindingCounts } from './finding-counts.ts';
import { ChannelIntake } from './intake.ts';
import { rowNotice } from './notices.ts';
import { Pipeline } from './pipeline.ts';
import { processingRefusal } from './processing-refusal.ts';
import { Room } from './room.ts';
import type { Slot } from './slot.ts';
import { Turns } from './turns.ts';
import type { Work } from './work.ts';

/**
 * What a channel is made of, and what the parts have in common. Each part says in its host what it asks of the others; they all have
 * this one, and none asks before all are there.
 */
export class ChannelParts {
  readonly channel: string;
  readonly services: ChannelServices;
  readonly store: MessageStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly cluster: Cluster | undefined;
  /** Beginning and ending work, in turn. */
  readonly turns = new Turns();
  readonly counters = new Map<string, number>();
  readonly findings = new FindingCounts();
  compiled: CompiledChannel;
  state: ChannelState = 'stopped';
  error: ErrorRecord | undefined;
  lastReceivedAt: number | undefined;
  drain = new AbortController();
  halt = new AbortController();

  readonly backlog: Backlog;
  readonly destinations: ChannelDestinations;
  readonly pipeline: Pipeline;
  readonly duplicates: Duplicates;
  readonly entrances: Entrances;
  readonly elsewhere: AnswersOfOthers;
  readonly room: Room;
  readonly intake: ChannelIntake;
  readonly source: ChannelSource;
  readonly work: ChannelWork;
  readonly lease: ChannelLease;

  constructor(definition: ChannelDefinition, version: string, services: ChannelServices) {
    this.channel = definition.name;
    this.services = services;
    this.store = services.store;
    this.clock = services.clock;
    this.log = services.log;
    this.cluster = services.cluster;
    this.compiled = compile(definition, version);
    this.backlog = new Backlog(this);
    this.destinations = new ChannelDestinations(this);
    this.pipeline = new Pipeline(this.compiled, this);
    this.duplicates = new Duplicates(this);
    this.entrances = new Entrances(this);
    this.elsewhere = new AnswersOfOthers(this);
    this.room = new Room(this);
    this.intake = new ChannelIntake(this);
    this.source = new ChannelSource(this);
    this.work = new ChannelWork(this);
    this.lease = new ChannelLease(this);
  }

  get options(): ChannelOptions {
    return this.compiled.definition.options;
  }
  get isUp(): boolean {
    return this.state === 'running' || this.state === 'paused';
  }

  draining(): boolean {
    return this.drain.signal.aborted;
  }
  halted(): boolean {
    return this.halt.signal.aborted;
  }

  event(event: ChannelEvent): void {
    this.state = nextState(this.state, event);
  }

  count(name: string, by = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + by);
  }

  /** @param definition the one that the component is of */
  context(
    report: (state: ConnectionState, connections?: number) => void,
    { deviceProfiles }: ChannelDefinition,
  ): ComponentContext {
    const services = {
      ...this.services,
      deviceProfile: (name: string) => deviceProfiles?.get(name),
      count: (name: string, by?: number) => this.count(name, by),
    };
    return componentContext(this.channel, services, report);
  }

  // --- messages -----------------------------------------------------------------------------------------------------------

  /** Why a message is not for this hub. */
  refusal(raw: Uint8Array): HubError | undefined {
    const processing = this.services.processing();
    const error = processing && processingRefusal(this.compiled.format, processing, raw);
    if (error) this.count('processing_refused_total');
    return error;
  }

  /** This hub has stored messages: they begin their first pass, or another hub begins it. */
  stored(slots: readonly Slot[]): void {
    this.lastReceivedAt = this.clock.now();
    if (this.halted()) {
      // Too late for this run of the channel: the next one finds them in the store.
      for (const slot of slots)
        slot.delivery?.reach('settled', slot.index, { id: slot.id, outcome: { status: 'draining' } });
    } else if (this.lease.takes) this.backlog.add(slots);
    else {
      for (const { id, seq, delivery, index } of slots)
        if (isAwaited(delivery, this.options)) this.elsewhere.wait({ id, seq, delivery, index }, false);
      this.room.storedForOthers(slots);
    }
  }

  duplicate(of: DuplicateOf, delivery: BatchDelivery, index: number): void {
    this.count('duplicates_total');
    void this.duplicates.answer(of, delivery, index);
  }

  found({ findings = [], id, receivedAt, error }: Slot): void {
    this.findings.note(findings, id, receivedAt);
    this.count('validation_findings_total', findings.length);
    this.count(error ? 'validation_rejected_total' : 'validation_reported_total');
  }

  roomAgain(): void {
    this.intake.wake();
  }

  /** After a change of rows that no dispatcher made. */
  rowsChanged(
    destination: string,
    changed: readonly { readonly seq: number; readonly n: number; readonly ready: boolean }[],
  ): void {
    if (this.cluster && !this.work.current) {
      const rows = changed.map(({ seq, n, ready }) => rowNotice(this.channel, destination, seq, n, ready));
      this.cluster.announce(...rows).catch((thrown: unknown) => {
        this.log.warn({ channel: this.channel, error: describeThrown(thrown) }, 'telling other hubs failed');
      });
      return;
    }
    this.destinations.dispatchers.get(destination)?.rowsChanged(changed);
    this.room.recountSoon();
  }

  // --- ends ---------------------------------------------------------------------------------------------------------------

  leaseLost(): void {
    this.lease.refused();
  }

  endWork(work: Work): Promise<number> {
    return this.work.end(work, () => {
      if (this.draining()) this.deadline();
      else work.over.abort();
    });
  }

  /** The end of a drain: late receipts resolve `draining`, writes are aborted, sources return. */
  deadline(): void {
    if (this.halted()) return;
    this.pipeline.answers.abandon(this.backlog.live.all());
    this.backlog.abandon();
    this.halt.abort();
    this.work.current?.over.abort();
    this.elsewhere.abandon();
  }

  sourceWorks(): void {
    this.error = undefined;
  }

  sourceFailed(error: HubError): void {
    this.error = errorRecord(error);
    if (error.kind === 'permanent') this.event('fail');
  }

  takeoverFailed(error: HubError): void {
    this.error = errorRecord(error);
  }
}
