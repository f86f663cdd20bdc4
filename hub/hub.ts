import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from '../core/component.ts';
import { type CodeLoader, createCodeLoader } from '../core/config/code-loader.ts';
import { errorRecord, HubError } from '../core/errors.ts';
import { createEngine } from '../core/runtime/create-engine.ts';
import type { Engine, StopReport } from '../core/runtime/engine.ts';
import { type EmbeddedIndex, openEmbeddedIndex } from '../core/search/embedded-index.ts';
import type { Reader } from '../core/store/message-store.ts';
import type { Phase } from './admin/context.ts';
import { openAlerts } from './alerts/alerts.ts';
import { openBackends } from './backends.ts';
import { assertDeployed, type Chosen, type DeployReport } from './deploy-report.ts';
import { recordDeploy } from './deploy-trail.ts';
import { Deployment } from './deployment.ts';
import { KeptUnknownCodes } from './kept-unknown-codes.ts';
import { LiveReporter } from './live/live-reporter.ts';
import { openLiveBus } from './live/open-live-bus.ts';
import { shippedRegistry } from './registry.ts';
import type { Settings } from './settings.ts';
import { systemClock } from './system-clock.ts';
import { type TablesReload, TablesWatch } from './tables-watch.ts';
import { Undeploy } from './undeploy.ts';
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
  const { store, events, failed } = await openBackends(settings, log, opened);
  const searching = settings.store.postgres ? undefined : openSearch(settings, log);
  if (searching) opened.defer(() => closeSearch(searching));
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
    alsoPruned: () => deployment.undeployedDefinitions,
  });
  opened.defer(() => engine[Symbol.asyncDispose]());
  const alerts = opened.use(
    await openAlerts({
      ...{ engine, source: deployment, clock: systemClock, random: Math.random, log },
      ...{ lowWaterBytes: settings.store.lowWaterBytes, hub: settings.hub ?? hostname(), version: weirVersion },
    }),
  );
  const live = opened.use(await openLiveBus(settings.redis, systemClock, log));
  opened.use(new LiveReporter({ engine, bus: live, hub: settings.hub ?? hostname(), clock: systemClock, log }));
  await deployment.undeployed.load(store);
  const undeploy = opened.use(
    new Undeploy({
      ...{ engine, undeployed: deployment.undeployed, clock: systemClock, log },
      inTurn: (run) => deployment.inTurn(run),
    }),
  );
  const codes = opened.use(new KeptUnknownCodes({ store, codes: deployment, clock: systemClock, log }));
  const tables = opened.use(
    new TablesWatch({
      ...{ directory: join(settings.channels, 'tables'), clock: systemClock, log },
      reload: async () => {
        const { report, ...reload } = await deployment.reloadTables(engine, systemClock.now());
        if (report) await recordDeploy(store, report, reasonOf(reload.changed), systemClock.now(), true);
        return reload;
      },
    }),
  );
  const deploy = async (chosen?: Chosen) => {
    const report = await deployment.deploy(engine, chosen);
    for (const note of report.notes) log.warn({}, note);
    await alerts.reload();
    return report;
  };
  const context = {
    engine,
    deploy,
    undeploy,
    codes: deployment,
    wiring: () => deployment.wiring,
    alerts,
    live,
    ...(searching && { search: searching }),
    phase: () => phase,
    startedAt: Date.now(),
    version: weirVersion,
    log,
  };
  const admin = opened.use(await startAdminServer(context, settings.admin));
  const started = await deploy();
  assertDeployed(started);
  await recordDeploy(store, started, { actor: 'weir', reason: 'the hub was started' }, systemClock.now(), true);
  await codes.start();
  tables.start();
  if (searching) await usable(searching, log);
  phase = 'running';
  undeploy.watch();
  await alerts.start();

  const resources = opened.move();
  let closing: Promise<StopReport> | undefined;
  const close = async (deadlineMs: number) => {
    phase = 'draining';
    undeploy[Symbol.dispose]();
    await tables[Symbol.asyncDispose]();
    // Channels that stop because the hub does are no alarm.
    await alerts[Symbol.asyncDispose]();
    const report = await engine.close(deadlineMs);
    await resources.disposeAsync();
    return report;
  };
  return {
    engine,
    admin: { host: admin.host, port: admin.port },
    failed,
    deploy: () => deploy(),
    close: (deadlineMs = settings.stopMs) => (closing ??= close(deadlineMs)),
  };
}

/** Who deploys when a code table has changed, and why. */
function reasonOf(changed: TablesReload['changed']): Reader {
  const what = changed.map(({ table, version }) =>
    version === undefined ? `${table} is gone` : `${table} ${version}`,
  );
  return { actor: 'weir', reason: `code tables changed: ${what.join(', ')}` };
}

/** The index follows the store from a thread of its own; what becomes of it concerns nothing but finding. */
function openSearch({ stateDir, search, store }: Settings, log: Log): Promise<EmbeddedIndex> {
  const { freeText, paths } = search;
  const searching = openEmbeddedIndex({
    directory: join(stateDir, 'search'),
    now: systemClock.now,
    freeText,
    lowWaterBytes: store.lowWaterBytes,
    feed: {
      module: new URL('../core/store/sqlite/feed.ts', import.meta.url).href,
      name: 'sqliteFeed',
      options: { directory: join(stateDir, 'messages') },
    },
    extractor: {
      module: new URL('./search/hl7v2-extractor.ts', import.meta.url).href,
      name: 'hl7v2Extractor',
      options: { paths },
    },
  });
  searching.then(
    async (index) =>
      log.error({ ...errorRecord(await index.failed) }, 'nothing can be found until the hub starts again'),
    // Whoever waits for it hears of it.
    () => undefined,
  );
  return searching;
}

/** Wrong settings are refused; an index that cannot be opened for another reason must not keep messages from going through. */
async function usable(searching: Promise<EmbeddedIndex>, log: Log): Promise<void> {
  try {
    await searching;
  } catch (thrown) {
    if (!(thrown instanceof HubError) || thrown.code === 'config-invalid') throw thrown;
    log.error({ ...errorRecord(thrown) }, 'nothing can be found until the hub starts again');
  }
}

async function closeSearch(searching: Promise<EmbeddedIndex>): Promise<void> {
  const index = await searching.catch(() => undefined);
  await index?.[Symbol.asyncDispose]();
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
