import type { PostgresSession } from '../../../clients/postgres/session.ts';
import { counterFields } from '../../../core/store/counter-tally.ts';
import { byType, type DailyCounts, type DailyQuery } from '../../../core/store/daily-counts.ts';
import { dailyFields } from '../../../core/store/daily-tally.ts';
import { dayNumber, dayText } from '../../../core/store/local-days.ts';
import type { ChannelCounts } from '../../../core/store/message-store.ts';
import type { Names } from './names.ts';

/** Counters of all hubs. */
export async function counts(
  session: PostgresSession,
  quoted: string,
  names: Names,
): Promise<readonly ChannelCounts[]> {
  const sums = counterFields.map((field) => `sum(${field})::int8`).join(', ');
  const rows = await session.ask(
    `SELECT channel, destination, ${sums} FROM ${quoted}.counter GROUP BY channel, destination ORDER BY channel, destination`,
  );
  const all = rows.map(([channel, destination, ...values]) => {
    const of = (field: (typeof counterFields)[number]) => Number(values[counterFields.indexOf(field)]);
    return { channel: Number(channel), destination: Number(destination), of };
  });
  return all
    .filter(({ destination }) => destination === 0)
    .map(({ channel, of }) => ({
      channel: names.text(channel),
      ...{ received: of('received'), duplicates: of('duplicates'), reusedKeys: of('reused_keys') },
      ...{ filtered: of('filtered'), errored: of('errored'), openErrors: of('open_errors'), unrouted: of('unrouted') },
      destinations: all
        .filter((part) => part.channel === channel && part.destination !== 0)
        .map((part) => ({
          destination: names.text(part.destination),
          ...{ filtered: part.of('filtered'), sent: part.of('sent'), errored: part.of('errored') },
          ...{ openErrors: part.of('open_errors'), queued: part.of('queued') },
        })),
    }));
}

export async function dailyCounts(
  session: PostgresSession,
  quoted: string,
  names: Names,
  { from, to, by, channel }: DailyQuery,
): Promise<readonly DailyCounts[]> {
  const which = {
    channel: "destination = 0 AND type = ''",
    destination: 'destination <> 0',
    type: 'destination = 0',
  }[by];
  const sums = dailyFields.map((field) => `sum(${field})::int8`).join(', ');
  const rows = await session.ask(
    `SELECT day, channel, destination, type, ${sums} FROM ${quoted}.daily
     WHERE day BETWEEN $1 AND $2 AND ($3::int4 IS NULL OR channel = $3) AND ${which}
     GROUP BY day, channel, destination, type ORDER BY day, channel, destination, type`,
    [dayNumber(from) ?? 0, dayNumber(to) ?? 0, channel === undefined ? null : names.known(channel)],
  );
  const told = rows.map((row): DailyCounts => {
    const [day, of, destination, type, received, filtered, sent, errored, queued, duplicates] = row;
    return {
      ...{ day: dayText(Number(day)), channel: names.text(Number(of)) },
      ...(destination === 0 ? {} : { destination: names.text(Number(destination)) }),
      ...(type === '' ? {} : { type: String(type) }),
      ...{ received: Number(received), filtered: Number(filtered), sent: Number(sent) },
      ...{ errored: Number(errored), queued: Number(queued) },
      ...(destination === 0 && type === '' ? { duplicates: Number(duplicates) } : {}),
    };
  });
  return by === 'type' ? byType(told) : told;
}
