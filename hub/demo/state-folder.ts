import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder that is removed when the demo ends. */
export interface StateFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * A fresh folder for this process below `.weir/demo`: on the disk, where an fsync costs what it costs. What a demo left behind
 * that was killed is removed.
 */
export async function stateFolder(installation: string): Promise<StateFolder> {
  const demos = join(installation, '.weir', 'demo');
  await mkdir(demos, { recursive: true });
  for (const name of await readdir(demos)) {
    if (/^\d+$/.test(name) && !isRunning(Number(name))) await rm(join(demos, name), { recursive: true, force: true });
  }
  const path = join(demos, String(process.pid));
  await rm(path, { recursive: true, force: true });
  await mkdir(path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
