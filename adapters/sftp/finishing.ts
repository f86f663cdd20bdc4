import { posix } from 'node:path';
import { type SftpSession, statusOf } from '../../clients/sftp/session.ts';
import { isThere, lookAt, makeDirectories, noSuchFile, type RemoteFile } from './remote-directory.ts';

/** Where a file goes when it is answered: out of the way for good, or into a directory below its own. */
export type Disposal = 'delete' | { readonly move: string };

/** Free names tried for one file before the move counts as refused. */
const mostNames = 1_000;

/**
 * Deletes or moves the file, if it still is the one that was read: a newer one of the same name is left for the next poll.
 * A file that is already there keeps its name, the new one gets a number. Throws what the session throws.
 */
export async function finish(
  session: SftpSession,
  directory: string,
  file: RemoteFile,
  disposal: Disposal,
  marker: string | undefined,
): Promise<void> {
  const from = posix.join(directory, file.name);
  if ((await lookAt(session, from))?.identity !== file.identity) return;
  // The marker goes first: one that stayed behind would vouch for the next file of that name while it is still being written.
  if (marker !== undefined) await removed(session, from + marker);
  if (disposal === 'delete') return removed(session, from);
  const into = posix.join(directory, disposal.move);
  await makeDirectories(session, into);
  const to = await freeName(session, into, file);
  await session.call<void>('moving a file', (sftp, done) => sftp.rename(from, to, (error) => done(error)));
}

async function removed(session: SftpSession, path: string): Promise<void> {
  try {
    await session.call<void>('deleting a file', (sftp, done) => sftp.unlink(path, (error) => done(error)));
  } catch (thrown) {
    if (statusOf(thrown) !== noSuchFile) throw thrown;
  }
}

async function freeName(session: SftpSession, directory: string, file: RemoteFile): Promise<string> {
  const { name, ext } = posix.parse(file.name);
  const stamp = new Date(file.modifiedMs).toISOString().replaceAll(/[-:.]/g, '');
  let candidate = posix.join(directory, file.name);
  for (let number = 1; number <= mostNames && (await isThere(session, candidate)); number++)
    candidate = posix.join(directory, `${name}~${stamp}${number === 1 ? '' : `-${number}`}${ext}`);
  return candidate;
}
