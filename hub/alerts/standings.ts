import type { ChannelStatus, Engine } from '../../core/runtime/engine.ts';
import type { MessageStore } from '../../core/store/message-store.ts';
import { type CertificateReport, certificateReports } from '../admin/certificates.ts';
import type { RefusedTables } from '../deploy-report.ts';
import { type ServiceStanding, servicesTogether } from '../services/service-standing.ts';
import type { AlertsConfig } from './alerts-config.ts';
import type { AlertsSource } from './far-ends.ts';

const certificatesEveryMs = 10 * 60_000;

/** How everything stands on one hub, as it tells the one that watches for alerts. */
interface Standing {
  /** Of Weir: hubs of two versions may not understand each other. */
  readonly version: string;
  readonly channels: readonly ChannelStatus[];
  readonly certificates: readonly CertificateReport[];
  readonly refusedTables?: RefusedTables;
  /** Absent where a hub of before told it. */
  readonly services?: readonly ServiceStanding[];
}

export interface StandingsOptions {
  readonly engine: Pick<Engine, 'status' | 'cluster' | 'events'> & {
    readonly store: Pick<MessageStore, 'state' | 'setState'>;
  };
  readonly source: AlertsSource;
  /** Those of this hub’s settings, as they stand here. */
  services?(): readonly ServiceStanding[];
  readonly version: string;
}

/**
 * How everything stands on all hubs of a store: the one that watches for alerts knows of the others what they told it, by way of the
 * store, and of those only that live.
 */
export class Standings implements AlertsSource {
  readonly #options: StandingsOptions;
  #certificates: readonly CertificateReport[] = [];
  #certificatesAt = Number.NEGATIVE_INFINITY;
  #others: readonly { readonly hub: string; readonly standing: Standing }[] = [];

  constructor(options: StandingsOptions) {
    this.#options = options;
  }

  get alerts(): AlertsConfig {
    return this.#options.source.alerts;
  }
  get wiring(): AlertsSource['wiring'] {
    return this.#options.source.wiring;
  }
  get refusedTables(): RefusedTables | undefined {
    const others = this.#others.flatMap(({ standing }) => standing.refusedTables ?? []);
    return this.#options.source.refusedTables ?? others[0];
  }
  get certificatesElsewhere(): readonly CertificateReport[] {
    return this.#others.flatMap(({ standing }) => standing.certificates);
  }
  get services(): readonly ServiceStanding[] {
    return servicesTogether([...this.#services, ...this.#others.flatMap(({ standing }) => standing.services ?? [])]);
  }
  get ownLogs(): number {
    const { engine } = this.#options;
    // Whoever has the log with others publishes there under a lease.
    return engine.events.publisherOf ? 0 : (engine.cluster()?.hubs.length ?? 0);
  }

  /** Tells how everything stands here; nothing where no other hub lives. */
  async tell(now: number): Promise<void> {
    const { engine, source, version } = this.#options;
    const { hub, hubs } = engine.cluster() ?? { hub: '', hubs: [] };
    if (hubs.length < 2) return;
    if (now - this.#certificatesAt >= certificatesEveryMs) {
      this.#certificates = await certificateReports(source.wiring, now);
      this.#certificatesAt = now;
    }
    const { refusedTables } = source;
    const standing: Standing = {
      ...{ version, channels: await engine.status(), certificates: this.#certificates },
      services: this.#services,
      ...(refusedTables && { refusedTables }),
    };
    await engine.store.setState(stateName(hub), JSON.stringify(standing));
  }

  /** The channels of this hub, with what only others know of them. */
  async status(): Promise<readonly ChannelStatus[]> {
    const { engine, version } = this.#options;
    const { hub: own = '', hubs = [] } = engine.cluster() ?? {};
    const read = hubs.filter((hub) => hub !== own).map(async (hub) => ({ hub, standing: await this.#standingOf(hub) }));
    this.#others = (await Promise.all(read)).flatMap(({ hub, standing }) =>
      standing?.version === version ? [{ hub, standing }] : [],
    );
    const channels = await engine.status();
    return channels.map((channel) => this.#withOthers(channel));
  }

  #withOthers(own: ChannelStatus): ChannelStatus {
    const others = this.#others.flatMap(({ hub, standing }) => {
      const channel = standing.channels.find((each) => each.channel === own.channel);
      return channel ? [{ hub, channel }] : [];
    });
    const holder = others.find(({ hub }) => hub === own.hub)?.channel ?? own;
    const failed = [own, ...others.map(({ channel }) => channel)].find(({ state }) => state === 'failed');
    const { state, error, source } = failed ?? holder;
    const counters = { ...own.counters };
    for (const { channel } of others)
      for (const [name, count] of Object.entries(channel.counters)) counters[name] = (counters[name] ?? 0) + count;
    const received = [own, ...others.map(({ channel }) => channel)].flatMap((each) => each.lastReceivedAt ?? []);
    const { error: _, ...known } = own;
    return {
      ...{ ...known, state, source, counters },
      ...(error && { error }),
      ...(received.length > 0 && { lastReceivedAt: Math.max(...received) }),
      destinations: own.destinations.map((each) => {
        const held = holder.destinations.find(({ destination }) => destination === each.destination) ?? each;
        // What the store counts is the same everywhere, and newer here.
        const { queued, filtered, sent, errored, openErrors } = each;
        return { ...held, queued, filtered, sent, errored, openErrors };
      }),
    };
  }

  get #services(): readonly ServiceStanding[] {
    return this.#options.services?.() ?? [];
  }

  async #standingOf(hub: string): Promise<Standing | undefined> {
    const text = await this.#options.engine.store.state(stateName(hub));
    return text === undefined ? undefined : (JSON.parse(text) as Standing);
  }
}

function stateName(hub: string): string {
  return `alerts/standing@${hub}`;
}
