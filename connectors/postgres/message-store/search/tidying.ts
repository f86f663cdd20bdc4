import type { PostgresSession } from '../../../../clients/postgres/session.ts';
import { slotRange } from '../pruning.ts';
import { contentTables, existing } from './partitions.ts';
import { lockStatement } from './turn.ts';

/** A slot of which the store has so few messages left is counted. */
const few = 1_000;

/**
 * Follows the pruning of single messages: of a slot that has little left, what was never settled or is an open error, the index keeps
 * that only; of one without any content, nothing that was made of content but identifiers. Partitions that are dropped as a whole take
 * theirs along at once.
 */
export async function tidy(session: PostgresSession, quoted: string): Promise<void> {
  const rows = await session.ask(`SELECT slot, messages FROM ${quoted}.search_slot ORDER BY slot`);
  for (const [slot, messages] of rows.slice(0, -1)) await tidySlot(session, quoted, Number(slot), Number(messages));
}

async function tidySlot(session: PostgresSession, quoted: string, slot: number, messages: number): Promise<void> {
  const own = [`message_${slot}`, `raw_${slot}`];
  const there = await session.ask('SELECT to_regclass(n) IS NOT NULL FROM unnest($1::text[]) n', [
    own.map((table) => `${quoted}.${table}`),
  ]);
  if (there.some(([is]) => is !== true)) return;
  const left = await atMost(session, `${quoted}.message_${slot}`);
  const contents = await atMost(session, `${quoted}.raw_${slot}`);
  const isMostlyGone = left < few && left * 4 < messages;
  if (!isMostlyGone && contents > 0) return;
  const { first, last } = slotRange(slot);
  const gone = (table: string) => `DELETE FROM ${table} t WHERE NOT EXISTS
    (SELECT FROM ${quoted}.message_${slot} m WHERE m.channel = t.channel AND m.seq = t.seq)`;
  const ofContent = await existing(session, quoted, slot, contentTables);
  const statements = [
    'BEGIN',
    lockStatement(quoted),
    ...(contents === 0 ? ofContent.map((table) => `TRUNCATE ${table}`) : []),
    ...(isMostlyGone
      ? [
          gone(`${quoted}.search_term_${slot}`),
          ...(contents === 0 ? [] : ofContent.map(gone)),
          `DELETE FROM ${quoted}.search_open o WHERE o.seq BETWEEN ${first} AND ${last} AND NOT EXISTS
             (SELECT FROM ${quoted}.message_${slot} m WHERE m.channel = o.channel AND m.seq = o.seq)`,
          `UPDATE ${quoted}.search_slot SET messages = ${left} WHERE slot = ${slot}`,
        ]
      : []),
    'COMMIT',
  ];
  try {
    await session.run(statements.map((text) => ({ text })));
  } catch (thrown) {
    if (session.usable) await session.run([{ text: 'ROLLBACK' }]);
    throw thrown;
  }
}

async function atMost(session: PostgresSession, table: string): Promise<number> {
  const [row] = await session.ask(`SELECT count(*) FROM (SELECT FROM ${table} LIMIT ${few}) t`);
  return Number(row?.[0]);
}
