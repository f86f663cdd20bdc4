import type { Meta } from '../format.ts';
import type { FeedPart } from './feed.ts';

/** What was received. `raw` and `key` are absent where content must not be looked at, or is gone. */
export interface Received {
  readonly meta: Meta;
  readonly raw?: Uint8Array;
  readonly key?: string;
}

/** Words for people: `controlId`, `ackCode`, `ackText`. They may be content. */
export type Facts = Readonly<Record<string, string>>;

/**
 * What a format's messages are found by. The index knows no format; it looks for what this finds. Nothing of it should throw:
 * what cannot be read has no identifiers.
 */
export interface Extractor {
  /** Identifiers of a message that was received, as they stand; the index normalises them. */
  received(message: Received): readonly string[];
  /** Identifiers of what one destination was, or will be, sent. */
  sent(part: FeedPart): readonly string[];
  /** Ids of the messages that this one came from through a topic of our own. */
  origins(meta: Meta): readonly string[];
  /** What of it is searched as free text. */
  text(message: Received): string;
  describe(message: Received): Facts;
  describePart(part: FeedPart): Facts;
}

/** Where a thread finds an export that makes something: it crosses threads as plain data. */
export interface ModuleExport {
  /** URL of the module. */
  readonly module: string;
  /** A function that takes `options`. */
  readonly name: string;
  readonly options: unknown;
}
