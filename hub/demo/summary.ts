import type { ChannelStatus } from '../../core/runtime/engine.ts';
import { type Column, table } from '../cli/output.ts';
import type { Delivered } from './delivery.ts';
import type { FeedReport } from './feed.ts';
import type { SeenAlarm, WardRow } from './ward.ts';

const right = (title: string): Column => ({ title, align: 'right' });

/** What went where: each channel with its destinations, and how fast its sender was answered. */
export function channelTable(status: readonly ChannelStatus[], feeds: ReadonlyMap<string, FeedReport>): string {
  const columns = [
    { title: 'Channel' },
    right('Received'),
    right('Filtered'),
    right('Sent'),
    right('Queued'),
    right('Errored'),
    right('Ack p50'),
    right('Ack p99'),
  ];
  const busy = status.filter(({ channel, counts }) => counts.received > 0 || feeds.has(channel));
  const rows = busy.flatMap(({ channel, counts, destinations }) => {
    const { p50, p99 } = percentiles(feeds.get(channel)?.latenciesMs ?? []);
    return [
      [
        channel,
        ...[counts.received, counts.filtered, counts.sent, counts.queued, counts.errored].map(number),
        ms(p50),
        ms(p99),
      ],
      ...destinations.map((each) => [
        `  → ${each.destination}`,
        '',
        ...[each.filtered, each.sent, each.queued, each.errored].map(number),
      ]),
    ];
  });
  return table(columns, rows);
}

/** What is there, far end by far end. */
export function deliveryTable(delivered: readonly Delivered[]): string {
  const columns = [{ title: 'Far end' }, { title: 'What' }, right('Expected'), right('There'), { title: '' }];
  return table(
    columns,
    delivered.map(({ place, what, expected, found, wrong }) => [
      place,
      what,
      number(expected),
      number(found),
      wrong.length === 0 ? 'all' : `WRONG: ${shortened(wrong)}`,
    ]),
  );
}

/** What devices said, and what of it came out; they go on while it is counted. */
export function wardTable(rows: readonly WardRow[]): string {
  const columns = [
    { title: 'Device' },
    { title: 'Over' },
    { title: 'What' },
    right('Said'),
    right('There'),
    { title: '' },
  ];
  return table(
    columns,
    rows.map(({ device, way, sent, there, wrong }) => [
      device,
      way,
      saidOver[way] ?? 'packets',
      number(sent),
      number(there),
      wrong === undefined ? '' : `WRONG: ${wrong}`,
    ]),
  );
}

const saidOver: Readonly<Record<string, string>> = {
  MQTT: 'publications',
  ASTM: 'results',
  'Modbus TCP': 'requests, and polls of several',
};

export function alarmLine(seen: SeenAlarm | undefined): string {
  if (!seen) return 'no alarm was seen';
  const { alarm, latencyMs } = seen;
  const held = Date.parse(alarm.at) - Date.parse(alarm.raisedAt);
  const { device, location, title, priority } = alarm;
  const where = location === undefined ? device : `${device} (${location})`;
  const after = held > 0 ? `, ${ms(held)} after it began` : '';
  return `alarm, priority ${priority}: ${title} at ${where}${after}; seen ${ms(latencyMs)} after the reading that raised it came in`;
}

function shortened(ids: readonly string[]): string {
  const shown = ids.slice(0, 5).join(', ');
  return ids.length > 5 ? `${shown} and ${ids.length - 5} more` : shown;
}

/** Nearest rank; undefined of nothing. */
export function percentiles(values: readonly number[]): {
  readonly p50: number | undefined;
  readonly p99: number | undefined;
} {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return { p50: at(0.5), p99: at(0.99) };
}

/** `1.3 ms`, `2.0 s`; `-` of nothing. */
export function ms(value: number | undefined): string {
  if (value === undefined) return '-';
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)} s`;
  return value < 100 ? `${value.toFixed(1)} ms` : `${value.toFixed(0)} ms`;
}

/** `4,562` */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}
