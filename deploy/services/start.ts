import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serviceFolder, serviceUser } from './folder.ts';
import { interrupted } from './interrupted.ts';
import { kinds } from './kinds/kinds.ts';
import { type Ports, portsOf } from './ports.ts';
import { isRunning, processId } from './process-id.ts';
import { killProcess, lastLines, startProcess } from './processes.ts';
import { type RunningProcess, removeRecord, type StartRecord, writeRecord } from './record.ts';
import type { Place, ServiceName, ServiceOptions, ServicePlan } from './service.ts';

/** Longer than a broker takes on a machine that does much else. */
const patienceMs = 90_000;
const attempts = 3;

export interface StartRequest {
  readonly name: ServiceName;
  /** Of this service alone. */
  readonly directory: string;
  /** What services share. */
  readonly shared: string;
  readonly behind: string | undefined;
  readonly options: ServiceOptions;
  readonly kept: boolean;
}

/** Started as processes of this machine, with what is needed to start them again. */
export interface Started {
  readonly record: StartRecord;
  readonly plan: ServicePlan;
  readonly place: Place;
  readonly ports: Readonly<Record<string, number>>;
}

/**
 * Starts a service as processes of this machine and resolves once it answers. Rejects with the reason where it cannot be had; then
 * nothing of it runs. A port that somebody else took between choosing and binding is no reason: it starts again on others.
 */
export async function startAsProcesses(request: StartRequest): Promise<Started> {
  const ports = portsOf(serviceFolder(request.directory));
  // The output of one start is kept, not that of all.
  rmSync(join(request.directory, 'log'), { recursive: true, force: true });
  for (let attempt = 1; ; attempt++) {
    const options = { ...request.options, settings: await withPorts(request.options.settings, ports) };
    const place: Place = { ...request, options, user: serviceUser, port: ports.port };
    const plan = await kinds[request.name].plan(place);
    try {
      return { plan, place, ports: ports.all(), record: await startPlan(request, plan, place) };
    } catch (thrown) {
      interrupted.throwIfAborted();
      // Not all of them say so.
      const inUse = /address (already )?in use|eaddrinuse/i.test(String(thrown)) || (await ports.taken());
      if (attempt === attempts || !inUse) throw thrown;
      ports.forget();
    }
  }
}

async function withPorts(settings: ServiceOptions['settings'], ports: Ports): Promise<ServiceOptions['settings']> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    const parts = value.split(/\{port:([^}]+)\}/);
    for (let at = 1; at < parts.length; at += 2) parts[at] = String(await ports.port(parts[at] ?? ''));
    given[name] = parts.join('');
  }
  return given;
}

async function startPlan(request: StartRequest, plan: ServicePlan, place: Place): Promise<StartRecord> {
  const processes: RunningProcess[] = [];
  const record = {
    by: 'processes',
    address: plan.address,
    management: plan.management,
    processes,
    kept: request.kept,
  } as const;
  try {
    for (const each of plan.processes) {
      interrupted.throwIfAborted();
      processes.push(await startProcess(each, place));
      writeRecord(request.directory, { ...record, starting: processId(process.pid) });
    }
    await untilReady(plan, processes, request);
  } catch (thrown) {
    // Nobody has used it yet, and RabbitMQ takes no order to end before it is up.
    for (const each of [...processes].reverse()) await killProcess(each);
    removeRecord(request.directory);
    throw thrown;
  }
  const started = { ...record, starting: undefined };
  writeRecord(request.directory, started);
  return started;
}

/** Resolves once the service answers; rejects when one of its processes ends, or with the last reason after 90 s. */
export async function untilReady(
  plan: ServicePlan,
  processes: readonly RunningProcess[],
  { name, directory }: { readonly name: string; readonly directory: string },
): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    interrupted.throwIfAborted();
    try {
      return await plan.probe();
    } catch (cause) {
      const ended = processes.find((each) => !isRunning(each));
      if (ended)
        throw new Error(`starting ${name}: ${ended.name} ended: ${lastLines(directory, ended.name)}`, { cause });
      if (performance.now() > until) {
        const said = plan.processes.map((each) => lastLines(directory, each.name)).join('\n');
        throw new Error(`starting ${name}: ${(cause as Error).message} after 90 s: ${said}`, { cause });
      }
    }
    await delay(100);
  }
}
