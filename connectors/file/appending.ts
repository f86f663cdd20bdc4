import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { WriteContext, WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import type { NameTemplate } from '../../core/files/name-template.ts';
import type { Outgoing } from '../../core/message.ts';
import { syncDirectory } from './directory.ts';
import { writeError } from './write-error.ts';

export interface Appending {
  readonly directory: string;
  readonly endpoint: string;
  readonly nameOf: NameTemplate;
  readonly terminator: Uint8Array;
  readonly permissions: number;
}

/**
 * Appends the messages, each with the terminator behind it. Messages in a row for one file are one write and one fsync: all of them
 * are in it or, where writing fails, none, as the file is cut back to what it was. Stops at the first failure.
 */
export async function appendFiles(
  batch: readonly Outgoing<unknown>[],
  context: WriteContext,
  options: Appending,
  mayBegin: (context: WriteContext) => boolean,
): Promise<readonly WriteOutcome[]> {
  const outcomes: WriteOutcome[] = [];
  while (outcomes.length < batch.length && mayBegin(context)) {
    const name = options.nameOf(batch[outcomes.length]!);
    let end = outcomes.length + 1;
    while (end < batch.length && options.nameOf(batch[end]!) === name) end++;
    const run = batch.slice(outcomes.length, end);
    const outcome = await appendRun(name, run, options);
    for (let at = 0; at < run.length; at++)
      outcomes.push(at > 0 && outcome.status === 'error' ? { status: 'untried' } : outcome);
    if (outcome.status !== 'sent') break;
  }
  while (outcomes.length < batch.length) outcomes.push({ status: 'untried' });
  return outcomes;
}

async function appendRun(name: string, run: readonly Outgoing<unknown>[], options: Appending): Promise<WriteOutcome> {
  const doing = `appending to a file in ${options.endpoint}`;
  try {
    const { handle, size } = await openEnd(join(options.directory, name), options.permissions);
    try {
      return await appendAt(handle, size, run, options, doing);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    return { status: 'error', error: writeError(thrown, doing) };
  }
}

async function openEnd(path: string, permissions: number): Promise<{ handle: FileHandle; size: number }> {
  const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK, permissions);
  const stats = await handle.stat();
  if (stats.isFile()) return { handle, size: stats.size };
  await handle.close();
  throw new HubError('write-failed', 'permanent', 'appending to a file: what has its name is no file');
}

async function appendAt(
  handle: FileHandle,
  size: number,
  run: readonly Outgoing<unknown>[],
  options: Appending,
  doing: string,
): Promise<WriteOutcome> {
  const content = Buffer.concat(run.flatMap((message) => [message.bytes, options.terminator]));
  try {
    let written = 0;
    while (written < content.length)
      written += (await handle.write(content, written, content.length - written, size + written)).bytesWritten;
    await handle.datasync();
    if (size === 0) await syncDirectory(options.directory);
    return { status: 'sent' };
  } catch (thrown) {
    const error = writeError(thrown, doing);
    try {
      await handle.truncate(size);
      return { status: 'error', error };
    } catch {
      return { status: 'uncertain', error };
    }
  }
}
