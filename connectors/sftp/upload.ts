import { posix } from 'node:path';
import { type SftpSession, statusOf } from '../../clients/sftp/session.ts';
import { HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { closed, makeDirectories, noSuchFile, notSupported, stateOf } from './remote-directory.ts';

/** Where and how files are put. */
export interface Placement {
  readonly directory: string;
  readonly createDirectories: boolean;
  readonly exists: 'refuse' | 'replace';
  readonly marker: string | undefined;
  readonly mode: number | undefined;
}

/** Writes under way at once: one at a time, each would wait for a round trip. */
const window = 16;
const chunkBytes = 32 * 1024;

/** Resolves when the message is there under its name, and its marker beside it. Throws what the session throws, or HubError `write-failed`. */
export async function upload(
  session: SftpSession,
  message: Outgoing<unknown>,
  name: string,
  placement: Placement,
): Promise<void> {
  const { directory, exists, marker } = placement;
  const target = posix.join(directory, name);
  const bytes = Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength);
  if (exists === 'replace' || !(await holds(session, target, bytes))) {
    // The same effect has the same temporary name, so that what a broken upload left behind is overwritten and not added to.
    const temporary = posix.join(directory, `.${message.effectId.replaceAll(/[^\w-]/g, '_')}.tmp`);
    try {
      await put(session, temporary, bytes, placement);
      if (exists === 'replace') await replaceBy(session, temporary, target);
      else await moveTo(session, temporary, target);
    } catch (thrown) {
      if (session.usable) await removed(session, temporary).catch(() => undefined);
      throw thrown;
    }
  }
  if (marker !== undefined) await put(session, target + marker, Buffer.alloc(0), placement);
}

/**
 * True: the target holds these very bytes, from an attempt whose end nobody saw; false: there is nothing. Throws HubError
 * `write-failed`, permanent, where it is something else.
 */
async function holds(session: SftpSession, target: string, bytes: Buffer): Promise<boolean> {
  const there = await stateOf(session, target);
  if (there === undefined) return false;
  if (there.isFile && there.size === bytes.length && (await isSame(session, target, bytes))) return true;
  throw new HubError('write-failed', 'permanent', 'uploading a file: another one of that name is there');
}

async function isSame(session: SftpSession, path: string, bytes: Buffer): Promise<boolean> {
  const handle = await session.call<Buffer>('opening a file', (sftp, done) => sftp.open(path, 'r', done));
  try {
    const part = Buffer.alloc(chunkBytes);
    for (let at = 0; at < bytes.length; ) {
      const count = await session.call<number>('reading a file', (sftp, done) =>
        sftp.read(handle, part, 0, Math.min(chunkBytes, bytes.length - at), at, (error, read) => done(error, read)),
      );
      if (count === 0 || bytes.compare(part, 0, count, at, at + count) !== 0) return false;
      at += count;
    }
    return true;
  } finally {
    if (session.usable) await closed(session, handle);
  }
}

async function put(session: SftpSession, path: string, bytes: Buffer, placement: Placement): Promise<void> {
  const handle = await opened(session, path, placement);
  try {
    await fill(session, handle, bytes);
    await synced(session, handle);
  } finally {
    // Whether it could be closed tells whether it was written, where a server writes late.
    if (session.usable)
      await session.call<void>('closing a file', (sftp, done) => sftp.close(handle, (error) => done(error)));
  }
}

async function opened(session: SftpSession, path: string, placement: Placement): Promise<Buffer> {
  const { mode, createDirectories, directory } = placement;
  const open = (): Promise<Buffer> =>
    session.call<Buffer>('opening a new file', (sftp, done) =>
      mode === undefined ? sftp.open(path, 'w', done) : sftp.open(path, 'w', { mode }, done),
    );
  try {
    return await open();
  } catch (thrown) {
    if (!createDirectories || statusOf(thrown) !== noSuchFile) throw thrown;
    await makeDirectories(session, directory);
    return open();
  }
}

async function fill(session: SftpSession, handle: Buffer, bytes: Buffer): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < bytes.length) {
      const from = next;
      next = Math.min(from + chunkBytes, bytes.length);
      const length = next - from;
      await session.call<void>('writing a file', (sftp, done) =>
        sftp.write(handle, bytes, from, length, from, (error) => done(error)),
      );
    }
  };
  await Promise.all(Array.from({ length: window }, writer));
}

async function synced(session: SftpSession, handle: Buffer): Promise<void> {
  try {
    await session.call<void>('syncing a file', (sftp, done) => sftp.ext_openssh_fsync(handle, (error) => done(error)));
  } catch (thrown) {
    if (statusOf(thrown) !== notSupported) throw thrown;
  }
}

/** A rename of version 3 does not overwrite (draft-ietf-secsh-filexfer-02 §6.5); who was faster is a reason that is told. */
async function moveTo(session: SftpSession, from: string, to: string): Promise<void> {
  try {
    await session.call<void>('renaming a file', (sftp, done) => sftp.rename(from, to, (error) => done(error)));
  } catch (thrown) {
    if (statusOf(thrown) === undefined || (await stateOf(session, to)) === undefined) throw thrown;
    throw new HubError('write-failed', 'permanent', 'uploading a file: another one of that name is there');
  }
}

/** With OpenSSH's own rename there is always one of the two; where a server has none, the old file goes first. */
async function replaceBy(session: SftpSession, from: string, to: string): Promise<void> {
  try {
    await session.call<void>('replacing a file', (sftp, done) =>
      sftp.ext_openssh_rename(from, to, (error) => done(error)),
    );
  } catch (thrown) {
    if (statusOf(thrown) !== notSupported) throw thrown;
    await removed(session, to);
    await moveTo(session, from, to);
  }
}

async function removed(session: SftpSession, path: string): Promise<void> {
  try {
    await session.call<void>('deleting a file', (sftp, done) => sftp.unlink(path, (error) => done(error)));
  } catch (thrown) {
    if (statusOf(thrown) !== noSuchFile) throw thrown;
  }
}
