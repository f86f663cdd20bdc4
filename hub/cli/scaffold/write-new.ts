import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { shownPath } from '../../../core/config/shown-path.ts';
import { CommandFailure, exit } from '../exit.ts';
import { print } from '../output.ts';

/** Writes files below a folder, all or none: where one is there already nothing is written. Throws CommandFailure then. */
export async function writeNew(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  const there = Object.keys(files).filter((name) => existsSync(join(folder, name)));
  if (there.length > 0) {
    const names = there.map((name) => shownPath(join(folder, name))).join(', ');
    throw new CommandFailure(
      exit.refused,
      `nothing was written: ${names} ${there.length === 1 ? 'is' : 'are'} there already`,
    );
  }
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    // Somebody else may have been quicker: `wx` never overwrites.
    await writeFile(path, text, { flag: 'wx' });
    print(`${shownPath(path)}: written`);
  }
}
