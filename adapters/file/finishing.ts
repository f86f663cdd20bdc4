import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { type FoundFile, isMissing, lookAt } from './directory.ts';

/** Where a file goes when its messages are answered: out of the way for good, or into a directory below its own. */
export type Disposal = 'delete' | { readonly move: string };

/**
 * Deletes or moves the file, if it still is the one that was read: a newer one of the same name is left for the next scan.
 * A file that is already there keeps its name, the new one gets a number. Throws what the file system throws.
 */
export async function finish(directory: string, file: FoundFile, disposal: Disposal): Promise<void> {
  const now = await lookAt(directory, file.name);
  if (now?.identity !== file.identity) return;
  const from = join(directory, file.name);
  if (disposal === 'delete') return rm(from, { force: true });
  const into = join(directory, disposal.move);
  await mkdir(into, { recursive: true });
  await rename(from, await freeName(into, file));
}

async function freeName(directory: string, file: FoundFile): Promise<string> {
  const { name, ext } = parse(file.name);
  const stamp = new Date(file.modifiedMs).toISOString().replaceAll(/[-:.]/g, '');
  for (let number = 0; ; number++) {
    const candidate = join(
      directory,
      number === 0 ? file.name : `${name}~${stamp}${number === 1 ? '' : `-${number}`}${ext}`,
    );
    try {
      await lstat(candidate);
    } catch (thrown) {
      if (isMissing(thrown)) return candidate;
      throw thrown;
    }
  }
}
