import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Runs one thing at a time among all processes that name the same folder. The lock is the operating system's, by SQLite: it ends
 * with its process, however that ends.
 */
export async function alone<T>(folder: string, work: () => Promise<T>, cancel?: AbortSignal): Promise<T> {
  const lock = new DatabaseSync(join(folder, 'lock.sqlite'));
  try {
    for (;;) {
      cancel?.throwIfAborted();
      try {
        // In memory: for a journal in a file a full disk has no room.
        lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
        break;
      } catch (thrown) {
        if (!/locked/.test(String(thrown))) throw thrown;
        await delay(50, undefined, { signal: cancel });
      }
    }
    return await work();
  } finally {
    lock.close();
  }
}
