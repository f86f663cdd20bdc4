import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../core/config/code-loader.ts';
import { type Environment, readEnvironment } from '../core/config/environment.ts';
import type { Problem } from '../core/config/problem.ts';
import type { ReferenceSources } from '../core/config/references.ts';
import { readOrNothing, type Settings } from './settings.ts';
import { unreadableEnvironment } from './unreadable-environment.ts';

/** The environment file as it was read, or what is wrong with it. */
export interface EnvironmentRead {
  readonly value?: Environment;
  /** Of what it says, references included: one that is the same needs no deployment. */
  readonly hash: string;
  readonly text?: string;
  readonly problems: readonly Problem[];
}

/** The environment that a hub's channels run in, and the file that it comes from. */
export class EnvironmentInForce {
  readonly #settings: Settings;
  #value: Environment = { endpoints: {} };
  #hash = '';
  /** The file that it was read from. */
  #text: string | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get value(): Environment {
    return this.#value;
  }

  /** What references in the environment, and in channel files, stand for. */
  get references(): ReferenceSources {
    return { environment: process.env, readFile: readOrNothing, stateDir: this.#settings.stateDir };
  }

  /** Reads the file anew; nothing of it is in force before `put`. */
  async read(): Promise<EnvironmentRead> {
    const { channels, environment } = this.#settings;
    const path = join(channels, 'env', `${environment}.yaml`);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch {
      return { hash: '', problems: [await unreadableEnvironment(channels, environment, path)] };
    }
    // The files that references name may have changed; the process's own environment cannot.
    if (text === this.#text && !/\$\{file:/.test(text))
      return { value: this.#value, hash: this.#hash, text, problems: [] };
    const read = readEnvironment(path, path, text, this.references);
    return read.ok
      ? { value: read.value, hash: sha256(JSON.stringify(read.value)), text, problems: [] }
      : { hash: '', problems: read.problems };
  }

  put(value: Environment, { hash, text }: EnvironmentRead): void {
    this.#value = value;
    this.#hash = hash;
    this.#text = text;
  }
}
