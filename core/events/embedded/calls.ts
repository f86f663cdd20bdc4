/** Where the rows of one partition lie: `stream` numbers the partitions of all topics of a file. */
export interface TopicRow {
  readonly name: string;
  readonly partitions: number;
  readonly retentionMs: number;
  /** The stream of partition 0; the others follow it. */
  readonly firstStream: number;
  /** For each partition, one past its last event. */
  readonly ends: readonly number[];
}

/** Events as columns: what crosses the thread boundary is a few flat arrays and one buffer, which is transferred. */
export interface EventColumns {
  readonly keys: string[];
  readonly ids: string[];
  /** JSON; empty for no headers. */
  readonly headers: string[];
  /** Where each value ends in `bytes`; it begins where the one before ends. */
  readonly valueEnds: number[];
  readonly bytes: ArrayBuffer;
}

export interface CommitBatch extends EventColumns {
  readonly at: number;
  readonly streams: number[];
  readonly positions: readonly GroupPosition[];
}

/** The group goes on at offset `next` of the stream. */
export interface GroupPosition {
  readonly group: string;
  readonly stream: number;
  readonly next: number;
}

export interface ReadEvents extends EventColumns {
  readonly offsets: number[];
  readonly at: number[];
}

export interface StreamEnd {
  readonly stream: number;
  readonly next: number;
}

/** What the writer thread does. Calls are served in the order in which they were made, each in a transaction of its own. */
export interface WriterCalls {
  /** Takes the lock, creates the schema where it is missing, and gives the declared topics. */
  open(directory: string): readonly TopicRow[];
  declare(topic: { readonly name: string; readonly partitions: number; readonly retentionMs: number }): TopicRow;
  /** All of the batch or nothing, durable when it returns. Gives the new ends of the streams that grew. */
  commit(batch: CommitBatch): readonly StreamEnd[];
  start(group: {
    readonly group: string;
    readonly topic: string;
    readonly from: 'earliest' | 'latest';
  }): readonly number[];
  /** Deletes at most `limit` events of one stream that are older than `before`; gives how many. */
  expire(step: { readonly stream: number; readonly before: number; readonly limit: number }): number;
}

/** What the reader thread does. It sees whatever was committed before the call. */
export interface ReaderCalls {
  open(directory: string): void;
  read(range: {
    readonly stream: number;
    readonly from: number;
    readonly limit: number;
    /** After an event that reaches this the batch ends. */
    readonly maxBytes: number;
  }): ReadEvents;
  status(): readonly StatusRow[];
}

export interface StatusRow {
  readonly topic: string;
  readonly partitions: number;
  readonly events: number;
  readonly lag: Readonly<Record<string, number>>;
}
