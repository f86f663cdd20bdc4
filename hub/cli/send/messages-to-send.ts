import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProtocolFault } from '../../../protocols/fault.ts';
import { splitBatch } from '../../../protocols/hl7v2/batch.ts';
import { CommandFailure, exit } from '../exit.ts';

/**
 * The messages of files, of every file in directories, and of `-` (standard input), in the order given; batches and files of
 * several messages are taken apart. The bytes are left as they are.
 */
export async function messagesToSend(paths: readonly string[]): Promise<readonly Uint8Array[]> {
  const messages: Uint8Array[] = [];
  for (const path of paths) {
    for (const file of await filesAt(path)) messages.push(...split(file, await contentOf(file)));
  }
  return messages;
}

async function filesAt(path: string): Promise<readonly string[]> {
  if (path === '-') return [path];
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new CommandFailure(exit.failed, `${path}: there is no such file or directory`);
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path, { withFileTypes: true })).filter(
    (entry) => entry.isFile() && !/^\.|\.(?:md|tmp)$/i.test(entry.name),
  );
  return names.map(({ name }) => join(path, name)).sort();
}

async function contentOf(file: string): Promise<Buffer> {
  if (file !== '-')
    return readFile(file).catch((thrown: NodeJS.ErrnoException) => {
      throw new CommandFailure(exit.failed, `${file}: it cannot be read (${thrown.code})`, { cause: thrown });
    });
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function split(file: string, content: Buffer): readonly Uint8Array[] {
  try {
    return splitBatch(content).batches.flatMap((batch) => batch.messages);
  } catch (thrown) {
    if (!(thrown instanceof ProtocolFault)) throw thrown;
    throw new CommandFailure(exit.failed, `${file}: ${thrown.message}`);
  }
}
