import { open } from 'node:fs/promises';

/** Makes the names in a directory durable: after a rename, and after a file was made. Rejects as `open` and `fsync` do. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
