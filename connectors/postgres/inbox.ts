import { nearestTable, readTable, tableIdentifier } from '../../clients/postgres/catalog.ts';
import { failureOf } from '../../clients/postgres/failure.ts';
import { identifier } from '../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../clients/postgres/session.ts';

export interface InboxOptions {
  readonly inbox: string;
  readonly createInbox: boolean;
  readonly inboxDays: number;
}

/** Rows that are forgotten in one step: about 5 ms beside a write. */
const pruneRows = 1_000;

/**
 * The effect ids that have been written, each in the transaction of its effect. `keep_until` is each row's own, so that destinations
 * which keep them for different times can share a table. Rows come in the order of that time: an index by ranges of blocks costs a
 * thousandth of another.
 */
export function inboxStatements(name: string): readonly string[] {
  const index = identifier(`${name.split('.').at(-1)!.slice(0, 50)}_keep_until`);
  return [
    `CREATE TABLE IF NOT EXISTS ${tableIdentifier(name)} (effect_id text PRIMARY KEY, keep_until timestamptz NOT NULL)`,
    `CREATE INDEX IF NOT EXISTS ${index} ON ${tableIdentifier(name)} USING brin (keep_until)`,
  ];
}

/** What is wrong with the inbox, each with its setting. */
export async function inboxProblems(session: PostgresSession, options: InboxOptions): Promise<readonly string[]> {
  const { inbox, createInbox } = options;
  const table = await readTable(session, inbox);
  if (!table) {
    if (createInbox) return [];
    const near = await nearestTable(session, inbox);
    return [
      `inbox: there is no table ${inbox}${near}. createInbox: true makes it, or: ${inboxStatements(inbox).join('; ')}`,
    ];
  }
  const { columns, keys, rights, shown } = table;
  const missing = ['effect_id', 'keep_until'].filter((name) => !columns.has(name));
  if (missing.length > 0) return [`inbox: ${shown} has no column ${missing.join(' and no ')}, so it is no inbox`];
  if (!keys.some((key) => key.length === 1 && key[0] === 'effect_id'))
    return [`inbox: ${shown} has no primary key or unique index on effect_id`];
  const denied = (['select', 'insert', 'delete'] as const).filter((right) => !rights[right]);
  return denied.length > 0 ? [`inbox: the user may not ${denied.join(' or ')} in ${shown}`] : [];
}

/** Makes the table where it is missing; several hubs may do so at once. */
export async function createInbox(session: PostgresSession, { inbox }: InboxOptions): Promise<void> {
  if (await readTable(session, inbox)) return;
  try {
    for (const statement of inboxStatements(inbox)) await session.ask(statement);
  } catch (thrown) {
    // IF NOT EXISTS does not see what another session is making at this moment.
    const lost = ['23505', '42P07', '42710'].includes(failureOf(thrown).code ?? '');
    if (!lost || !(await readTable(session, inbox))) throw thrown;
  }
}

/** Forgets some of what is past its time; false once there is no more. */
export async function pruneInbox(session: PostgresSession, { inbox }: InboxOptions): Promise<boolean> {
  const table = tableIdentifier(inbox);
  const [[count] = []] = await session.ask(
    `WITH gone AS (DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM ${table} WHERE keep_until < now() LIMIT ${pruneRows} FOR UPDATE SKIP LOCKED)) RETURNING 1)
     SELECT count(*) FROM gone`,
  );
  return Number(count) === pruneRows;
}

/** What a statement says to write effect ids that it has in `weir_batch.e`, and to go on with those that were not there. */
export function freshEffects({ inbox, inboxDays }: InboxOptions): string {
  return `INSERT INTO ${tableIdentifier(inbox)} (effect_id, keep_until)
    SELECT e, now() + make_interval(days => ${inboxDays}) FROM weir_batch ORDER BY at
    ON CONFLICT (effect_id) DO NOTHING RETURNING effect_id`;
}
