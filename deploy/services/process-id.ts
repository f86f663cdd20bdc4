import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process, told apart from a later one with the same number by when it began. */
export interface ProcessId {
  readonly pid: number;
  readonly began: string;
}

interface Row {
  readonly parent: number;
  readonly state: string;
  readonly began: string;
}

/** What the system says of a process; undefined when there is none. Fields of proc(5), after the name, which may hold anything. */
function rowOf(pid: number): Row | undefined {
  try {
    if (process.platform === 'linux') {
      const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
      return { state: fields[0] ?? '', parent: Number(fields[1]), began: fields[19] ?? '' };
    }
    const line = execFileSync('ps', ['-o', 'ppid=,state=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const [parent, state, ...began] = line.split(/\s+/);
    return { state: state ?? '', parent: Number(parent), began: began.join(' ') };
  } catch {
    return undefined;
  }
}

/** Undefined when no such process runs. */
export function processId(pid: number): ProcessId | undefined {
  const row = rowOf(pid);
  return row && { pid, began: row.began };
}

/** Whether it still runs: a later process of the same number is another one, and one that only waits to be reaped has ended. */
export function isRunning({ pid, began }: ProcessId): boolean {
  const row = rowOf(pid);
  return row !== undefined && row.began === began && !row.state.startsWith('Z');
}

/** Whether all of its threads stand still, or it has ended: the first to take a SIGSTOP does so when it next gets a processor. */
export function isStopped(pid: number): boolean {
  const still = (state: string): boolean => /^[TZX]/.test(state);
  if (process.platform !== 'linux') return still(rowOf(pid)?.state ?? 'X');
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => still(rowOf(Number(thread))?.state ?? 'X'));
  } catch {
    return true;
  }
}

/** Every process below it, nearest first. */
export function descendants(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const each of everyPid()) {
    const parent = rowOf(each)?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), each]);
  }
  const found: number[] = [];
  const waiting = [pid];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const below = children.get(next) ?? [];
    found.push(...below);
    waiting.push(...below);
  }
  return found;
}

function everyPid(): readonly number[] {
  if (process.platform === 'linux') return readdirSync('/proc').map(Number).filter(Number.isInteger);
  return execFileSync('ps', ['-A', '-o', 'pid='], { encoding: 'utf8' }).trim().split(/\s+/).map(Number);
}

/** Sends a signal; a process that has ended in the meantime is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}
