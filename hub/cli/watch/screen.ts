import type { ChannelFigures, LiveReport, LiveStatus } from '../../live/live-bus.ts';
import { type Column, table } from '../output.ts';

/** A hub of which nothing has come for so long is not shown any more. */
const staleMs = 10_000;
const widest = 120;

interface Seen {
  readonly report: LiveReport;
  readonly before: LiveReport | undefined;
  readonly seenAt: number;
}

/** What of the reports so far is on the screen: the last of each hub, and how fast its totals grow. */
export class Screen {
  readonly #hubs = new Map<string, Seen>();
  #bus: LiveStatus | undefined;

  bus(status: LiveStatus): void {
    this.#bus = status;
  }

  /** @param now milliseconds on a clock of one's own, since those of hubs differ */
  add(report: LiveReport, now: number): void {
    this.#hubs.set(report.hub, { report, before: this.#hubs.get(report.hub)?.report, seenAt: now });
    for (const [hub, { seenAt }] of this.#hubs) if (now - seenAt > staleMs) this.#hubs.delete(hub);
  }

  /** At most 120 columns wide. */
  text(): string {
    const hubs = [...this.#hubs.values()].sort((a, b) => (a.report.hub < b.report.hub ? -1 : 1));
    const several = hubs.length > 1;
    const rows = hubs.flatMap((seen) => seen.report.channels.map((channel) => row(seen, channel, several)));
    const shared = several && hubs.some(({ report }) => report.shared);
    const lines = [
      `${hubs.length} ${hubs.length === 1 ? 'hub' : 'hubs'}: ${hubs.map(({ report }) => short(report.hub, 30)).join(', ')}`,
      ...(this.#bus?.state === 'away' ? [`other hubs are not seen: Redis: ${this.#bus.error ?? 'away'}`] : []),
      ...(shared ? ['hubs share a store: its counts are the same at each of them'] : []),
      rows.length > 0 ? table(several ? [{ title: 'HUB' }, ...columns] : columns, rows, widest) : 'no channels',
    ];
    return lines.map((line) => (line.includes('\n') ? line : short(line, widest))).join('\n');
  }
}

const right = 'right' as const;
const columns: readonly Column[] = [
  { title: 'CHANNEL' },
  { title: 'STATE' },
  { title: 'IN/S', align: right },
  { title: 'OUT/S', align: right },
  { title: 'ERRORS/S', align: right },
  { title: 'RECEIVED', align: right },
  { title: 'QUEUED', align: right },
  { title: 'OPEN', align: right },
];

function row({ report, before }: Seen, channel: ChannelFigures, several: boolean): readonly string[] {
  const earlier = before?.channels.find((each) => each.channel === channel.channel);
  const seconds = before ? (report.at - before.at) / 1000 : 0;
  const rate = (of: 'received' | 'sent' | 'errored'): string =>
    // Totals begin anew where a channel was removed and came back.
    earlier && seconds > 0 ? perSecond(Math.max(0, channel[of] - earlier[of]) / seconds) : '-';
  return [
    ...(several ? [short(report.hub, 18)] : []),
    short(channel.channel, several ? 28 : 44),
    channel.state,
    rate('received'),
    rate('sent'),
    rate('errored'),
    String(channel.received),
    String(channel.queued),
    String(channel.openErrors),
  ];
}

function perSecond(rate: number): string {
  return rate > 0 && rate < 10 ? rate.toFixed(1) : String(Math.round(rate));
}

function short(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
