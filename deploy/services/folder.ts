import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Place } from './service.ts';

/** Of this checkout. */
export const checkout = resolve(import.meta.dirname, '../..');

/**
 * Where addresses are noted, and all the rest unless this is root: `.services` in the checkout, ignored by git, or the folder that
 * the environment names.
 */
export const ownFolder = resolve(process.env.WEIR_SERVICES_FOLDER ?? join(checkout, '.services'));

/** Distinguishes checkouts of one machine. */
export const checkoutId = createHash('sha256').update(ownFolder).digest('hex').slice(0, 12);

/** Whom services run as when this is root: PostgreSQL refuses root, and the others have no need of it. */
export const serviceUser: Place['user'] = unprivileged();

function unprivileged(): Place['user'] {
  if (process.getuid?.() !== 0) return undefined;
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return { uid: Number(uid ?? 65534), gid: Number(gid ?? 65534) };
}

/**
 * Where packages, data and logs are: in the checkout, or, where root has its checkout in a folder closed to others (/root), in
 * /var/tmp, in a folder of this checkout's own.
 */
export const dataFolder = serviceUser && !openToAll(ownFolder) ? `/var/tmp/weir-services-${checkoutId}` : ownFolder;

function openToAll(folder: string): boolean {
  for (let each = dirname(folder); ; each = dirname(each)) {
    if ((statSync(each).mode & 0o005) !== 0o005) return false;
    if (each === dirname(each)) return true;
  }
}

/** Makes a folder that the services may write to, with its parents. */
export function serviceFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  if (serviceUser) chownSync(path, serviceUser.uid, serviceUser.gid);
  return path;
}
