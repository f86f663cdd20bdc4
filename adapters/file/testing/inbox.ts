import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real directory that goes away with the test. */
export async function inbox(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'weir-file-source-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** As a careful sender puts files down: whole, by a rename. */
export async function put(path: string, name: string, content: string | Uint8Array): Promise<void> {
  await writeFile(join(path, `${name}.part`), content);
  await rename(join(path, `${name}.part`), join(path, name));
}
