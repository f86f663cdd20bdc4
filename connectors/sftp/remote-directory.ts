import { posix } from 'node:path';
import { type SftpSession, statusOf } from '../../clients/sftp/session.ts';

/** Status codes of draft-ietf-secsh-filexfer-02 §7. */
export const noSuchFile = 2;
export const notSupported = 8;

const regularFile = 0o100000;
const typeMask = 0o170000;

/** What has that name, a link as itself; undefined where nothing has. */
export async function stateOf(
  session: SftpSession,
  path: string,
): Promise<{ readonly isFile: boolean; readonly size: number } | undefined> {
  try {
    const { mode, size } = await session.call('looking at a file', (sftp, done: Parameters<typeof sftp.lstat>[1]) =>
      sftp.lstat(path, done),
    );
    // Servers that know no permissions tell no mode.
    return { isFile: mode === undefined || (mode & typeMask) === regularFile, size };
  } catch (thrown) {
    if (statusOf(thrown) === noSuchFile) return undefined;
    throw thrown;
  }
}

/** Makes the directory and those above it, where they are missing. */
export async function makeDirectories(session: SftpSession, path: string): Promise<void> {
  if ((await stateOf(session, path)) !== undefined) return;
  const above = posix.dirname(path);
  if (above !== path) await makeDirectories(session, above);
  try {
    await session.call<void>('making a directory', (sftp, done) => sftp.mkdir(path, (error) => done(error)));
  } catch (thrown) {
    // Somebody else may have made it meanwhile; servers have no status of its own for that.
    if (statusOf(thrown) === undefined || (await stateOf(session, path)) === undefined) throw thrown;
  }
}

/** Rejects only where the connection is gone: what was read is known by then. */
export async function closed(session: SftpSession, handle: Buffer): Promise<void> {
  try {
    await session.call<void>('closing a file', (sftp, done) => sftp.close(handle, (error) => done(error)));
  } catch (thrown) {
    if (statusOf(thrown) === undefined) throw thrown;
  }
}
