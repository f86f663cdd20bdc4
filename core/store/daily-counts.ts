/**
 * What was received on a day, and how it stands.
 *
 * A **day** is one of the store's time zone, and a message belongs to the day it was received on, for good: if it is sent
 * tomorrow, today's figures change. So the sums of a day always balance, received = filtered + sent + errored + queued, and
 * they are final when queued is 0 and no error is retried any more. `queued` is what is still open.
 *
 * - Of a **channel**, messages are counted, each under one heading: `queued` until its first pass has ended and as long as a part
 *   of it is in a queue; then `errored` if it failed or a part of it did; else `sent` if a part of it was; else `filtered`. An error that
 *   somebody closes (skip) stays an error, one that is retried is `queued` again. Faults and replays are messages like others: a
 *   replay is received on the day it was made. A message that was recognised as a duplicate is not received; `duplicates` counts it beside,
 *   for the day on which it came.
 * - Of a **destination**, parts are counted: a message that is split has several, one that was dropped before it came there has
 *   none. `received` is what came there, filtered there included; it is the sum of the rest.
 * - Of a **type** (MSH-9, `ADT^A01`), messages are counted, under the same headings. A type is known when the first pass of a message has
 *   ended: from then on it counts as received with its type. What has no type (not routed yet, a fault, not decoded, one of more than 1,000
 *   types of a channel's day, duplicates) is a row without `type`, so that the types of a channel sum up to the channel.
 *
 * Each figure is written in the commit that changes what it counts, and pruning does not change it. Counting began when the store
 * was first opened by a version that counts: what was received before is in no day.
 */
export interface DailyCounts {
  /** `2026-11-20`. */
  readonly day: string;
  readonly channel: string;
  readonly destination?: string;
  readonly type?: string;
  readonly received: number;
  readonly filtered: number;
  readonly sent: number;
  readonly errored: number;
  /** Still open. */
  readonly queued: number;
  /** Of a channel, and of what has no type. */
  readonly duplicates?: number;
}

export interface DailyQuery {
  /** First and last day, `2026-11-20`, of the store's time zone. */
  readonly from: string;
  readonly to: string;
  readonly by: 'channel' | 'destination' | 'type';
  readonly channel?: string;
}

/** The headings under which a message or a part is counted. */
export type Heading = 'filtered' | 'sent' | 'errored' | 'queued';

/** Distinct types that are counted of one channel's day, and how long one may be: types come from the wire. */
export const mostTypes = 1_000;
export const longestType = 100;

/** What is left of a channel when its types are taken away. */
export function untyped(channel: DailyCounts, types: readonly DailyCounts[]): DailyCounts | undefined {
  const left = (of: (counts: DailyCounts) => number) => types.reduce((rest, each) => rest - of(each), of(channel));
  const counts = {
    received: left(({ received }) => received),
    filtered: left(({ filtered }) => filtered),
    sent: left(({ sent }) => sent),
    errored: left(({ errored }) => errored),
    queued: left(({ queued }) => queued),
    duplicates: channel.duplicates ?? 0,
  };
  if (counts.received === 0 && counts.duplicates === 0) return undefined;
  return { day: channel.day, channel: channel.channel, ...counts };
}

/** `DailyQuery.by` type: rows where a channel's day comes before those of its types; it becomes what they leave of it. */
export function byType(rows: readonly DailyCounts[]): readonly DailyCounts[] {
  const told: DailyCounts[] = [];
  for (let at = 0; at < rows.length; ) {
    const ofChannel = rows[at]!;
    let end = at + 1;
    while (end < rows.length && rows[end]!.type !== undefined) end++;
    const types = rows.slice(at + 1, end);
    const rest = untyped(ofChannel, types);
    told.push(...types, ...(rest ? [rest] : []));
    at = end;
  }
  return told;
}
