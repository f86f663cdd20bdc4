import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Problem } from '../../../core/config/problem.ts';
import { shownPath } from '../../../core/config/shown-path.ts';
import { YamlFile } from '../../../core/config/yaml-file.ts';
import { readOfflineEnvironment } from '../offline/environment.ts';
import { type OfflineFolder, textOf } from '../offline/folder.ts';
import { literalSecrets, mayHoldSecrets } from './secrets.ts';

/**
 * What is wrong with files that no channel which can be read is made of: secrets that are written out in alerts, environments, tables,
 * profiles, maps and tests, and mistakes in environments other than the one that is checked.
 */
export async function otherFiles(folder: OfflineFolder): Promise<readonly Problem[]> {
  const { directory, channels, settings } = folder;
  const known = new Set(channels.map(({ file }) => file));
  const names = (await readdir(directory, { recursive: true })).map((name) => name.replaceAll(sep, '/')).sort();
  const problems: Problem[] = [];
  for (const name of names.filter(isOurs)) {
    const environment = /^env\/([^/]+)\.yaml$/.exec(name)?.[1];
    if (environment !== undefined && environment !== settings.environment)
      problems.push(...(await readOfflineEnvironment(settings, environment)).problems);
    if (known.has(name)) continue;
    const path = join(directory, name);
    const text = await textOf(path);
    if (mayHoldSecrets.test(text)) problems.push(...secretsIn(shownPath(path), text));
  }
  return problems;
}

function isOurs(name: string): boolean {
  return name.endsWith('.yaml') && !name.split('/').some((each) => each === 'node_modules' || each.startsWith('.'));
}

/** What a map takes from a message is none, whatever its key is called. */
function secretsIn(file: string, text: string): readonly Problem[] {
  const found = literalSecrets(new YamlFile(file, text));
  if (!file.endsWith('.map.yaml')) return found;
  const lines = text.split('\n');
  return found.filter(({ line }) => !lines[line - 1]?.includes('$'));
}
