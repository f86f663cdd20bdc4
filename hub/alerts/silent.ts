import type { ChannelStatus } from '../../core/runtime/engine.ts';
import type { Zone } from '../../core/time/zone.ts';
import type { Expectation } from './alerts-config.ts';
import type { Feed } from './traffic.ts';
import { hourOfWeek } from './traffic.ts';

const hourMs = 3_600_000;

/** A feed as `weir silent` shows it: what came against what should have. */
export interface FeedReport {
  readonly channel: string;
  readonly state: ChannelStatus['state'];
  readonly lastReceivedAt?: number;
  readonly lastHour: number;
  readonly lastDay: number;
  /** Of the same hour of the week, and of the same day, in the weeks before; absent until enough of them are known. */
  readonly usualHour?: number;
  readonly usualDay?: number;
  readonly hourOfWeek: string;
  /** What `alerts.yaml` expects of it now: the longest time without a message. */
  readonly expectedEveryMs?: number;
  /** Nothing comes although it is expected, or usual. */
  readonly silent: boolean;
  /** How unlikely so little is; they are sorted by it. */
  readonly suspicion: number;
}

/** So little is told from chance only where more than this usually comes. */
const tellingUsual = 5;
const weeksNeeded = 2;
const certainSuspicion = 1_000;

export function feedReport(
  { channel, state }: ChannelStatus,
  feed: Feed,
  expectations: readonly Expectation[],
  zone: Zone,
  now: number,
): FeedReport {
  const { lastReceivedAt, lastHour } = feed;
  const lastDay = feed.lastDay(now);
  const usualHour = feed.usualHour(now, zone, weeksNeeded);
  const usualDay = feed.usualDay(now, zone, weeksNeeded);
  const own = expectations.filter((each) => each.isFor(channel));
  const running = own.flatMap((each) => {
    const stretch = each.hours.at(now);
    return stretch ? [{ everyMs: each.everyMs, quietMs: now - Math.max(stretch.start, lastReceivedAt ?? 0) }] : [];
  });
  const broken = running.filter(({ everyMs, quietMs }) => quietMs > everyMs);
  const unusual = Math.max(unlikely(lastHour, usualHour), unlikely(lastDay, usualDay));
  const isUnusual =
    own.length === 0 &&
    ((lastHour === 0 && (usualHour ?? 0) > tellingUsual) || (lastDay === 0 && (usualDay ?? 0) > tellingUsual));
  const overdue = Math.max(0, ...broken.map(({ everyMs, quietMs }) => quietMs / everyMs));
  return {
    channel,
    state,
    ...(lastReceivedAt !== undefined && { lastReceivedAt }),
    lastHour,
    lastDay,
    ...(usualHour !== undefined && { usualHour }),
    ...(usualDay !== undefined && { usualDay }),
    hourOfWeek: hourOfWeek(now - hourMs, zone),
    ...(running.length > 0 && { expectedEveryMs: Math.min(...running.map(({ everyMs }) => everyMs)) }),
    silent: broken.length > 0 || isUnusual,
    suspicion: broken.length > 0 ? certainSuspicion + overdue : unusual,
  };
}

/** The most suspicious first. */
export function bySuspicion(a: FeedReport, b: FeedReport): number {
  return Number(b.silent) - Number(a.silent) || b.suspicion - a.suspicion || (a.channel < b.channel ? -1 : 1);
}

/**
 * -log10 of the chance of so few where so many are usual (Poisson, by its Chernoff bound); 0 where it is not fewer. Real feeds
 * come in bursts, so it is good for an order among feeds and nothing else.
 */
function unlikely(actual: number, usual: number | undefined): number {
  if (usual === undefined || actual >= usual) return 0;
  const exponent = usual - actual + (actual === 0 ? 0 : actual * Math.log(actual / usual));
  return exponent / Math.LN10;
}
