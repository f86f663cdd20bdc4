import type { Meta } from '../format.ts';

/** How far a service has come in one partition. */
export interface Cursor {
  readonly topic: string;
  readonly partition: number;
  readonly next: number;
  /** When the last event before `next` was appended: an event below `next` that is newer is of a topic that was made anew. */
  readonly at: number;
}

/** Of one service: what is changed, all of it or nothing. */
export interface ServiceCommit {
  /** `text` undefined: it is removed. */
  readonly documents: readonly {
    readonly collection: string;
    readonly key: string;
    readonly text: string | undefined;
  }[];
  readonly cursors: readonly Cursor[];
  /** Ids of the events, none of which is known, and the generation they are remembered in. */
  readonly ids: readonly string[];
  readonly generation: number;
  readonly outbox: readonly OutboxRow[];
  /** Rows of the outbox up to this one have been published, and go. */
  readonly publishedUpTo: number;
}

/** An event on its way to its topic. */
export interface OutboxRow {
  /** From 1, without gaps where nothing failed. */
  readonly seq: number;
  readonly topic: string;
  readonly key: string;
  readonly headers: Meta;
  readonly value: Uint8Array;
}

/** What a service knew when it ended. */
export interface ServiceImage {
  /** Another one where the store was made anew: ids of published events begin with it. */
  readonly instance: string;
  readonly documents: readonly { readonly collection: string; readonly key: string; readonly text: string }[];
  readonly cursors: readonly Cursor[];
  readonly outbox: readonly OutboxRow[];
  /** The highest seq that the outbox ever gave out. */
  readonly lastSeq: number;
}

/** One run of a service on its store. */
export interface ServiceSession {
  readonly image: ServiceImage;
  /** Which of these ids are remembered in the generation or the one before it. */
  known(ids: readonly string[], generation: number): Promise<readonly string[]>;
  /**
   * Resolves when it is durable. Rejects with HubError `lease-lost` once the service was opened anew, here or at another hub; nothing
   * is changed then. After any other rejection nobody knows: the service has to be opened anew. Ids of generations before the last
   * are forgotten step by step.
   */
  commit(commit: ServiceCommit): Promise<void>;
  close(): Promise<void>;
}

/** Where services keep what they know: SQLite in the hub's state folder, or the PostgreSQL of the message store. */
export interface ServiceStore extends AsyncDisposable {
  /** Whoever has the service open commits no more. Throws HubError `store-failed`. */
  open(service: string): Promise<ServiceSession>;
}
