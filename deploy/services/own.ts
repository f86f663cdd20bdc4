import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { dataFolder, serviceFolder } from './folder.ts';
import { interrupted } from './interrupted.ts';
import { descendants, isRunning, isStopped, processId, signal } from './process-id.ts';
import { killProcess, startProcess, stopProcesses } from './processes.ts';
import { type RunningProcess, readRecord, writeRecord } from './record.ts';
import type { ServiceName, ServiceOptions } from './service.ts';
import { type Started, startAsProcesses, untilReady } from './start.ts';

const folder = join(dataFolder, 'own');

/** What is asked of a service of one's own: of one of its processes, or of all. */
interface Order {
  readonly id: number;
  readonly do: 'kill' | 'stop' | 'start' | 'pause' | 'resume';
  readonly process?: string;
}

/**
 * A service for one test, on ports and with data of its own, that the test may break. Prints a line of JSON once it answers, then
 * does each order that comes as a line of JSON on the standard input, and prints a line when it is done. When the input ends, as it
 * does with whoever gave it, the service ends and its data is removed.
 */
export async function runOwn(name: ServiceName, options: ServiceOptions, behind: string | undefined): Promise<void> {
  await sweep();
  mkdirSync(folder, { recursive: true });
  const directory = serviceFolder(mkdtempSync(join(folder, `${name}-`)));
  let running: RunningProcess[] = [];
  try {
    const started = await startAsProcesses({ name, directory, shared: dataFolder, behind, options, kept: false });
    running = [...started.record.processes];
    noteOwner(directory, started, running);
    const { address, management } = started.record;
    print({ address, management, ports: started.ports, processes: running.map((each) => each.name), directory });
    const orders = createInterface({ input: process.stdin, signal: interrupted });
    for await (const line of orders) {
      const order = JSON.parse(line) as Order;
      try {
        running = await obey(order, started, running);
        noteOwner(directory, started, running);
        print({ id: order.id });
      } catch (thrown) {
        print({ id: order.id, error: (thrown as Error).message });
      }
    }
  } finally {
    for (const each of running) await killProcess(each);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function obey(
  { do: what, process: only }: Order,
  started: Started,
  running: RunningProcess[],
): Promise<RunningProcess[]> {
  const chosen = running.filter((each) => only === undefined || each.name === only);
  if (chosen.length === 0)
    throw new Error(`no process ${only}: there are ${running.map((each) => each.name).join(', ')}`);
  switch (what) {
    case 'kill':
      for (const each of chosen) await killProcess(each);
      return running;
    case 'stop':
      await stopProcesses(chosen);
      return running;
    case 'pause':
    case 'resume': {
      const pids = chosen.flatMap(({ pid }) => [pid, ...descendants(pid)]);
      for (const pid of pids) signal(pid, what === 'pause' ? 'SIGSTOP' : 'SIGCONT');
      // A program of many threads answers for a while yet on a busy machine.
      if (what === 'pause') while (!pids.every(isStopped)) await delay(1);
      return running;
    }
    case 'start':
      return await startAgain(started, running, chosen);
    default:
      throw new Error(`unknown order ${what satisfies never}`);
  }
}

/** Those that do not run, on the same ports with the same data. Others may be away on purpose: then the answer of all is not awaited. */
async function startAgain({ plan, place }: Started, running: RunningProcess[], chosen: readonly RunningProcess[]) {
  const next = [...running];
  for (const each of chosen) {
    const own = plan.processes.find((planned) => planned.name === each.name);
    if (own && !isRunning(each)) next[running.indexOf(each)] = await startProcess(own, place);
  }
  if (next.every(isRunning)) await untilReady(plan, next, { name: 'it again', directory: place.directory });
  return next;
}

/** So that what a killed owner left behind is found: its processes, and that it is no more. */
function noteOwner(directory: string, { record }: Started, processes: readonly RunningProcess[]): void {
  writeRecord(directory, { ...record, processes, starting: processId(process.pid) });
}

/** Ends services of tests that have ended without ending them. */
export async function sweep(): Promise<void> {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const directory = join(folder, name);
    const record = readRecord(directory);
    if (!record?.starting || isRunning(record.starting)) continue;
    for (const each of record.processes) await killProcess(each);
    rmSync(directory, { recursive: true, force: true });
  }
}

const print = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);
