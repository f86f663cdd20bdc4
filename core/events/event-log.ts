import type { Format, Meta } from '../format.ts';

/** A named, partitioned, durable stream of events of one format. */
export interface Topic<T> {
  /** `clinical.patient.v1` */
  readonly name: string;
  readonly format: Format<T>;
  /** Fixed at first use: events of one key are in one partition, in order. */
  readonly partitions: number;
  readonly retentionMs: number;
}

export interface NewEvent {
  readonly key: string;
  readonly value: Uint8Array;
  /** The effect id of the message it comes from: consumers that must act once dedupe on it (rule 22). */
  readonly id: string;
  readonly headers: Meta;
}

export interface StoredEvent extends NewEvent {
  readonly topic: string;
  readonly partition: number;
  /** Increases within a partition; gaps are allowed. */
  readonly offset: number;
  /** Milliseconds since the epoch, when it was appended. */
  readonly at: number;
}

export interface EventBatch {
  readonly partition: number;
  /** At least one, in offset order, of one partition. */
  readonly events: readonly [StoredEvent, ...StoredEvent[]];
}

export interface ConsumeOptions {
  readonly topic: string;
  /** Members of a group share its partitions and its offsets. */
  readonly group: string;
  /** Events in one batch, at the most. */
  readonly maxBatch: number;
  /** Where a group without offsets starts: decided at its first `consume` and kept, so a restart skips nothing. */
  readonly from: 'earliest' | 'latest';
  /**
   * Where one hub at a time reads as this group, under a lease: the same name at each that takes it. The one that reads under it last has
   * the partitions at once, and need not wait until the one before counts as dead.
   */
  readonly holder?: string | undefined;
  readonly signal: AbortSignal;
}

/** Publishes for whoever has a lease, until it is closed. */
export interface LeasedPublisher extends AsyncDisposable {
  /**
   * As `EventLog.publish`. Rejects with `not-allowed`, scope destination, once another hub has published under the same name; called again
   * after that, it is this one that has the name. `mayBegin` is asked right before each request: once it is false, nothing more goes
   * out, and it rejects.
   */
  publish(topic: string, events: readonly NewEvent[], mayBegin: () => boolean): Promise<void>;
}

export interface TopicStatus {
  readonly topic: string;
  readonly partitions: number;
  readonly events: number;
  /** Events not yet committed, for each group. */
  readonly lag: Readonly<Record<string, number>>;
}

/** Durable topics. The embedded one lives in a file of the hub, the other one is Kafka. */
export interface EventLog extends AsyncDisposable {
  /**
   * Creates the topic, or checks that it is as declared; another retention replaces the one it had. Throws HubError
   * `config-invalid` when its partitions differ.
   */
  declare(topic: Omit<Topic<unknown>, 'format'>): Promise<void>;
  /**
   * Resolves when every event is durable (fsync, acks=all), all of them or none; events of one key keep the order of the calls.
   * Throws HubError `event-log-failed` (transient, scope destination) or `not-found` for an undeclared topic.
   */
  publish(topic: string, events: readonly NewEvent[]): Promise<void>;
  /**
   * A way to publish that the log itself refuses to whoever had the lease before (rule 30). `holder` is the same name at each hub that
   * takes it. Absent where one process alone has the log.
   */
  publisherOf?(holder: string): LeasedPublisher;
  /**
   * Hands batches to `handler` until `signal` aborts, one batch per partition at a time, in offset order. A batch's offset is
   * committed when the handler resolves: at least once. When it rejects, the same events come again after a backoff.
   * A consumer below the oldest event that retention has left goes on from that one.
   * Resolves after the last handler has ended and its offset is committed. Rejects with `not-found` for an undeclared topic, and
   * with `event-log-failed` when that last commit failed or the log is lost; failures that can pass are tried again.
   */
  consume(options: ConsumeOptions, handler: (batch: EventBatch) => Promise<void>): Promise<void>;
  status(): Promise<readonly TopicStatus[]>;
}
