import { literal } from '../../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import type { Pruned, PrunePolicy } from '../../../core/store/message-store.ts';
import { type Range, slotRange } from './pruning.ts';
import { partitioned } from './schema.ts';
import { contentTables, existing, searchTables } from './search/partitions.ts';

interface EndedSlot {
  readonly slot: number;
  /** What it has of the channel that is being pruned. */
  readonly messages: number;
  readonly newest: number;
  /** Of all channels, not this one alone. */
  readonly allPast: boolean;
  readonly contentPast: boolean;
}

/** What a pruning of one channel found out about the partitions. */
export interface Dropped extends Pruned {
  /** Where rows are deleted one by one, a partition each, in order. What is soon dropped as a whole is not among it. */
  readonly ranges: readonly Range[];
  /** The first seq of what is spared like that, and may have to be gone through later after all. */
  readonly sparedFrom: number;
}

/**
 * Drops partitions as a whole whose messages are all past their age, of every channel, with nothing unsettled and no open error
 * among them; that costs milliseconds, where deleting their rows would cost as much as storing them. Policies are remembered, so that
 * the pruning of one channel knows those of the others. What is past its age in a partition that is not, is spared until
 * `dropDelayMs` after its newest message is: then its rows go one by one.
 */
export async function dropPartitions(
  session: PostgresSession,
  quoted: string,
  channel: number,
  policy: PrunePolicy,
  now: number,
  dropDelayMs: number,
): Promise<Dropped> {
  await session.ask(
    `INSERT INTO ${quoted}.prune_mark (channel, seq, content_before, messages_before) VALUES ($1, 0, $2, $3)
     ON CONFLICT (channel) DO UPDATE SET content_before = excluded.content_before, messages_before = excluded.messages_before`,
    [channel, Math.trunc(policy.contentBefore), Math.trunc(policy.messagesBefore)],
  );
  const spared: number[] = [];
  const left: number[] = [];
  let contents = 0;
  let messages = 0;
  for (const ended of await endedSlots(session, quoted, channel)) {
    const { slot, newest, allPast, contentPast } = ended;
    // Nothing is asked about the many that are young: there may be one for each day of a year.
    if (newest >= policy.messagesBefore && newest >= policy.contentBefore) spared.push(slot);
    else if (contentPast && !allPast && (await isEmptied(session, quoted, slot))) {
      (newest >= policy.messagesBefore || now - newest < dropDelayMs ? spared : left).push(slot);
    } else if (await isNeeded(session, quoted, slot)) left.push(slot);
    else if (allPast) {
      contents += await countRows(session, quoted, 'raw', slot, channel);
      messages += ended.messages;
      await dropSlot(session, quoted, slot);
    } else if (contentPast) {
      contents += await countRows(session, quoted, 'raw', slot, channel);
      await truncate(session, await contentOf(session, quoted, slot));
      await dropParts(session, quoted, slot, ['part_content']);
      (newest >= policy.messagesBefore || now - newest < dropDelayMs ? spared : left).push(slot);
    } else {
      const isSoon = newest >= policy.messagesBefore - dropDelayMs && newest >= policy.contentBefore - dropDelayMs;
      (isSoon ? spared : left).push(slot);
    }
  }
  const growing = await session.ask(`SELECT slot FROM ${quoted}.slot WHERE ended_at IS NULL ORDER BY slot`);
  for (const [slot] of growing) left.push(Number(slot));
  const sparedFrom = spared[0] === undefined ? Number.MAX_SAFE_INTEGER : slotRange(spared[0]).first;
  return { contents, messages, ranges: left.map(slotRange), sparedFrom };
}

/** Slots that get no more messages, with what they have of the channel; that is counted once. */
async function endedSlots(session: PostgresSession, quoted: string, channel: number): Promise<readonly EndedSlot[]> {
  const uncounted = await session.ask(
    `SELECT slot FROM ${quoted}.slot s WHERE ended_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM ${quoted}.slot_channel c WHERE c.slot = s.slot) ORDER BY slot`,
  );
  for (const [slot] of uncounted) {
    await session.ask(
      `INSERT INTO ${quoted}.slot_channel SELECT ${Number(slot)}, channel, count(*), max(received_at)
       FROM ${quoted}.message_${Number(slot)} GROUP BY channel ON CONFLICT DO NOTHING`,
    );
  }
  const rows = await session.ask(
    `SELECT s.slot, c.messages, c.newest, every.all_past, every.content_past FROM ${quoted}.slot s
     JOIN ${quoted}.slot_channel c ON c.slot = s.slot AND c.channel = $1
     JOIN (SELECT e.slot, bool_and(coalesce(e.newest < p.messages_before, false)) AS all_past,
         bool_and(coalesce(e.newest < p.content_before, false)) AS content_past
       FROM ${quoted}.slot_channel e LEFT JOIN ${quoted}.prune_mark p ON p.channel = e.channel GROUP BY e.slot) every ON every.slot = s.slot
     WHERE s.ended_at IS NOT NULL ORDER BY s.slot`,
    [channel],
  );
  return rows.map(([slot, messages, newest, allPast, contentPast]) => ({
    ...{ slot: Number(slot), messages: Number(messages), newest: Number(newest) },
    ...{ allPast: allPast === true, contentPast: contentPast === true },
  }));
}

