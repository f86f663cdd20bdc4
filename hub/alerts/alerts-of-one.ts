import { describeThrown, HubError } from '../../core/errors.ts';
import type { Engine } from '../../core/runtime/engine.ts';
import type { Reader } from '../../core/store/message-store.ts';
import { type Alerts, type AlertsOptions, type AlertsReport, openAlerts } from './alerts.ts';
import type { HistoryEntry } from './history.ts';
import type { OpenedMaintenance } from './maintenance.ts';
import type { FeedReport } from './silent.ts';
import { Standings, type StandingsOptions } from './standings.ts';

const tellEveryMs = 15_000;
const work = 'alerts';
const nothing: AlertsReport = { firing: [], maintenance: [], sinks: [], notices: [] };

export interface AlertsOfOneOptions extends Omit<AlertsOptions, 'engine'>, Pick<StandingsOptions, 'services'> {
  readonly engine: Pick<Engine, 'status' | 'store' | 'events' | 'cluster' | 'ofOne'>;
}

/**
 * The alerts of hubs that share a store: one of them watches for all, so that each alert is told once, and goes on with what the last
 * one knew. The others tell it how they stand, and throw `not-allowed`, which names it, where somebody asks them.
 */
export class AlertsOfOne implements AsyncDisposable {
  readonly #options: AlertsOfOneOptions;
  readonly #standings: Standings;
  #alerts: Alerts | undefined;
  #cancel: (() => void) | undefined;
  #telling: Promise<void> = Promise.resolve();
  #started = false;
  #stopped = false;

  constructor(options: AlertsOfOneOptions) {
    this.#options = options;
    this.#standings = new Standings(options);
  }

  /** Begins to watch, or to tell whoever does, once the channels run. */
  async start(): Promise<void> {
    const { engine } = this.#options;
    this.#started = true;
    await engine.ofOne.share(work, { begin: () => this.#begin(), end: () => this.#end() });
    if (engine.store.shared) this.#next();
  }

  async #begin(): Promise<void> {
    if (this.#stopped) return;
    const { store, events } = this.#options.engine;
    const engine = { store, events, status: () => this.#standings.status() };
    const alerts = await openAlerts({ ...this.#options, engine, source: this.#standings });
    if (this.#stopped) return await alerts[Symbol.asyncDispose]();
    this.#alerts = alerts;
    await alerts.start();
  }

  async #end(): Promise<void> {
    const alerts = this.#alerts;
    this.#alerts = undefined;
    await alerts?.[Symbol.asyncDispose]();
  }

  #next(): void {
    const { clock, log } = this.#options;
    if (this.#stopped) return;
    this.#cancel = clock.timer(tellEveryMs, () => {
      const failed = (thrown: unknown) =>
        log.warn({ error: describeThrown(thrown) }, 'telling how this hub stands failed');
      this.#telling = (this.#alerts ? Promise.resolve() : this.#standings.tell(clock.now())).catch(failed);
      void this.#telling.then(() => this.#next());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#telling;
    await this.#end();
  }

  /** Puts what was deployed to work. */
  async reload(): Promise<void> {
    await this.#alerts?.reload();
  }

  /** As this hub knows it: nothing where another one watches. */
  figures(): AlertsReport {
    return this.#alerts?.report() ?? nothing;
  }

  /** Looks at everything once. Empty before the channels run. */
  async report(): Promise<AlertsReport> {
    if (!this.#started) return nothing;
    const alerts = this.#here;
    await alerts.evaluate();
    return alerts.report();
  }

  history(limit: number): readonly HistoryEntry[] {
    return this.#here.history(limit);
  }
  async silent(): Promise<readonly FeedReport[]> {
    return await this.#here.silent();
  }
  async startMaintenance(channels: string, forMs: number, by: Reader): Promise<OpenedMaintenance> {
    return await this.#here.startMaintenance(channels, forMs, by);
  }
  async endMaintenance(idOrChannels: string, by: Reader): Promise<readonly OpenedMaintenance[]> {
    return await this.#here.endMaintenance(idOrChannels, by);
  }

  get #here(): Alerts {
    if (this.#alerts) return this.#alerts;
    const hub = this.#options.engine.ofOne.hubOf(work);
    const where = hub === undefined ? 'no hub watches for them at the moment' : `hub ${hub} watches for them, ask it`;
    throw new HubError('not-allowed', 'transient', `asking for alerts: ${where}`);
  }
}
