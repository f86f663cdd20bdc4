import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder, ownFolder, serviceFolder } from './folder.ts';
import { interrupted } from './interrupted.ts';
import { kinds } from './kinds/kinds.ts';
import { alone } from './lock.ts';
import { isRunning, type ProcessId, processId } from './process-id.ts';
import { replaceFile } from './record.ts';
import { defaultOptions, type ServiceName, serviceNames } from './service.ts';
import { down, isKept, up } from './services.ts';

const folder = join(ownFolder, 'runs');

/** What a test run has of one service: where it is, or why it cannot be had. */
export type Provided =
  | { readonly address: string; readonly management?: string | undefined }
  | { readonly missing: string };

/**
 * A service for a test run, which is known by its process. Started at most once for a run: what cannot be had is not tried again.
 * Kept in `.services/runs/<pid>.<name>.json`, where the tests of that run look first.
 */
export const provide = (name: ServiceName, pid: number): Promise<Provided> =>
  onceFor(pid, `${name}.json`, async () => {
    const { address, management } = await up(name, { ...defaultOptions, kept: false });
    return { address, management };
  });

/** The programs of a service, so that a test can run one of its own. Kept in `.services/runs/<pid>.<name>.own.json`. */
export const obtain = (name: ServiceName, pid: number): Promise<Provided> =>
  onceFor(pid, `${name}.own.json`, async () => {
    await kinds[name].obtain(serviceFolder(dataFolder));
    return { address: '', management: undefined };
  });

async function onceFor(pid: number, what: string, find: () => Promise<Provided>): Promise<Provided> {
  await joinRun(pid);
  const file = join(folder, `${pid}.${what}`);
  return await alone(lockFolder(what), async () => {
    const before = read(file);
    if (before) return before;
    const provided = await find().catch((thrown: Error): Provided => ({ missing: thrown.message }));
    // Nobody can say that it is missing where nobody waited for it.
    interrupted.throwIfAborted();
    replaceFile(file, provided);
    return provided;
  });
}

/** A test run has ended: the last one ends what no person has started. */
export async function leaveRun(pid: number): Promise<void> {
  await alone(lockFolder('runs'), async () => {
    for (const each of runs()) if (each.pid === pid || !isRunning(each)) forget(each.pid);
    if (runs().length > 0) return;
    await Promise.all(serviceNames.filter((name) => !isKept(name)).map((name) => down(name)));
  });
}

/** Under one lock with leaving: nobody finds a service that the last run is about to end. */
async function joinRun(pid: number): Promise<void> {
  const id = processId(pid);
  if (!id) throw new Error(`noting the test run ${pid}: there is no such process`);
  await alone(lockFolder('runs'), async () => {
    const stale = runs().find((each) => each.pid === pid && each.began !== id.began);
    if (stale) forget(stale.pid);
    writeFileSync(join(folder, `${pid}.began`), id.began);
  });
}

function runs(): readonly ProcessId[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.began'));
  return files.map((name) => ({ pid: Number.parseInt(name, 10), began: readFileSync(join(folder, name), 'utf8') }));
}

function forget(pid: number): void {
  for (const name of readdirSync(folder)) if (name.startsWith(`${pid}.`)) rmSync(join(folder, name));
}

function read(file: string): Provided | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Provided;
  } catch {
    return undefined;
  }
}

function lockFolder(name: string): string {
  const path = join(folder, 'locks', name);
  mkdirSync(path, { recursive: true });
  return path;
}
