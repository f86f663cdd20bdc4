import type { KeyFunction } from '../channel.ts';

/**
 * How a YAML channel speaks about the inside of a payload: paths in keys and filters. There is one for each format that has
 * paths; formats without one can only be routed by scripts.
 */
export interface FormatLanguage<T> {
  /** The format's id: `hl7v2`. */
  readonly format: string;
  /**
   * Reads a path. Throws HubError `config-invalid` that says what is wrong with it.
   */
  path(text: string): PayloadPath<T>;
  /** The identifiers at every match of the paths: what `key:` lists. Throws as `path`. */
  key(paths: readonly string[]): KeyFunction<T>;
}

export interface PayloadPath<T> {
  /** The values at every match, empty ones left out. Throws nothing. */
  values(payload: T): readonly string[];
  /** Whether any match is there and holds something. */
  exists(payload: T): boolean;
}
