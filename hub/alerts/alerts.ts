import { isDeepStrictEqual } from 'node:util';
import type { Clock, Log } from '../../core/component.ts';
import { isMapping } from '../../core/config/yaml-file.ts';
import type { DestinationContext } from '../../core/destination.ts';
import type { Endpoint } from '../../core/endpoint.ts';
import { describeThrown, HubError } from '../../core/errors.ts';
import { componentContext } from '../../core/runtime/component-contexts.ts';
import type { Engine } from '../../core/runtime/engine.ts';
import { messageIds } from '../../core/runtime/message-id.ts';
import type { Reader } from '../../core/store/message-store.ts';
import { type Alert, subjectText } from './alert.ts';
import { type AlertsSource, farEndOf } from './far-ends.ts';
import { History, type HistoryEntry } from './history.ts';
import { Incidents } from './incidents.ts';
import { Maintenance, type MaintenanceReport, type OpenedMaintenance } from './maintenance.ts';
import { noticeOf } from './notice.ts';
import type { SinkReport } from './outbox.ts';
import { isFeed, observe } from './rules.ts';
import { bySuspicion, type FeedReport, feedReport } from './silent.ts';
import { Sinks } from './sinks.ts';
import { Watch } from './watch.ts';

const everyMs = 15_000;
const stateName = 'alerts/state';
const historyName = 'alerts/history';

export interface AlertsOptions {
  readonly engine: Pick<Engine, 'status' | 'store' | 'events'>;
  readonly source: AlertsSource;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** What the store keeps free on its disk. */
  readonly lowWaterBytes: number;
  /** The name of this machine, in notices. */
  readonly hub: string;
  readonly version: string;
}

/** Alerts as `weir alerts` shows them. */
export interface AlertsReport {
  readonly firing: readonly (Alert & { readonly muted: boolean })[];
  readonly maintenance: readonly MaintenanceReport[];
  readonly sinks: readonly SinkReport[];
  /** Notices by sink and what became of them, since the hub started. */
  readonly notices: readonly { readonly sink: string; readonly outcome: 'sent' | 'failed'; readonly count: number }[];
}

/** Goes on with what an earlier run knew: what was told is not told again. Nothing is watched before `start`. */
export async function openAlerts(options: AlertsOptions): Promise<Alerts> {
  const { store } = options.engine;
  const [state, history] = await Promise.all([stateName, historyName].map((name) => store.state(name)));
  return new Alerts(options, parsed(state), parsed(history));
}

/** Watches the hub, and tells people when something begins to go wrong and when it is over. */
export class Alerts implements AsyncDisposable {
  readonly #options: AlertsOptions;
  readonly #newId: () => string;
  readonly #watch: Watch;
  readonly #incidents = new Incidents();
  readonly #maintenance = new Maintenance();
  readonly #history = new History();
  readonly #sinks: Sinks;
  readonly #notices = new Map<string, AlertsReport['notices'][number]>();
  #endpoints: Readonly<Record<string, Endpoint>> = {};
  #cancel: (() => void) | undefined;
  #last: Promise<void> = Promise.resolve();
  #stopped = false;
  #failing = false;
  #keptState = '';
  #historyChanged = false;

