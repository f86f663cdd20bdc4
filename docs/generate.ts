import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pages } from './every-page.ts';

// Writes the reference pages and JSON Schemas anew: `npm run docs`. What is no longer among them is removed.
const written = pages();
for (const folder of ['reference', 'schemas']) {
  await mkdir(join(import.meta.dirname, folder), { recursive: true });
  for (const name of await readdir(join(import.meta.dirname, folder))) {
    if (!written.has(`${folder}/${name}`)) await rm(join(import.meta.dirname, folder, name));
  }
}
for (const [path, text] of written) {
  const file = join(import.meta.dirname, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
process.stdout.write(`${written.size} files written\n`);
