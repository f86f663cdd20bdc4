import { mkdir } from 'node:fs/promises';
import { sep } from 'node:path';
import type { Environment } from '../core/config/environment.ts';

/** Directories under the hub's own state are made where they are missing; any other may be a mount that is not there yet. */
export async function makeOwnDirectories({ endpoints }: Environment, stateDir: string): Promise<void> {
  for (const endpoint of Object.values(endpoints)) {
    if (endpoint.kind === 'directory' && endpoint.path.startsWith(stateDir + sep))
      await mkdir(endpoint.path, { recursive: true });
  }
}
