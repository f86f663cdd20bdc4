import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from '../core/component.ts';
import { type CodeLoader, createCodeLoader } from '../core/config/code-loader.ts';
import { describeThrown, errorRecord, HubError } from '../core/errors.ts';
import { openEmbeddedLog } from '../core/events/embedded-log.ts';
import { createEngine } from '../core/runtime/create-engine.ts';
import type { Engine, StopReport } from '../core/runtime/engine.ts';
import { openSqliteStore } from '../core/store/sqlite/sqlite-store.ts';
import type { Phase } from './admin/context.ts';
import { assertDeployed, Deployment, type DeployReport } from './deployment.ts';
import { shippedRegistry } from './registry.ts';
import type { Settings } from './settings.ts';
import { systemClock } from './system-clock.ts';
import { installation, weirVersion } from './version.ts';

/** A running Weir: one store, one event log, the channels of one folder, the admin API. */
export interface Hub {
  readonly engine: Engine;
  readonly admin: { readonly host: string; readonly port: number };
  /** Resolves when the store or the event log has lost a thread: the process can only end. */
  readonly failed: Promise<HubError>;
  /** Reads the channels folder anew and deploys what changed. */
  deploy(): Promise<DeployReport>;
  /** Drains within the deadline, then closes everything. Resolves with what is left; a second call waits for the first. */
  close(deadlineMs?: number): Promise<StopReport>;
}

/**
 * Starts a hub: every channel of the folder runs when it resolves. Throws HubError `store-locked`, `port-in-use`,
 * `config-invalid` (a line for each mistake in the channel files, else one); nothing is left open then.
 */
export async function startHub(settings: Settings, log: Log): Promise<Hub> {
  await using opened = new AsyncDisposableStack();
  let phase: Phase = 'starting';
  // The threads of the store and the event log start while this one loads Express.
  const loading = import('./admin/server.ts');
  const { store, events } = await openState(settings, log, opened);
  const { startAdminServer } = await loading;
  const code = opened.use(await codeLoader(settings.channels));
  const deployment = new Deployment(settings, shippedRegistry(), code);
  const engine = await createEngine({
    store,
    events,
    clock: systemClock,
    random: Math.random,
    log,
    endpoints: deployment,
  });
  opened.defer(() => engine[Symbol.asyncDispose]());
  const deploy = () => deployment.deploy(engine);
  const context = { engine, deploy, phase: () => phase, startedAt: Date.now(), version: weirVersion, log };
  const admin = opened.use(await startAdminServer(context, settings.admin));
  assertDeployed(await deploy());
  phase = 'running';

  const resources = opened.move();
  let closing: Promise<StopReport> | undefined;
  const close = async (deadlineMs: number) => {
    phase = 'draining';
    const report = await engine.close(deadlineMs);
    await resources.disposeAsync();
    return report;
  };
  return {
    engine,
    admin: { host: admin.host, port: admin.port },
    failed: Promise.race([store.failed, events.failed]),
    deploy,
    close: (deadlineMs = settings.stopMs) => (closing ??= close(deadlineMs)),
  };
}

/**
 * Opens the store and the event log at once; whichever opens is closed with `opened`, also when the other one fails. Throws
 * HubError `store-locked` or `config-invalid`, naming the folder.
 */
async function openState({ stateDir, store }: Settings, log: Log, opened: AsyncDisposableStack) {
  await makeStateFolder(stateDir);
  const now = systemClock.now;
  const onError = (error: HubError) => log.warn({ ...errorRecord(error) }, 'the event log tries again');
  const messages = openSqliteStore({ directory: join(stateDir, 'messages'), now, ...store });
  const topics = openEmbeddedLog({ directory: join(stateDir, 'events'), now, onError });
  for (const each of await Promise.allSettled([messages, topics]))
    if (each.status === 'fulfilled') opened.use(each.value);
  try {
    return { store: await messages, events: await topics };
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    const { code, kind, message } = thrown;
    const why = code === 'store-locked' ? 'another hub has it open' : message;
    throw new HubError(code, kind, `opening the state folder ${stateDir}: ${why}`, { cause: thrown });
  }
}

async function makeStateFolder(stateDir: string): Promise<void> {
  try {
    await mkdir(stateDir, { recursive: true });
  } catch (thrown) {
    const why = (thrown as NodeJS.ErrnoException).code ?? describeThrown(thrown);
    const doing = `making the state folder ${stateDir}`;
    throw new HubError('config-invalid', 'permanent', `${doing}: ${why}`, { cause: thrown });
  }
}

async function codeLoader(directory: string): Promise<CodeLoader> {
  try {
    return await createCodeLoader({ directory, entry: fileURLToPath(new URL('index.ts', installation)) });
  } catch (thrown) {
    throw new HubError(
      'config-invalid',
      'permanent',
      `opening the channels folder ${directory}: there is no such folder`,
      { cause: thrown },
    );
  }
}
