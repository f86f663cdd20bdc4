import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from '../core/component.ts';
import { type CodeLoader, createCodeLoader } from '../core/config/code-loader.ts';
import { asHubError, HubError } from '../core/errors.ts';
import { createEngine } from '../core/runtime/create-engine.ts';
import type { Engine, StopReport } from '../core/runtime/engine.ts';
import type { Reader } from '../core/store/message-store.ts';
import type { Phase } from './admin/context.ts';
import { AlertsOfOne } from './alerts/alerts-of-one.ts';
import { openBackends } from './backends.ts';
import { assertDeployed, type Chosen, type DeployReport } from './deploy-report.ts';
import { recordDeploy } from './deploy-trail.ts';
import { Deployment } from './deployment.ts';
import { KeptUnknownCodes } from './kept-unknown-codes.ts';
import { LiveReporter } from './live/live-reporter.ts';
import { openAlarmBus, openLiveBus } from './live/open-live-bus.ts';
import { openRates } from './rates/open-rates.ts';
import { shippedRegistry } from './registry.ts';
import { closeSearch, openSearch, usableSearch } from './search/open-search.ts';
import { AlarmsService } from './services/alarms-service.ts';
import { openServiceStore } from './services/open-service-store.ts';
import { readOrNothing, type Settings } from './settings.ts';
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
 * Starts a hub: every channel of the folder runs when it resolves. A database that is away is waited for, until `signal`. Throws
 * HubError `store-locked`, `port-in-use`, `config-invalid` (a line for each mistake in the channel files, else one); nothing is left
 * open then.
 */
export async function startHub(
  settings: Settings,
  log: Log,
  signal: AbortSignal = new AbortController().signal,
): Promise<Hub> {
  await using opened = new AsyncDisposableStack();
  let phase: Phase = 'starting';
  // The threads of the store and the event log start while this one loads Express.
  const loading = import('./admin/server.ts');
  const { store, events, database, failed } = await openBackends(settings, log, opened, signal);
  const searching = openSearch(settings, database, log);
  opened.defer(() => closeSearch(searching));
  const { startAdminServer } = await loading;
  const code = opened.use(await codeLoader(settings.channels));
  const deployment = new Deployment(settings, shippedRegistry(), code);
  const { redis } = settings;
  const rates = redis && opened.use(await openRates(redis));
  const engine = await createEngine({
    ...{ store, rates },
    events,
    clock: systemClock,
    random: Math.random,
    log,
    endpoints: deployment,
    alsoPruned: () => deployment.undeployedDefinitions,
  });
  opened.defer(() => engine[Symbol.asyncDispose]());
  let alarms: AlarmsService | undefined;
  const alerts = opened.use(
    new AlertsOfOne({
      services: () => (alarms && phase === 'running' ? [alarms.standing()] : []),
      ...{ engine, source: deployment, clock: systemClock, random: Math.random, log },
      ...{ lowWaterBytes: settings.store.lowWaterBytes, hub: settings.hub ?? hostname(), version: weirVersion },
    }),
  );
  const live = opened.use(await openLiveBus(settings.redis, systemClock, log));
  opened.use(new LiveReporter({ engine, bus: live, hub: settings.hub ?? hostname(), clock: systemClock, log }));
  const { alarms: watch } = settings.services;
  alarms =
    watch &&
    opened.use(
      new AlarmsService({
        ...{ engine, events, clock: systemClock, random: Math.random, log, hub: settings.hub ?? hostname() },
        profiles: {
          directory: settings.channels,
          registry: shippedRegistry(),
          references: { environment: process.env, readFile: readOrNothing, stateDir: settings.stateDir },
        },
        bus: opened.use(await openAlarmBus(settings.redis, systemClock, log)),
        ages: { monitoredMs: watch.monitoredMaxAgeMs, chartedMs: watch.chartedMaxAgeMs },
        patientReadings: watch.patientReadings,
        openStore: () => openServiceStore(settings, database),
      }),
    );
  await deployment.undeployed.load(store);
  const undeploy = opened.use(
    new Undeploy({
      ...{ engine, undeployed: deployment.undeployed, clock: systemClock, log },
      inTurn: (run) => deployment.inTurn(run),
      bringBack: (channel) => bringBack(channel),
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
    await alarms?.reload();
    return report;
  };
  const bringBack = async (channel: string) => {
    const by = { actor: 'weir', reason: 'another hub was asked to deploy it' };
    try {
      const report = await deploy({ channels: [channel], by });
      await recordDeploy(store, report, by, systemClock.now(), true);
      assertDeployed(report);
    } catch (thrown) {
      const error = asHubError(thrown, 'config-invalid', `deploying ${channel}`);
      log.error({ channel, code: error.code }, error.message);
    }
  };
  const context = {
    engine,
    deploy,
    undeploy,
    codes: deployment,
    wiring: () => deployment.wiring,
    definition: (channel: string) => deployment.channel(channel),
    alerts,
    live,
    alarms,
    search: searching,
    phase: () => phase,
    startedAt: Date.now(),
    version: weirVersion,
    log,
  };
  const admin = opened.use(await startAdminServer(context, settings.admin));
  await alarms?.declare();
  const started = await deploy();
  assertDeployed(started);
  await recordDeploy(store, started, { actor: 'weir', reason: 'the hub was started' }, systemClock.now(), true);
  await codes.start();
  tables.start();
  await usableSearch(searching, log);
  phase = 'running';
  undeploy.watch();
  await alerts.start();
  await alarms?.start();

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
