import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.ts';
import { alone } from './lock.ts';

/**
 * A folder for PYTHONPATH with these packages, each with its version (`pymodbus==3.11.3`): fetched with pip once and kept below `shared`.
 * Rejects with the reason where they cannot be had.
 */
export async function pythonPackages(shared: string, packages: readonly string[]): Promise<string> {
  const folder = join(shared, 'python', packages.join('+').replaceAll(/[^\w.+-]/g, '-'));
  if (existsSync(folder)) return folder;
  mkdirSync(join(shared, 'python'), { recursive: true });
  await alone(join(shared, 'python'), async () => {
    if (existsSync(folder)) return;
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    const env = { PIP_ROOT_USER_ACTION: 'ignore', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
    await command('python3', ['-m', 'pip', 'install', '-q', '--target', partial, ...packages], { env });
    renameSync(partial, folder);
  });
  return folder;
}
