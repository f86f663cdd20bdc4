import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Problem } from '../../../core/config/problem.ts';
import { shownPath } from '../../../core/config/shown-path.ts';
import { compileMap } from '../../../transforms/mapping/compile-map.ts';
import { type OfflineFolder, textOf } from '../offline/folder.ts';

/** What is wrong with maps that no channel runs: those that one does are checked with it. */
export async function unusedMaps({
  directory,
  channels,
  registry,
  tables,
  settings,
}: OfflineFolder): Promise<readonly Problem[]> {
  const maps = (await readdir(directory, { recursive: true })).filter(
    (file) => file.endsWith('.map.yaml') && !file.includes('node_modules'),
  );
  if (maps.length === 0) return [];
  const used = new Set<string>();
  for (const { file } of channels) {
    const path = join(directory, file);
    for (const [name] of (await textOf(path)).matchAll(/[^\s'"`{}[\],]+\.map\.yaml/g))
      used.add(resolve(dirname(path), name));
  }
  const problems: Problem[] = [];
  for (const file of maps.sort()) {
    const path = join(directory, file);
    if (used.has(path)) continue;
    const references = { environment: process.env, readFile: () => undefined, stateDir: settings.stateDir };
    // Its scripts are loaded with a channel; here they count as right.
    const scripts = () => () => undefined;
    const read = compileMap(shownPath(path), await readFile(path, 'utf8'), {
      tables,
      formats: registry.formats,
      references,
      scripts,
    });
    if (!read.ok) problems.push(...read.problems.filter(({ code }) => code !== 'reference-unresolved'));
  }
  return problems;
}
