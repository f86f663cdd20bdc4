import { numbers } from '../../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import type { MessageQuery } from '../../../core/store/message-store.ts';
import { type Range, slotRange } from './pruning.ts';

/** Clocks are set back now and then: times rise with seq but for this much. */
const slackMs = 3_600_000;
/** Partitions that are looked at together. */
const mostTogether = 16;

/** A stretch of seqs in which messages are looked for, and within it what can be meant of each channel. */
export interface Stretch extends Range {
  readonly channels: readonly { readonly channel: number; readonly low: number; readonly high: number }[];
}

/** Where a search looks: seqs of some channels, in partitions that have such messages, received in the time that is asked for. */
export class Stretches {
  readonly #session: PostgresSession;
  readonly #quoted: string;
  readonly #channels: readonly number[];
  readonly #query: MessageQuery;
  #found:
    | { readonly slots: readonly number[]; readonly lows: readonly number[]; readonly highs: readonly number[] }
    | undefined;

  constructor(session: PostgresSession, quoted: string, channels: readonly number[], query: MessageQuery) {
    this.#session = session;
    this.#quoted = quoted;
    this.#channels = channels;
    this.#query = query;
  }

  /**
   * Those after a seq, in the order of the query. Partitions stand in a stretch by the constants of a statement: one that names none has
   * all of them opened, which takes 100 ms where there are 400. The first is one partition; where that is not enough, more follow at once.
   */
  async *after(at: number | undefined): AsyncGenerator<Stretch> {
    this.#found ??= await this.#look();
    const { lows, highs } = this.#found;
    const isAscending = this.#query.ascending ?? false;
    const isAhead = ({ first, last }: Range) => at === undefined || (isAscending ? last > at : first < at);
    const slots = this.#found.slots.filter((slot) => isAhead(slotRange(slot)));
    if (!isAscending) slots.reverse();
    for (
      let next = 0, together = 1;
      next < slots.length;
      next += together, together = Math.min(together * 2, mostTogether)
    ) {
      const ranges = slots.slice(next, next + together).map(slotRange);
      const first = Math.min(...ranges.map((range) => range.first));
      const last = Math.max(...ranges.map((range) => range.last));
      yield {
        ...{ first, last },
        channels: this.#channels.map((channel, index) => ({
          ...{ channel, low: Math.max(first, lows[index] ?? first), high: Math.min(last, highs[index] ?? last) },
        })),
      };
    }
  }

  async #look() {
    const { from, to } = this.#query;
    const times = [
      ...(from === undefined ? [] : [`AND coalesce(s.ended_at >= ${Math.trunc(from - slackMs)}, true)`]),
      ...(to === undefined ? [] : [`AND coalesce(s.begun_at <= ${Math.trunc(to + slackMs)}, true)`]),
    ];
    const counted = `SELECT FROM ${this.#quoted}.slot_channel c WHERE c.slot = s.slot`;
    const rows = await this.#session.ask(
      `SELECT s.slot FROM ${this.#quoted}.slot s WHERE (s.ended_at IS NULL OR NOT EXISTS (${counted})
         OR EXISTS (${counted} AND c.channel = ANY(${numbers(this.#channels, 'int4')}))) ${times.join(' ')} ORDER BY s.slot`,
    );
    const slots = rows.map(([slot]) => Number(slot));
    const [first, last] = [slots[0], slots.at(-1)];
    const none: readonly number[] = [];
    const lows =
      from === undefined || first === undefined ? none : await this.#reached(slotRange(first), from - slackMs);
    const ends = to === undefined || last === undefined ? none : await this.#reached(slotRange(last), to + slackMs);
    return { slots, lows, highs: ends };
  }

  /** Of each channel the lowest seq in a partition at which a message was received at a time or later: by halving. */
  async #reached({ first, last }: Range, at: number): Promise<readonly number[]> {
    const time = Math.trunc(at);
    const rows = await this.#session.ask(
      `WITH RECURSIVE halving (channel, low, high) AS (
         SELECT c, ${first}::int8, ${last + 1}::int8 FROM unnest(${numbers(this.#channels, 'int4')}) c
         UNION ALL
         SELECT h.channel, CASE WHEN r.received_at < ${time} THEN r.seq + 1 ELSE h.low END,
           CASE WHEN r.received_at < ${time} THEN h.high ELSE h.middle END
         FROM (SELECT *, (low + high) / 2 AS middle FROM halving WHERE low < high) h LEFT JOIN LATERAL (
           SELECT m.seq, m.received_at FROM ${this.#quoted}.message m
           WHERE m.channel = h.channel AND m.seq >= h.middle AND m.seq BETWEEN ${first} AND ${last} ORDER BY m.seq LIMIT 1) r ON true)
       SELECT channel, low FROM halving WHERE low >= high`,
    );
    const found = new Map(rows.map(([channel, low]) => [Number(channel), Number(low)]));
    return this.#channels.map((channel) => found.get(channel) ?? first);
  }
}
