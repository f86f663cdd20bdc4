import { lstat, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WriteContext, WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import type { NameTemplate } from '../../core/files/name-template.ts';
import type { Outgoing } from '../../core/message.ts';
import { syncDirectory } from './directory.ts';
import { writeError } from './write-error.ts';

export interface OneFileEach {
  readonly directory: string;
  readonly endpoint: string;
  readonly nameOf: NameTemplate;
  readonly exists: 'refuse' | 'replace';
  readonly permissions: number;
}

/**
 * Writes each message to a temporary name, makes it durable and renames it; the directory is synced once, at the end. Readers see
 * a file whole or not at all. Stops at the first failure.
 */
export async function writeFiles(
  batch: readonly Outgoing<unknown>[],
  context: WriteContext,
  options: OneFileEach,
  mayBegin: (context: WriteContext) => boolean,
): Promise<readonly WriteOutcome[]> {
  const outcomes: WriteOutcome[] = [];
  let failure: HubError | undefined;
  for (const message of batch) {
    if (failure || !mayBegin(context)) break;
    try {
      await writeOne(message, options);
      outcomes.push({ status: 'sent' });
    } catch (thrown) {
      failure = writeError(thrown, `writing a file to ${options.endpoint}`);
    }
  }
  const written = outcomes.length;
  if (written > 0) {
    try {
      await syncDirectory(options.directory);
    } catch (thrown) {
      const error = writeError(thrown, `syncing directory ${options.endpoint}`);
      outcomes.fill({ status: 'uncertain', error });
    }
  }
  if (failure) outcomes.push({ status: 'error', error: failure });
  while (outcomes.length < batch.length) outcomes.push({ status: 'untried' });
  return outcomes;
}

async function writeOne(message: Outgoing<unknown>, options: OneFileEach): Promise<void> {
  const name = options.nameOf(message);
  const target = join(options.directory, name);
  if (options.exists === 'refuse' && (await isThere(target, message.bytes))) return;
  // The same effect has the same temporary name, so that what a crash left behind is overwritten and not added to.
  const temporary = join(options.directory, `.${message.effectId.replaceAll(/[^\w-]/g, '_')}.tmp`);
  try {
    const handle = await open(temporary, 'w', options.permissions);
    try {
      await handle.writeFile(message.bytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw thrown;
  }
}

/**
 * True: it holds these very bytes, from an attempt whose end nobody saw. Throws HubError `write-failed`, permanent, where it holds
 * others. Between this look and the rename another writer could still come in; hard links would rule that out, but the shares
 * on which such directories are often have none.
 */
async function isThere(target: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const stats = await lstat(target);
    if (stats.isFile() && stats.size === bytes.length && Buffer.compare(await readFile(target), bytes) === 0)
      return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw thrown;
  }
  throw new HubError('write-failed', 'permanent', 'writing a file: another one of that name is there');
}