/** Whether something of it is unsettled, queued or an open error. */
async function isNeeded(session: PostgresSession, quoted: string, slot: number): Promise<boolean> {
  const { first, last } = slotRange(slot);
  const between = `seq BETWEEN ${first} AND ${last}`;
  const [row] = await session.ask(
    `SELECT EXISTS (SELECT 1 FROM ${quoted}.arrived WHERE first <= ${last} AND last >= ${first})
       OR EXISTS (SELECT 1 FROM ${quoted}.part WHERE ${between} AND status IN (0, 1, 2, 4))
       OR EXISTS (SELECT 1 FROM ${quoted}.settlement_${slot} WHERE error IS NOT NULL AND resolved IS NULL)`,
  );
  return row?.[0] === true;
}

/** The tables of a partition that go when its content does. */
async function contentOf(session: PostgresSession, quoted: string, slot: number): Promise<readonly string[]> {
  const own = ['raw', 'attachment', 'contents'].map((table) => `${quoted}.${table}_${slot}`);
  return [...own, ...(await existing(session, quoted, slot, contentTables))];
}

async function isEmptied(session: PostgresSession, quoted: string, slot: number): Promise<boolean> {
  const any = (await contentOf(session, quoted, slot)).map((table) => `EXISTS (SELECT FROM ${table})`);
  const [row] = await session.ask(`SELECT ${any.join(' OR ')}`);
  return row?.[0] === false;
}

/** Rows of a channel that still have content. */
async function countRows(
  session: PostgresSession,
  quoted: string,
  table: 'raw',
  slot: number,
  channel: number,
): Promise<number> {
  const [row] = await session.ask(
    `SELECT count(*) FROM ${quoted}.${table}_${slot} r JOIN ${quoted}.message_${slot} m ON m.channel = $1 AND m.seq = r.seq`,
    [channel],
  );
  return Number(row?.[0] ?? 0);
}

async function dropSlot(session: PostgresSession, quoted: string, slot: number): Promise<void> {
  await dropParts(session, quoted, slot, ['part', 'part_content', 'dedupe', 'prune_later', 'search_open']);
  for (const table of [...partitioned, ...searchTables]) {
    const name = `${quoted}.${table}_${slot}`;
    const [found] = await session.ask(`SELECT to_regclass(${literal(name)})`);
    if (found?.[0] === null) continue;
    const [attached] = await session.ask(
      `SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass(${literal(name)})`,
    );
    // Concurrently: those who read and write the other partitions do not wait. One that was interrupted is finished.
    const how = attached?.[0] === true ? 'FINALIZE' : 'CONCURRENTLY';
    if (attached) await session.ask(`ALTER TABLE ${quoted}.${table} DETACH PARTITION ${name} ${how}`);
    await session.ask(`DROP TABLE ${name}`);
  }
  for (const table of ['slot_channel', 'search_slot'])
    await session.ask(`DELETE FROM ${quoted}.${table} WHERE slot = $1`, [slot]);
  await session.ask(`DELETE FROM ${quoted}.slot WHERE slot = $1`, [slot]);
}

/** Not while somebody reads it for long, a backup for example: others would wait behind. The next pruning tries again. */
async function truncate(session: PostgresSession, tables: readonly string[]): Promise<void> {
  const statements = ['BEGIN', "SET LOCAL lock_timeout = '2s'", `TRUNCATE ${tables.join(', ')}`, 'COMMIT'];
  try {
    await session.run(statements.map((text) => ({ text })));
  } catch (thrown) {
    if (session.usable) await session.run([{ text: 'ROLLBACK' }]);
    throw thrown;
  }
}

async function dropParts(
  session: PostgresSession,
  quoted: string,
  slot: number,
  tables: readonly string[],
): Promise<void> {
  const { first, last } = slotRange(slot);
  for (const table of tables)
    await session.ask(`DELETE FROM ${quoted}.${table} WHERE seq BETWEEN ${first} AND ${last}`);
}
