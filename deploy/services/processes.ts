import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serviceFolder } from './folder.ts';
import { descendants, isRunning, processId, signal } from './process-id.ts';
import type { RunningProcess } from './record.ts';
import type { Place, ProcessPlan } from './service.ts';

const orderlyMs = 20_000;

/** Starts a process that outlives this one, its output in `log/`. Rejects when there is no such program. */
export async function startProcess(plan: ProcessPlan, { directory, user }: Place): Promise<RunningProcess> {
  const log = openSync(join(serviceFolder(join(directory, 'log')), `${plan.name}.log`), 'a');
  try {
    const child = spawn(plan.command, plan.args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: directory,
      env: { ...process.env, HOME: directory, ...plan.env },
      ...user,
    });
    child.unref();
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    return { name: plan.name, stop: plan.stop, ...(processId(pid) ?? { pid, began: '' }) };
  } finally {
    closeSync(log);
  }
}

/** Ends these, last started first, and what they started: asked in order, and after 20 s without asking. */
export async function stopProcesses(processes: readonly RunningProcess[]): Promise<void> {
  for (const each of [...processes].reverse()) {
    if (!isRunning(each)) continue;
    signal(each.pid, 'SIGCONT');
    signal(each.pid, each.stop);
    const until = performance.now() + orderlyMs;
    while (isRunning(each) && performance.now() < until) await delay(20);
    if (isRunning(each)) await killProcess(each);
  }
}

/** Ends one with what it started, at once. */
export async function killProcess(each: RunningProcess): Promise<void> {
  if (!isRunning(each)) return;
  const below = descendants(each.pid).map(processId);
  signal(each.pid, 'SIGKILL');
  for (const child of below) if (child && isRunning(child)) signal(child.pid, 'SIGKILL');
  while (isRunning(each) || below.some((child) => child && isRunning(child))) await delay(5);
}

/** The last lines that a process wrote. */
export function lastLines(directory: string, name: string, count = 6): string {
  try {
    return readFileSync(join(directory, 'log', `${name}.log`), 'utf8')
      .trim()
      .split('\n')
      .slice(-count)
      .join('\n');
  } catch {
    return '';
  }
}
