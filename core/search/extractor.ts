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
  /** What stands where in a message, `PID-5.1=Berger`: every value with its place. For an index of every path. */
  places(message: Received): readonly string[];
  /** How messages are found that have `value` at `path`. Throws HubError `not-allowed` for what is no path. */
  at(path: string, value: string): AtPath;
  /** What of it is searched as free text. */
  text(message: Received): string;
  describe(message: Received): Facts;
  describePart(part: FeedPart): Facts;
}

/** A value at a path, as it is looked for. Whoever finds candidates by what is here asks `has`. */
export interface AtPath {
  /** What `places` has of every message that it is true of, as far as that is known; none where it is not. */
  readonly places: readonly string[];
  /** What the text of every message has that it is true of: the value, or a part of it that is written as it is. */
  readonly text: string;
  /** The value is among the identifiers of every message that it is true of. */
  readonly isIdentifier: boolean;
  has(message: Received): boolean;
}

/** Where a thread finds an export that makes something: it crosses threads as plain data. */
export interface ModuleExport {
  /** URL of the module. */
  readonly module: string;
  /** A function that takes `options`. */
  readonly name: string;
  readonly options: unknown;
}

/** Resolves with a function that makes what the module says, so that its errors are those of the call that asks for it. */
export async function loadExport<T>({ module, name, options }: ModuleExport): Promise<() => T> {
  const make = ((await import(module)) as Record<string, (options: unknown) => T>)[name]!;
  return () => make(options);
}
