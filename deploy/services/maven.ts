import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { command } from './command.ts';
import { alone } from './lock.ts';

/**
 * The jars that a pom.xml names, with all that they need, in a folder; out of Maven Central the first time, whole or not at all.
 * Rejects with the reason they cannot be had.
 */
export async function mavenJars(pom: string, folder: string): Promise<void> {
  const lock = `${folder}.lock`;
  mkdirSync(lock, { recursive: true });
  await alone(lock, async () => {
    if (existsSync(folder)) return;
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    await command('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`]);
    if (!readdirSync(partial).some((name) => name.endsWith('.jar')))
      throw new Error(`getting the jars of ${pom}: none came`);
    renameSync(partial, folder);
  });
}
