import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { choices } from '../../../core/config/registry.ts';
import { didYouMean } from '../../../core/config/suggestion.ts';
import { referencePages } from '../../../docs/pages.ts';
import { CommandFailure, type ExitCode, exit } from '../exit.ts';
import { print } from '../output.ts';

/** The JSON Schemas of the files that people write, by name: `channel`, `map`. */
export function schemas(): ReadonlyMap<string, string> {
  const found = [...referencePages()].flatMap(([path, text]) => {
    const name = /^schemas\/(.+)\.schema\.json$/.exec(path)?.[1];
    return name === undefined ? [] : [[name, text] as const];
  });
  return new Map(found);
}

/** `weir schema [name]`: the JSON Schema of a kind of file; with `--to` all of them, written into a folder. */
export async function schema(name: string | undefined, { to }: { readonly to?: string }): Promise<ExitCode> {
  const all = schemas();
  if (to !== undefined) {
    await mkdir(to, { recursive: true });
    for (const [each, text] of all) await writeFile(join(to, `${each}.schema.json`), text);
    print(`${all.size} schemas written to ${to}`);
    return exit.done;
  }
  if (name === undefined) {
    for (const each of all.keys()) print(each);
    return exit.done;
  }
  const found = all.get(name);
  if (found === undefined)
    throw new CommandFailure(
      exit.notFound,
      `there is no schema ${name}${didYouMean(name, all.keys())}${choices(all.keys())}`,
    );
  process.stdout.write(found);
  return exit.done;
}
