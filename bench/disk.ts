import { closeSync, fdatasyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from './statistics.ts';

/** A new folder for one run, on the disk of the installation: the temporary folder of a machine may be memory. */
export async function runDirectory(name: string): Promise<AsyncDisposable & { readonly path: string }> {
  const parent = new URL('../.weir/bench/', import.meta.url).pathname;
  await mkdir(parent, { recursive: true });
  const path = await mkdtemp(join(parent, `${name}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Milliseconds that this disk takes to append 4 KB and fdatasync them: the median of 300. */
export function fdatasyncMs(directory: string): number {
  const path = join(directory, 'fdatasync');
  const block = Buffer.alloc(4096, 1);
  const times: number[] = [];
  const file = openSync(path, 'w');
  for (let i = 0; i < 300; i++) {
    const started = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    times.push(performance.now() - started);
  }
  closeSync(file);
  unlinkSync(path);
  return median(times);
}
