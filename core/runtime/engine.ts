import type { ChannelDefinition } from '../channel.ts';
import type { ConnectionState } from '../component.ts';
import type { ErrorRecord } from '../errors.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Meta } from '../format.ts';
import type { Receipt } from '../outcome.ts';
import type { MessageStore, PartName, Reader } from '../store/message-store.ts';
import type { ChannelState } from './channel-state.ts';
import type { CountedFinding } from './finding-counts.ts';
import type { Holds, Jobs } from './jobs/job.ts';
import type { WorkOfOne } from './work-of-one.ts';

/** A set of definitions running on one store and one event log: what the admin API and the command line drive. */
export interface Engine extends AsyncDisposable {
  readonly store: MessageStore;
  readonly events: EventLog;

  /**
   * Puts a definition to work: a new channel starts (unless its desired state says otherwise), a running one gets the new
   * pipeline behind its listening socket. Resolves when it runs. Throws HubError `config-invalid` when it removes a destination
   * that has queued messages, or claims what another channel has; the old definition then goes on. A new channel that cannot start
   * rejects too, and stays as `failed`, with its error in the status.
   */
  deploy(definition: ChannelDefinition, version: string): Promise<void>;
  /** Drains, then forgets the channel; its messages stay in the store. Throws `not-allowed` while it has unsettled ones. */
  undeploy(channel: string): Promise<void>;

  /** Desired states persist over a restart (rule 25). `pause` stops the source only; `halt` does not wait for what is in flight. */
  start(channel: string, by: Reader): Promise<void>;
  stop(channel: string, by: Reader): Promise<StopReport>;
  pause(channel: string, by: Reader): Promise<void>;
  halt(channel: string, by: Reader): Promise<StopReport>;
  startDestination(channel: string, destination: string, by: Reader): Promise<void>;
  stopDestination(channel: string, destination: string, by: Reader): Promise<void>;

  status(): Promise<readonly ChannelStatus[]>;

  /** As if the channel's source had received it. Resolves at `settled`, or at the channel's ackAfter with `until: 'ack'`. */
  send(channel: string, raw: Uint8Array, meta: Meta, by: Reader): Promise<Receipt>;

  /**
   * Sends open dead letters (all of the message's, or one destination's) again: same id, same bytes, same effect id. Throws
   * `not-allowed` where none has bytes to send: what failed before it was encoded is replayed. Acting on a
   * message that is older than the last one sent for its key needs `confirmed`, else it throws `confirmation-needed`.
   */
  retry(
    messageId: string,
    by: Reader,
    options?: { readonly destination?: string; readonly confirmed?: boolean },
  ): Promise<ActionReport>;
  /** Processes the stored raw bytes again under the current definition: a new id, new effects, `replayOf` the old one. */
  replay(
    messageId: string,
    by: Reader,
    options?: { readonly destination?: string; readonly raw?: Uint8Array },
  ): Promise<ActionReport>;
  /** Gives up on queued parts, or closes dead letters: they count as resolved. */
  skip(messageId: string, by: Reader, options?: { readonly destination?: string }): Promise<ActionReport>;

  /** The verbs on all messages of a filter, at a rate, below live traffic. */
  readonly jobs: Jobs;
  /** Messages that operators hold back; a job releases them. */
  readonly holds: Holds;

  /** What one of the hubs on a store does for all of them. */
  readonly ofOne: Pick<WorkOfOne, 'share' | 'hubOf'>;

  /** The hubs that share the store; undefined where it is this hub's alone. */
  cluster(): ClusterStatus | undefined;

  /** What validation has found in a channel since it was started, by kind and place. Throws HubError `not-found`. */
  findings(channel: string): readonly CountedFinding[];

  /** Drains everything within the deadline, then halts. Resolves with what is left. Jobs go on at the next start. */
  close(deadlineMs: number): Promise<StopReport>;
}

export interface ClusterStatus {
  /** The name of this hub, and of those that live. */
  readonly hub: string;
  readonly hubs: readonly string[];
  /** Leases of channels, jobs and pruning that this hub has. */
  readonly leases: number;
  /** Since the start: leases taken over from hubs that had not given them up, … */
  readonly takeovers: number;
  /** … writes that the store refused because their lease was over, … */
  readonly fencedWrites: number;
  /** … messages processed here that other hubs received, … */
  readonly foreignMessages: number;
  /** … and messages that a hub which died may have sent, and that went out again. */
  readonly maybeTwice: number;
}

export interface StopReport {
  /** Messages that were in memory when the stop ended: they go on from the store at the next start. */
  readonly left: number;
  /** Of those, the ones per channel. */
  readonly channels: Readonly<Record<string, number>>;
}

export interface ActionReport {
  /** What the action applied to; empty when it had been done before. Destination `''` is the error of the message as a whole. */
  readonly parts: readonly PartName[];
  /** Of a replay: the new message. */
  readonly messageId?: string;
}

export interface ConnectionStatus {
  readonly state: ConnectionState;
  readonly connections?: number;
}

export interface ChannelStatus {
  readonly channel: string;
  /** Of a channel that sends what a destination collects: the channel of that destination. */
  readonly collectedFrom?: string;
  readonly state: ChannelState;
  /** Where several hubs share the store: the one that sends what the channel receives on any of them. */
  readonly hub?: string;
  readonly version: string;
  readonly deployedAt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly source: { readonly type: string; readonly resources: readonly string[] } & ConnectionStatus;
  /** What stopped it, or what it waits for. */
  readonly error?: ErrorRecord;
  readonly lastReceivedAt?: number;
  readonly inFlight: number;
  readonly counts: {
    readonly received: number;
    readonly filtered: number;
    readonly queued: number;
    readonly sent: number;
    readonly errored: number;
    readonly openErrors: number;
    readonly duplicates: number;
  };
  readonly destinations: readonly DestinationStatus[];
  /** Counters of components by name: `mllp_refused_total`. */
  readonly counters: Readonly<Record<string, number>>;
}

export interface DestinationStatus {
  readonly destination: string;
  readonly type: string;
  readonly enabled: boolean;
  readonly connection: ConnectionStatus;
  /** `open`: the far end is away; one probe at a time goes out. */
  readonly circuit: 'closed' | 'open';
  /** Where it has a rate. `limited`: messages wait for it; `alone`: it is counted without the other hubs, which cannot be asked. */
  readonly rate?: { readonly perSecond: number; readonly limited: boolean; readonly alone?: true };
  readonly queued: number;
  /** Age of the oldest queued message, milliseconds. */
  readonly queuedAgeMs?: number;
  /** Keys that are not free: behind a message that failed, or held back by an operator. */
  readonly heldKeys: number;
  /** Holds of operators in force here. */
  readonly holds: number;
  readonly filtered: number;
  readonly sent: number;
  readonly errored: number;
  readonly openErrors: number;
  readonly lastSentAt?: number;
  readonly error?: ErrorRecord;
}
