import { describeProblem } from '../../core/config/problem.ts';
import type { SearchStatus } from '../../core/search/search-index.ts';
import type { StoreUsage } from '../../core/store/message-store.ts';
import type { DeployReport } from '../deploy-report.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { type ExitCode, exit } from './exit.ts';
import { age, print, printJson, size } from './output.ts';

interface HubStatus {
  readonly version: string;
  readonly phase: string;
  readonly startedAt: number;
  readonly pid: number;
  readonly channels: Readonly<Record<string, number>>;
  readonly store: StoreUsage;
  /** Absent where the search index does not answer. */
  readonly search?: SearchStatus;
}

/** `weir status`: 0 while the hub runs and every channel that should run does. */
export async function status(options: ClientOptions): Promise<ExitCode> {
  const hub = await call<HubStatus>(options, '/api/status');
  if (options.json) printJson(hub);
  else {
    const { store } = hub;
    const channels = Object.entries(hub.channels).map(([state, count]) => `${count} ${state}`);
    const free = store.diskFree === undefined ? '' : `, ${size(store.diskFree)} free`;
    print(`weir ${hub.version} ${hub.phase} for ${age(Date.now() - hub.startedAt)} (process ${hub.pid})`);
    print(`channels: ${channels.join(', ') || 'none'}`);
    print(
      `store: ${size(store.bytes)}${free}, backlog ${size(store.backlogBytes)}${store.full ? ', FULL: nothing is accepted' : ''}`,
    );
    print(`search: ${hub.search ? searchText(hub.search) : 'nothing can be found until the hub starts again'}`);
  }
  return hub.phase === 'running' && !hub.channels.failed && !hub.store.full ? exit.done : exit.failed;
}

function searchText({ lagMs, days, bytes, rebuilding, error }: SearchStatus): string {
  const again = rebuilding.length > 0 ? `, making ${rebuilding.join(', ')} again` : '';
  return `${days} ${days === 1 ? 'day' : 'days'}, ${size(bytes)}, ${age(lagMs)} behind${again}${error ? `, waiting: ${error}` : ''}`;
}

/** `weir deploy [name…]`: reads the channel files of the running hub anew. */
export async function deploy(names: readonly string[], options: ClientOptions): Promise<ExitCode> {
  const body = names.length > 0 ? { body: { channels: names } } : {};
  const request = { method: 'POST', reason: 'command line', ...body } as const;
  const report = await call<DeployReport>(options, '/api/deploy', request, [422]);
  const failed = report.problems.length + report.refused.length > 0;
  if (options.json) printJson(report);
  else {
    for (const problem of report.problems) process.stderr.write(`${describeProblem(problem)}\n`);
    for (const { channel, error } of report.refused)
      process.stderr.write(`${channel}: ${error.code} ${error.message}\n`);
    for (const { channel, version } of report.deployed) print(`${channel}: deployed ${version.slice(0, 8)}`);
    for (const note of report.notes) process.stderr.write(`note: ${note}\n`);
    for (const channel of report.removed) print(`${channel}: removed`);
    print(report.problems.length > 0 ? 'nothing was deployed' : summary(report));
  }
  return failed ? exit.failed : exit.done;
}

function summary({ deployed, unchanged, removed, undeployed }: DeployReport): string {
  const away = undeployed.length > 0 ? `; undeployed, and left so: ${undeployed.join(', ')}` : '';
  return `${deployed.length} deployed, ${unchanged.length} unchanged, ${removed.length} removed${away}`;
}
