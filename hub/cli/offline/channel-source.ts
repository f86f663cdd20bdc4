import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedChannel } from '../../../core/config/channels-folder.ts';
import type { Problem, ProblemCode } from '../../../core/config/problem.ts';
import { shownPath } from '../../../core/config/shown-path.ts';
import { isMapping, type Place, type Position, YamlFile } from '../../../core/config/yaml-file.ts';

const sources = new WeakMap<object, ChannelSource>();

/** The source of a channel; it is read once. */
export function sourceOf(directory: string, channel: LoadedChannel): ChannelSource {
  let source = sources.get(channel);
  if (!source) sources.set(channel, (source = new ChannelSource(directory, channel)));
  return source;
}

/** The file of a channel as it is written: what the definition does not tell any more, and where it stands. */
export class ChannelSource {
  /** As it is shown in problems. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  #yaml: YamlFile | undefined;

  constructor(directory: string, channel: LoadedChannel) {
    this.path = join(directory, channel.file);
    this.file = shownPath(this.path);
    this.text = readFileSync(this.path, 'utf8');
  }

  /** Undefined for channels in TypeScript. */
  get yaml(): YamlFile | undefined {
    if (this.path.endsWith('.ts')) return undefined;
    this.#yaml ??= new YamlFile(this.file, this.text);
    return this.#yaml;
  }

  /** The value at a place of the YAML file. */
  at(...place: Place): unknown {
    let value: unknown = this.yaml?.value;
    for (const step of place)
      value = isMapping(value) || Array.isArray(value) ? (value as Record<string, unknown>)[step] : undefined;
    return value;
  }

  /** Where a value stands; in TypeScript where `text` stands in quotes first. */
  position(place: Place, text?: string): Position {
    const { yaml } = this;
    if (yaml) return yaml.position(place);
    const quoted = text === undefined ? [] : [`'${text}'`, `"${text}"`, `\`${text}\``];
    const at = quoted.map((each) => this.text.indexOf(each)).find((each) => each >= 0);
    if (at === undefined) return { line: 1, column: 1 };
    const before = this.text.slice(0, at).split('\n');
    return { line: before.length, column: before.at(-1)!.length + 1 };
  }

  problem(code: ProblemCode, message: string, place: Place, text?: string): Problem {
    return { file: this.file, ...this.position(place, text), code, message };
  }
}
