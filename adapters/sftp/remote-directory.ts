import { posix } from 'node:path';
import { type SftpSession, statusOf } from '../../clients/sftp/session.ts';

/** One state of one file: the same name with other content is another file. */
export interface RemoteFile {
  readonly name: string;
  readonly size: number;
  readonly modifiedMs: number;
  /** Size and time of the last change; version 3 of the protocol tells it in whole seconds, and no inode. */
  readonly identity: string;
}

/** What is looked at of a listing: it bounds memory where a server lists without end. */
const mostListed = 50_000;
const regularFile = 0o100000;
const typeMask = 0o170000;

/** Status codes of draft-ietf-secsh-filexfer-02 §7. */
export const endOfFile = 1;
export const noSuchFile = 2;

/**
 * Every regular file of the directory, in no order, without those whose names could lead out of it or cannot be read as UTF-8.
 * Links are left out: a link could lead anywhere.
 */
export async function listFiles(session: SftpSession, directory: string): Promise<readonly RemoteFile[]> {
  const doing = 'listing the directory';
  const handle = await session.call<Buffer>(doing, (sftp, done) => sftp.opendir(directory, done));
  const files: RemoteFile[] = [];
  try {
    for (let listed = 0; listed < mostListed; ) {
      const entries = await session.call(doing, (sftp, done: Parameters<typeof sftp.readdir>[1]) =>
        sftp.readdir(handle, done),
      );
      for (const { filename, longname, attrs } of entries)
        if (isFile(attrs, longname) && isPlain(filename)) files.push(found(filename, attrs));
      // An empty answer is none that a server gives, and would never end.
      listed += Math.max(entries.length, 1);
    }
  } catch (thrown) {
    if (statusOf(thrown) !== endOfFile) throw thrown;
  } finally {
    if (session.usable) await closed(session, handle);
  }
  return files;
}

/** The file as it is now; undefined when it is gone or is no file. */
export async function lookAt(session: SftpSession, path: string): Promise<RemoteFile | undefined> {
  try {
    const attrs = await session.call('looking at a file', (sftp, done: Parameters<typeof sftp.lstat>[1]) =>
      sftp.lstat(path, done),
    );
    return isFile(attrs) ? found(posix.basename(path), attrs) : undefined;
  } catch (thrown) {
    if (statusOf(thrown) === noSuchFile) return undefined;
    throw thrown;
  }
}

/** Whatever has that name: file, directory or link. */
export async function isThere(session: SftpSession, path: string): Promise<boolean> {
  try {
    await session.call('looking for a name', (sftp, done: Parameters<typeof sftp.lstat>[1]) => sftp.lstat(path, done));
    return true;
  } catch (thrown) {
    if (statusOf(thrown) === noSuchFile) return false;
    throw thrown;
  }
}

/** Makes the directory and those above it, where they are missing. */
export async function makeDirectories(session: SftpSession, path: string): Promise<void> {
  if (await isThere(session, path)) return;
  const above = posix.dirname(path);
  if (above !== path) await makeDirectories(session, above);
  try {
    await session.call<void>('making a directory', (sftp, done) => sftp.mkdir(path, (error) => done(error)));
  } catch (thrown) {
    // Somebody else may have made it meanwhile; servers have no status of its own for that.
    if (statusOf(thrown) === undefined || !(await isThere(session, path))) throw thrown;
  }
}

/** Rejects only where the connection is gone: what was read or written is known by then. */
export async function closed(session: SftpSession, handle: Buffer): Promise<void> {
  try {
    await session.call<void>('closing a file', (sftp, done) => sftp.close(handle, (error) => done(error)));
  } catch (thrown) {
    if (statusOf(thrown) === undefined) throw thrown;
  }
}

interface Attributes {
  readonly mode?: number;
  readonly size?: number;
  readonly mtime?: number;
}

export function found(name: string, { size = 0, mtime = 0 }: Attributes): RemoteFile {
  return { name, size, modifiedMs: mtime * 1000, identity: `${size}:${mtime}` };
}

/** Servers that know no permissions still show a line as `ls -l` does. */
function isFile({ mode }: Attributes, longname = '-'): boolean {
  return mode === undefined ? longname.startsWith('-') : (mode & typeMask) === regularFile;
}

function isPlain(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\\\0\uFFFD]/.test(name);
}
