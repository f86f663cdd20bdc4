import { readFile, stat } from 'node:fs/promises';

/** The contents of certificate files by their config field, e.g. `certFile`. */
export type Pems = Readonly<Record<string, Buffer>>;

/** Certificate files, read again when one of them changes: looked at on use, so that nothing watches between uses. */
export class PemFiles {
  readonly #paths: readonly (readonly [field: string, path: string])[];
  #seen = '';

  constructor(paths: Readonly<Record<string, string | undefined>>) {
    this.#paths = Object.entries(paths).flatMap(([field, path]) =>
      path === undefined ? [] : [[field, path] as const],
    );
  }

  /** All contents when any file differs from the last time they were read, else undefined. Rejects where one can't be read. */
  async changed(): Promise<Pems | undefined> {
    const stats = await Promise.all(this.#paths.map(([, path]) => stat(path, { bigint: true })));
    const seen = stats.map(({ ino, size, mtimeNs }) => `${ino}:${size}:${mtimeNs}`).join(' ');
    if (seen === this.#seen) return undefined;
    const contents = await Promise.all(
      this.#paths.map(async ([field, path]) => [field, await readFile(path)] as const),
    );
    this.#seen = seen;
    return Object.fromEntries(contents);
  }
}
