import { type BigIntStats, constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../../core/errors.ts';

/** One state of one file: the same name with other content is another file. */
export interface FoundFile {
  readonly name: string;
  readonly size: number;
  readonly modifiedMs: number;
  /** Inode, size and time of the last change, to the nanosecond. */
  readonly identity: string;
}

/** Names that writers use for what is not complete. */
const unfinished = /^\.|\.(?:tmp|part|partial|filepart|crdownload)$/i;

/** Names in the directory that are wanted and complete by their name, sorted. Throws what `readdir` throws. */
export async function wantedNames(directory: string, wanted: (name: string) => boolean): Promise<readonly string[]> {
  const names: string[] = [];
  // Links and FIFOs are left alone: a link could lead out of the directory, a FIFO could keep its reader waiting.
  for (const entry of await readdir(directory, { withFileTypes: true }))
    if (entry.isFile() && !unfinished.test(entry.name) && wanted(entry.name)) names.push(entry.name);
  return names.sort(byCodeUnit);
}

/** The file as it is now; undefined when it is gone or is no file. */
export async function lookAt(directory: string, name: string): Promise<FoundFile | undefined> {
  try {
    const stats = await lstat(join(directory, name), { bigint: true });
    return stats.isFile() ? found(name, stats) : undefined;
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

/**
 * All bytes of the file; undefined when it is gone or is not that state of it any more, also when it changes while it is read.
 * Throws what opening or reading throws.
 */
export async function readWhole(directory: string, file: FoundFile): Promise<Uint8Array | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(join(directory, file.name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
  try {
    if (found(file.name, await handle.stat({ bigint: true })).identity !== file.identity) return undefined;
    const content = Buffer.allocUnsafeSlow(file.size);
    let length = 0;
    while (length < content.length) {
      const { bytesRead } = await handle.read(content, length, content.length - length);
      if (bytesRead === 0) return undefined;
      length += bytesRead;
    }
    return found(file.name, await handle.stat({ bigint: true })).identity === file.identity ? content : undefined;
  } finally {
    await handle.close();
  }
}

export function isMissing(thrown: unknown): boolean {
  return errno(thrown) === 'ENOENT';
}

/** `EACCES`, `ENOSPC` …; undefined where something else was thrown. */
export function errno(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What went wrong with a directory, without the name of any file in it: names may hold a patient's. */
export function directoryError(doing: string, thrown: unknown): HubError {
  return new HubError('refused', 'transient', `${doing}: ${errno(thrown) ?? 'failed'}`, {
    scope: 'destination',
    cause: thrown,
  });
}

function found(name: string, stats: BigIntStats): FoundFile {
  return {
    name,
    size: Number(stats.size),
    modifiedMs: Number(stats.mtimeMs),
    identity: `${stats.ino}:${stats.size}:${stats.mtimeNs}`,
  };
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
