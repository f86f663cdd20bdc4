import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './service.ts';

/** The password of user `weir` in one service, made at its first start and read by nobody else. */
export function passwordOf({ directory, user }: Pick<Place, 'directory' | 'user'>): string {
  const file = join(directory, 'password');
  const password = keptFile(file, () => randomBytes(12).toString('hex'));
  if (user) chownSync(file, user.uid, user.gid);
  return password;
}

/** What a file holds that is made once, whole or not at all, and read by its owner alone. */
export function keptFile(file: string, make: () => string): string {
  if (!existsSync(file)) {
    const partial = `${file}.partial`;
    writeFileSync(partial, make(), { mode: 0o600 });
    renameSync(partial, file);
  }
  return readFileSync(file, 'utf8');
}

/** A configuration file that holds passwords: read by the service and nobody else. Resolves to its path. */
export function configurationFile(
  { directory, user }: Pick<Place, 'directory' | 'user'>,
  name: string,
  text: string,
): string {
  const file = join(directory, name);
  writeFileSync(file, text, { mode: 0o600 });
  if (user) chownSync(file, user.uid, user.gid);
  return file;
}

/** The lines of a configuration file, each name with its value. */
export function lines(settings: Readonly<Record<string, string | number | boolean>>, between: string): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}${between}${value}\n`)
    .join('');
}
