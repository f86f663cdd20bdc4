import { basename } from 'node:path';
import type { ChannelStatus, Engine } from '../../core/runtime/engine.ts';
import { type CertificateReport, certificateReports } from '../admin/certificates.ts';
import type { RefusedTables } from '../deploy-report.ts';
import type { View } from './condition.ts';
import type { AlertsSource } from './far-ends.ts';
import { Feeds } from './feeds.ts';
import { Growth } from './growth.ts';
import { Totals } from './totals.ts';

const certificatesEveryMs = 10 * 60_000;
const mostLookedAt = 1_000;

/** Looks at everything that alerts are about, and remembers what has to be compared. */
export class Watch {
  readonly feeds: Feeds;
  readonly growth = new Growth();
  readonly #engine: Pick<Engine, 'status' | 'store'>;
  readonly #lowWaterBytes: number;
  readonly #since: number;
  readonly #totals = new Totals();
  /** By channel, the errors of whole messages and how many of them are of another processing. */
  #refused = new Map<string, { readonly whole: number; readonly count: number }>();
  #certificates: readonly CertificateReport[] = [];
  #certificatesAt = Number.NEGATIVE_INFINITY;

  constructor(engine: Pick<Engine, 'status' | 'store'>, lowWaterBytes: number, now: number) {
    this.#engine = engine;
    this.#lowWaterBytes = lowWaterBytes;
    this.#since = now;
    this.feeds = new Feeds(engine.store);
  }

  /** Reads certificates anew at the next look. */
  forgetCertificates(): void {
    this.#certificatesAt = Number.NEGATIVE_INFINITY;
  }

  async look(source: AlertsSource, now: number): Promise<View> {
    const { wiring, alerts, refusedTables, certificatesElsewhere = [] } = source;
    const { zone } = alerts;
    const [channels, usage] = await Promise.all([this.#engine.status(), this.#engine.store.usage()]);
    if (now - this.#certificatesAt >= certificatesEveryMs) {
      this.#certificates = await certificateReports(wiring, now);
      this.#certificatesAt = now;
    }
    this.growth.note(usage.bytes, now);
    await this.feeds.note(channels, now);
    this.#noteTotals(channels, now);
    await this.#countRefused(channels);
    return {
      now,
      watchingSince: this.#since,
      channels,
      usage,
      lowWaterBytes: this.#lowWaterBytes,
      growthPerDay: this.growth.perDay(),
      certificates: [...this.#certificates, ...certificatesElsewhere],
      refusedTables: refusedTables && refusal(refusedTables),
      services: source.services ?? [],
      ownLogs: source.ownLogs ?? 0,
      processingRefused: (channel) => this.#refused.get(channel)?.count ?? 0,
      rise: (channel, total, withinMs) => this.#totals.rise(channel, total, withinMs),
      lastReceivedAt: (channel) => this.feeds.of(channel)?.lastReceivedAt,
      lastHour: (channel, weeks) => {
        const feed = this.feeds.of(channel);
        const usual = feed?.usualHour(now, zone, weeks);
        return feed && usual !== undefined ? { received: feed.lastHour, usual } : undefined;
      },
    };
  }

  /** Of those that failed as a whole, which are few: looked at again where their number is another one. */
  async #countRefused(channels: readonly ChannelStatus[]): Promise<void> {
    const before = this.#refused;
    this.#refused = new Map();
    for (const { channel, counts, destinations } of channels) {
      const whole = counts.openErrors - destinations.reduce((sum, each) => sum + each.openErrors, 0);
      if (whole <= 0) continue;
      const known = before.get(channel);
      const count = known?.whole === whole ? known.count : await this.#refusedAmong(channel);
      this.#refused.set(channel, { whole, count });
    }
  }

  async #refusedAmong(channel: string): Promise<number> {
    const { errors } = await this.#engine.store.openErrors({ channel, destination: '', limit: mostLookedAt });
    return errors.filter(({ error }) => error.code === 'processing-refused').length;
  }

  #noteTotals(channels: readonly ChannelStatus[], now: number): void {
    for (const { channel, counts, counters } of channels) {
      this.#totals.note(channel, 'errored', counts.errored, now);
      this.#totals.note(channel, 'sent', counts.sent, now);
      for (const [name, value] of Object.entries(counters)) this.#totals.note(channel, name, value, now);
    }
    this.#totals.keep(new Set(channels.map(({ channel }) => channel)));
  }
}

function refusal({ problems, channels }: RefusedTables): NonNullable<View['refusedTables']> {
  const [first] = problems;
  return {
    problems: problems.length,
    first: first ? `${basename(first.file)}:${first.line}` : '',
    channels: channels.map(({ channel }) => channel),
  };
}
