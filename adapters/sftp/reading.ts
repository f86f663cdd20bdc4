import { type SftpSession, statusOf } from '../../clients/sftp/session.ts';
import { closed, found, noSuchFile, type RemoteFile } from './remote-directory.ts';

/** Questions under way at once: one at a time, each would wait for a round trip. */
const window = 16;
const chunkBytes = 32 * 1024;

/**
 * All bytes of the file; undefined when it is gone or is not that state of it any more, also when it changes while it is read.
 * Throws the status with which opening or reading is refused.
 */
export async function readWhole(session: SftpSession, path: string, file: RemoteFile): Promise<Uint8Array | undefined> {
  let handle: Buffer;
  try {
    handle = await session.call<Buffer>('opening a file', (sftp, done) => sftp.open(path, 'r', done));
  } catch (thrown) {
    if (statusOf(thrown) === noSuchFile) return undefined;
    throw thrown;
  }
  try {
    if ((await stateOf(session, handle, file.name)).identity !== file.identity) return undefined;
    const content = Buffer.allocUnsafeSlow(file.size);
    if (!(await fill(session, handle, content))) return undefined;
    return (await stateOf(session, handle, file.name)).identity === file.identity ? content : undefined;
  } finally {
    if (session.usable) await closed(session, handle);
  }
}

async function stateOf(session: SftpSession, handle: Buffer, name: string): Promise<RemoteFile> {
  const attrs = await session.call('looking at an open file', (sftp, done: Parameters<typeof sftp.fstat>[1]) =>
    sftp.fstat(handle, done),
  );
  return found(name, attrs);
}

/** False: the file ended before that many bytes. */
async function fill(session: SftpSession, handle: Buffer, content: Buffer): Promise<boolean> {
  let next = 0;
  let whole = true;
  const reader = async (): Promise<void> => {
    while (whole && next < content.length) {
      const from = next;
      const to = Math.min(from + chunkBytes, content.length);
      next = to;
      if (!(await fillRange(session, handle, content, from, to))) whole = false;
    }
  };
  await Promise.all(Array.from({ length: window }, reader));
  return whole;
}

async function fillRange(
  session: SftpSession,
  handle: Buffer,
  content: Buffer,
  from: number,
  to: number,
): Promise<boolean> {
  for (let at = from; at < to; ) {
    const count = await session.call<number>('reading a file', (sftp, done) =>
      sftp.read(handle, content, at, to - at, at, (error, bytesRead) => done(error, bytesRead)),
    );
    if (count === 0) return false;
    at += count;
  }
  return true;
}
