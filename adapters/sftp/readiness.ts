import type { RemoteFile } from './remote-directory.ts';

/** How a file shows that it is written to its end: it stands still from one poll to the next, or a file beside it says so. */
export type Ready = 'still' | { readonly marker: string };

export interface ReadinessOptions {
  readonly wanted: (name: string) => boolean;
  readonly order: 'name' | 'modified';
  readonly ready: Ready;
}

/** Files kept in mind from poll to poll where order allows to leave the others for later: what bounds memory in a crowded directory. */
const window = 2_000;
/** Names that writers use for what is not complete. */
const unfinished = /^\.|\.(?:tmp|part|partial|filepart|crdownload)$/i;

/**
 * Tells which files are written to their end. What counts is what was seen here at the poll before, not the time that a file
 * carries: copying keeps the old time, and the clock of the server is not ours.
 */
export class Readiness {
  readonly #options: ReadinessOptions;
  #sightings: ReadonlyMap<string, string> = new Map();

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Of one listing, the files that are ready, in order, those in `except` left out. */
  poll(listed: readonly RemoteFile[], except: (file: RemoteFile) => boolean): readonly RemoteFile[] {
    const { ready, order } = this.#options;
    const names = ready === 'still' ? undefined : new Set(listed.map(({ name }) => name));
    const candidates = listed
      .filter(({ name }) => this.#isWanted(name) && (ready === 'still' || names?.has(name + ready.marker)))
      .filter((file) => !except(file))
      .sort(order === 'name' ? byName : byTime)
      .slice(0, window);
    if (ready !== 'still') return candidates;
    const before = this.#sightings;
    this.#sightings = new Map(candidates.map(({ name, identity }) => [name, identity]));
    return candidates.filter(({ name, identity }) => before.get(name) === identity);
  }

  #isWanted(name: string): boolean {
    const { wanted, ready } = this.#options;
    return !unfinished.test(name) && !(ready !== 'still' && name.endsWith(ready.marker)) && wanted(name);
  }
}

function byName(a: RemoteFile, b: RemoteFile): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function byTime(a: RemoteFile, b: RemoteFile): number {
  return a.modifiedMs - b.modifiedMs || byName(a, b);
}
