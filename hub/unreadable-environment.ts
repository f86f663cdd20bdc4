import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../core/config/problem.ts';
import { unknownName } from '../core/config/registry.ts';

/**
 * For an environment whose file cannot be read: which ones there are.
 * @param file the environment's, as it is shown
 */
export async function unreadableEnvironment(channels: string, name: string, file: string): Promise<Problem> {
  const files = await readdir(join(channels, 'env')).catch((): string[] => []);
  const known = files.filter((each) => each.endsWith('.yaml')).map((each) => each.slice(0, -'.yaml'.length));
  const message = known.includes(name)
    ? `the environment ${name} cannot be read`
    : `there is no environment ${name}${unknownName(name, known)}`;
  return { file, line: 1, column: 1, code: 'file-unreadable', message };
}
