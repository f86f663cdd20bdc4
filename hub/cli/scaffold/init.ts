import { resolve } from 'node:path';
import { shownPath } from '../../../core/config/shown-path.ts';
import { type ExitCode, exit } from '../exit.ts';
import { print } from '../output.ts';
import { schemas } from '../reference/schema.ts';
import { repository } from './repository.ts';
import { writeNew } from './write-new.ts';

/** `weir init <folder>`: a hospital's own repository of channels, with an example that is right as it is. */
export async function init(folder: string): Promise<ExitCode> {
  const directory = resolve(folder);
  await writeNew(directory, repository(schemas()));
  const shown = shownPath(directory) || '.';
  print(
    `\n${shown} is ready: cd ${shown}, then weir check, weir test and weir explain adt-fanout; README.md says more`,
  );
  return exit.done;
}
