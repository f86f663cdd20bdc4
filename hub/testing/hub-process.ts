import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

const main = join(import.meta.dirname, '../main.ts');
const patienceMs = 30_000;

/** A folder that holds what one test needs; removed in the end. */
export interface Workplace extends AsyncDisposable {
  readonly directory: string;
  /** Writes files below it; their folders are made. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
}

export async function workplace(files: Readonly<Record<string, string>> = {}): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-hub-'));
  const write = async (wanted: Readonly<Record<string, string>>) => {
    for (const [name, content] of Object.entries(wanted)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      // As editors and git do: nobody reads half a file.
      const half = join(directory, `${name}.half`);
      await writeFile(half, content);
      await rename(half, join(directory, name));
    }
  };
  await write(files);
  return { directory, write, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line to its end, against the hub whose admin API this is, where one is given. `wrapper` goes before it. */
export async function weir(args: readonly string[], admin?: string, wrapper: readonly string[] = []): Promise<Ended> {
  const [command = '', ...rest] = [...wrapper, process.execPath, main, ...args];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(admin !== undefined && { WEIR_ADMIN: admin }) },
  });
  const exited = once(child, 'exit');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await exited;
  return { code, out, err };
}

/**
 * The command line of a hub on a workplace: its `channels` with the environment `test`, its `weir.yaml` where there is one, and
 * state of its own.
 */
export function startArguments(directory: string, state = 'state'): readonly string[] {
  const folders = ['--channels', join(directory, 'channels'), '--state-dir', join(directory, state)];
  return ['start', '--env', 'test', ...folders, '--admin-port', '0', '--log-format', 'json'];
}

/** `weir start` in a process of its own, which may not be up yet. */
export interface StartingHub {
  readonly process: ChildProcess;
  /** All that came on its standard output so far: its own lines and its log. */
  readonly printed: () => string;
  /** Resolves with the exit code when it has ended. */
  readonly exited: Promise<number | null>;
  /** Resolves when it has printed this. */
  printing(wanted: RegExp): Promise<void>;
}

/** One that is up. */
export interface HubProcess extends StartingHub, AsyncDisposable {
  /** Of the hub itself, also below a wrapper. */
  readonly processId: number;
  /** Address of its admin API. */
  readonly admin: string;
  /** JSON of the admin API. */
  get<T>(path: string): Promise<T>;
}

/** Starts a hub in the workplace, whose `weir.yaml` holds. `wrapper` goes before its command, e.g. strace. */
export function startingHub({ directory }: Workplace, wrapper: readonly string[] = [], state?: string): StartingHub {
  const [command = '', ...args] = [...wrapper, process.execPath, main, ...startArguments(directory, state)];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory });
  let printed = '';
  let wake = Promise.withResolvers<void>();
  const more = (chunk: Buffer) => {
    printed += chunk;
    wake.resolve();
    wake = Promise.withResolvers();
  };
  child.stdout.on('data', more);
  child.stderr.on('data', more);
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const printing = async (wanted: RegExp) => {
    const until = performance.now() + patienceMs;
    while (!wanted.test(printed)) {
      const timer = new Promise((resolve) => setTimeout(resolve, patienceMs, 'late').unref());
      const ended = await Promise.race([wake.promise, exited.then(() => 'ended'), timer]);
      if (wanted.test(printed)) return;
      if (ended !== undefined || performance.now() > until)
        throw new Error(`the hub did not print ${wanted}: ${printed.slice(-2_000)}`);
    }
  };
  return { process: child, printed: () => printed, exited, printing };
}

/** As `startingHub`; resolves when it runs, and rejects with what it said when it does not. Disposing of it kills it. */
export async function hubProcess(
  place: Workplace,
  wrapper: readonly string[] = [],
  state?: string,
): Promise<HubProcess> {
  const starting = startingHub(place, wrapper, state);
  const { process: child, printed, exited } = starting;
  try {
    await starting.printing(/up after/);
  } catch (thrown) {
    child.kill('SIGKILL');
    throw thrown;
  }
  const admin = /http:\/\/\S+:\d+/.exec(printed())?.[0] ?? '';
  const get = async <T>(path: string) => (await (await fetch(new URL(path, admin))).json()) as T;
  const processId = (await get<{ readonly pid: number }>('/api/status')).pid;
  return {
    ...starting,
    processId,
    admin,
    get,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) process.kill(processId, 'SIGKILL');
      await exited;
    },
  };
}

/** The most that a process ever had resident, in megabytes; undefined where there is no /proc. */
export function peakMegabytes(processId: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${processId}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
  } catch {
    return undefined;
  }
}
