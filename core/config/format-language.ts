import type { Erased, KeyFunction } from '../channel.ts';
import type { TransformSpec } from '../transform.ts';

/**
 * How a YAML channel speaks about the inside of a payload: paths in keys and filters. There is one for each format that has
 * paths; formats without one can only be routed by scripts.
 */
export interface FormatLanguage<T> {
  /** The format's id: `hl7v2`. */
  readonly format: string;
  /**
   * Reads a path. Throws HubError `config-invalid` that says what is wrong with it.
   * @param agreed whether the sender of the payloads has agreed on a path beyond the standard, which need not know it then
   */
  path(text: string, agreed?: (text: string) => boolean): PayloadPath<T>;
  /** The identifiers at every match of the paths: what `key:` lists. Throws as `path`. */
  key(paths: readonly string[], agreed?: (text: string) => boolean): KeyFunction<T>;
  /** Makes one payload of each repetition of what is named: a segment, a group, the items of a list. Throws as `path`. */
  split?(at: string): TransformSpec<T, T>;
  /** Makes a document of each file that is embedded at a path. Throws as `path`. */
  documents?(path: string): TransformSpec<T, Erased>;
}

export interface PayloadPath<T> {
  /** The values at every match, empty ones left out. Throws nothing. */
  values(payload: T): readonly string[];
  /** Whether any match is there and holds something. */
  exists(payload: T): boolean;
}