  /** @param kept what an earlier run kept, as it was read */
  constructor(options: AlertsOptions, kept: unknown, history: unknown) {
    const state = isMapping(kept) ? kept : {};
    const { clock, engine, random, log, lowWaterBytes, hub, version } = options;
    this.#options = options;
    this.#newId = messageIds(() => clock.now(), random);
    this.#watch = new Watch(engine, lowWaterBytes, clock.now());
    this.#sinks = new Sinks({
      ...{ clock, random, log, hub, version, epoch: engine.store.epoch },
      context: (name) => this.#context(name),
      changed: () => void this.#inTurn(() => this.#keep()),
      count: (sink, outcome) => {
        const count = (this.#notices.get(`${sink}/${outcome}`)?.count ?? 0) + 1;
        this.#notices.set(`${sink}/${outcome}`, { sink, outcome, count });
      },
    });
    this.#incidents.restore(state.incidents);
    this.#maintenance.restore(state.maintenance);
    this.#watch.growth.restore(state.growth);
    this.#sinks.restore(state.sinks);
    this.#history.restore(history);
  }

  /** Begins to watch, once the channels run. */
  async start(): Promise<void> {
    await this.reload();
    this.#next();
  }

  /** Puts what was deployed to work. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      const { alerts, wiring } = this.#options.source;
      const { endpoints } = wiring;
      const moved = !isDeepStrictEqual(endpoints, this.#endpoints);
      this.#endpoints = endpoints;
      if (moved) this.#watch.forgetCertificates();
      this.#maintenance.plan(alerts.maintenance);
      await this.#sinks.configure(alerts.sinks, moved);
      this.#sinks.wake();
    });
  }

  /** Looks at everything once and tells what there is to tell. */
  evaluate(): Promise<void> {
    return this.#inTurn(() => this.#evaluate());
  }

  report(): AlertsReport {
    const now = this.#options.clock.now();
    const isMuted = this.#maintenance.muting(now);
    return {
      firing: this.#incidents.firing.map((alert) => ({ ...alert, muted: isMuted(alert.subject.channel) })),
      maintenance: this.#maintenance.underWay(now),
      sinks: this.#sinks.report(),
      notices: [...this.#notices.values()],
    };
  }

  /** The newest first. */
  history(limit: number): readonly HistoryEntry[] {
    return this.#history.last(limit);
  }

  /** What each feed has brought against what it should have, the most suspicious first. */
  async silent(): Promise<readonly FeedReport[]> {
    const { engine, clock, source } = this.#options;
    const { expectations, zone } = source.alerts;
    const now = clock.now();
    const channels = (await engine.status()).filter(isFeed);
    await this.#inTurn(() => this.#watch.feeds.note(channels, now));
    return channels
      .flatMap((channel) => {
        const feed = this.#watch.feeds.of(channel.channel);
        return feed ? [feedReport(channel, feed, expectations, zone, now)] : [];
      })
      .toSorted(bySuspicion);
  }

  /** Mutes the alerts of a channel, or of all that fit a pattern, for so long. Throws HubError `not-allowed`: too many are open. */
  async startMaintenance(channels: string, forMs: number, by: Reader): Promise<OpenedMaintenance> {
    const from = this.#options.clock.now();
    const { actor, reason } = by;
    const window = { id: this.#newId(), channels, from, until: from + forMs, reason, actor };
    await this.#options.engine.store.audit({ ...by, at: from, action: 'start-maintenance', subject: channels });
    this.#maintenance.open(window);
    this.#options.log.info({ channels, until: new Date(window.until).toISOString() }, 'maintenance started');
    await this.#inTurn(() => this.#keep());
    return window;
  }

  /** Ends windows by their id or their channels. Throws HubError `not-found`; those of the file are ended in the file. */
  async endMaintenance(idOrChannels: string, by: Reader): Promise<readonly OpenedMaintenance[]> {
    const at = this.#options.clock.now();
    const ended = this.#maintenance.openFor(idOrChannels, at);
    if (ended.length === 0)
      throw new HubError('not-found', 'permanent', `ending maintenance: none is open for ${idOrChannels}`);
    await this.#options.engine.store.audit({ ...by, at, action: 'end-maintenance', subject: idOrChannels });
    this.#maintenance.end(ended);
    this.#options.log.info({ channels: idOrChannels }, 'maintenance ended');
    await this.#inTurn(() => this.#keep());
    return ended;
  }

  /** Ends watching; what is on its way goes on at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel?.();
    await this.#last;
    await this.#sinks.close();
    await this.#inTurn(() => this.#keep());
    await this.#watch.feeds.keep().catch(() => undefined);
  }

  #next(): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.timer(everyMs, () => void this.evaluate().then(() => this.#next()));
  }

  /** One after the other; what fails is logged once, and tried again the next time. */
  #inTurn(action: () => Promise<void>): Promise<void> {
    const run = this.#last.then(action).then(
      () => {
        this.#failing = false;
      },
      (thrown: unknown) => {
        if (!this.#failing) this.#options.log.error({ error: describeThrown(thrown) }, 'watching for alerts failed');
        this.#failing = true;
      },
    );
    this.#last = run;
    return run;
  }

  async #evaluate(): Promise<void> {
    const { clock, source, hub, log } = this.#options;
    const now = clock.now();
    const { alerts, wiring } = source;
    const view = await this.#watch.look(source, now);
    const isMuted = this.#maintenance.muting(now);
    const { changes, told } = this.#incidents.step(observe(alerts, view), {
      now,
      gatherMs: alerts.gatherMs,
      newId: this.#newId,
      isMuted: ({ channel }) => isMuted(channel),
      farEndOf: (subject) => farEndOf(wiring, subject),
    });
    this.#historyChanged ||= changes.length > 0;
    for (const { what, alert } of changes) {
      const { condition, severity, subject, text } = alert;
      const muted = isMuted(subject.channel);
      this.#history.note(what, alert, muted, now);
      const level = what === 'cleared' ? 'info' : severity === 'critical' ? 'error' : 'warn';
      log[level]({ condition, severity, ...subject, muted }, `alert ${what}: ${subjectText(subject)}: ${text}`);
    }
    for (const each of told) this.#sinks.add(noticeOf(each, this.#newId(), hub, now), now);
    // Before anything is sent: after a crash nobody is told a second time what nobody could tell of.
    await this.#keep();
    this.#sinks.wake();
  }

  async #keep(): Promise<void> {
    const { store } = this.#options.engine;
    const state = JSON.stringify({
      incidents: this.#incidents.kept(),
      maintenance: this.#maintenance.kept(),
      growth: this.#watch.growth.kept(),
      sinks: this.#sinks.kept(),
    });
    try {
      if (state !== this.#keptState) await store.setState(stateName, state);
      this.#keptState = state;
      if (this.#historyChanged) await store.setState(historyName, JSON.stringify(this.#history.kept()));
      this.#historyChanged = false;
    } catch (thrown) {
      // A store that is full has to be told of all the same.
      this.#options.log.warn({ error: describeThrown(thrown) }, 'keeping the state of alerts failed');
    }
  }

  #context(destination: string): DestinationContext {
    const { clock, random, log, engine } = this.#options;
    const services = { clock, random, log, count: () => undefined, endpoint: (name: string) => this.#endpoints[name] };
    return { ...componentContext('alerts', services, () => undefined), destination, events: engine.events, give };
  }
}

/** Alerts are no messages of a channel. */
function give(channel: string): Promise<never> {
  const what = `giving an alert to channel ${channel}: alerts go out of the hub only`;
  return Promise.reject(new HubError('not-allowed', 'permanent', what));
}

/** What an earlier run kept; nothing where it cannot be read. */
function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
