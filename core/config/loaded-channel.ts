import type { ChannelDefinition } from '../channel.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { shownPath } from './shown-path.ts';
import type { Place, YamlFile } from './yaml-file.ts';

export interface LoadedChannel {
  readonly definition: ChannelDefinition;
  readonly version: string;
  /** From the folder. */
  readonly file: string;
}

/** A channel with what it was read from, while the folder is checked as a whole. */
export interface ReadChannel extends LoadedChannel {
  readonly path: string;
  /** None where it is written in TypeScript. */
  readonly yaml?: YamlFile;
}

/** A problem with a place of a channel; in TypeScript nobody knows its line. */
export function problemAt({ path, yaml }: ReadChannel, place: Place, code: ProblemCode, message: string): Problem {
  return { file: shownPath(path), ...(yaml?.position(place) ?? { line: 1, column: 1 }), code, message };
}
