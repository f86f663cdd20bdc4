import { type FoundFile, lookAt, wantedNames } from './directory.ts';

export interface SettlingOptions {
  readonly directory: string;
  readonly wanted: (name: string) => boolean;
  readonly order: 'name' | 'modified';
  readonly settleMs: number;
}

interface Sighting {
  readonly identity: string;
  readonly since: number;
}

/** Files looked at in one scan where order allows to leave the others for later: what bounds memory in a crowded directory. */
const window = 2_000;

/**
 * Tells which files of a directory have not changed for `settleMs`. What counts is what was seen here, not the time that the file
 * carries: copying keeps the old time, and the clock of a file server is not ours.
 */
export class Settling {
  readonly #options: SettlingOptions;
  #sightings = new Map<string, Sighting>();

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  /** Settled files in order, those in `except` left out. `now` is monotonic. Throws when the directory cannot be read. */
  async scan(now: number, except: (file: FoundFile) => boolean): Promise<readonly FoundFile[]> {
    const { directory, wanted, order, settleMs } = this.#options;
    const names = await wantedNames(directory, wanted);
    const sightings = new Map<string, Sighting>();
    const settled: FoundFile[] = [];
    for (const name of names) {
      if (order === 'name' && sightings.size === window) break;
      const file = await lookAt(directory, name);
      if (!file || except(file)) continue;
      const before = this.#sightings.get(name);
      const sighting = before?.identity === file.identity ? before : { identity: file.identity, since: now };
      sightings.set(name, sighting);
      if (now - sighting.since >= settleMs) settled.push(file);
    }
    this.#sightings = sightings;
    return order === 'name' ? settled : settled.sort((a, b) => a.modifiedMs - b.modifiedMs);
  }
}
