import { nearestTable, readTable, type Table } from '../../clients/postgres/catalog.ts';
import { identifier, literal } from '../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../clients/postgres/session.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { HubError } from '../../core/errors.ts';
import type { ClaimConfig } from './config.ts';
import { asIso, type HandOver, type Next, type ReadRow, readRow, type Turns } from './turn.ts';

export interface ClaimOptions extends ClaimConfig {
  readonly key: string | undefined;
  readonly batch: number;
}

/**
 * Locks rows that nobody else has locked, hands them over and deletes those that are kept, in one transaction: what becomes of hub,
 * connection or database in between, the rows are there again. A COMMIT that was lost on its way leaves rows that come again.
 */
export class Claiming implements Turns {
  readonly #options: ClaimOptions;
  #table: Table | undefined;

  constructor(options: ClaimOptions) {
    this.#options = options;
  }

  async take(session: PostgresSession, handOver: HandOver): Promise<Next> {
    const { batch } = this.#options;
    const table = (this.#table ??= await this.#read(session));
    const answers = await session.run([{ text: 'BEGIN' }, { text: asIso }, { text: this.#claim(table) }]);
    const found = answers.at(-1) ?? [];
    const from = { name: table.shown, keyed: this.#options.key !== undefined };
    const rows = found.map((values) => readRow(values, table.primaryKey.length, from));
    if (rows.length === 0) {
      await session.ask('COMMIT');
      return 'later';
    }
    const { kept } = await handOver(rows);
    const done = rows.filter((_, at) => kept[at]);
    const last = done.length > 0 ? [{ text: deletion(table, done) }] : [];
    await session.run([...last, { text: 'COMMIT' }]);
    return done.length === batch ? 'now' : 'later';
  }

  reset(): void {
    this.#table = undefined;
  }

  async #read(session: PostgresSession): Promise<Table> {
    const problems = await claimProblems(session, this.#options);
    const table = await readTable(session, this.#options.table);
    if (problems.length === 0 && table) return table;
    throw new HubError('config-invalid', 'transient', `taking rows of ${this.#options.table}: ${problems.join('; ')}`);
  }

  #claim({ sql, primaryKey }: Table): string {
    const { where, orderBy, key, batch } = this.#options;
    const texts = [...primaryKey, ...(key === undefined ? [] : [key])].map((name) => `q.${identifier(name)}::text`);
    const order = (orderBy ?? primaryKey).map((name) => `q.${identifier(name)}`).join(', ');
    return `SELECT row_to_json(q)::text, NULL, ${texts.join(', ')} FROM ${sql} AS q ${where === undefined ? '' : `WHERE (${where}\n)`}
      ORDER BY ${order} LIMIT ${batch} FOR UPDATE OF q SKIP LOCKED`;
  }
}

/** What is wrong with the table, each with its setting. */
export async function claimProblems(
  session: PostgresSession,
  { table: name, orderBy, key }: Omit<ClaimOptions, 'batch'>,
): Promise<readonly string[]> {
  const table = await readTable(session, name);
  if (!table) return [`claim.table: there is no table ${name}${await nearestTable(session, name)}`];
  const { shown, columns, primaryKey, rights } = table;
  const problems: string[] = [];
  if (primaryKey.length === 0) problems.push(`claim.table: ${shown} has no primary key`);
  for (const [setting, names] of [
    ['claim.orderBy', orderBy ?? []],
    ['key', key === undefined ? [] : [key]],
  ] as const)
    for (const each of names)
      if (!columns.has(each))
        problems.push(`${setting}: ${shown} has no column ${each}${didYouMean(each, columns.keys())}`);
  // FOR UPDATE needs the right to update.
  const denied = (['select', 'update', 'delete'] as const).filter((right) => !rights[right]);
  if (denied.length > 0) problems.push(`claim.table: the user may not ${denied.join(' or ')} in ${shown}`);
  return problems;
}

function deletion({ sql, primaryKey, columns }: Table, rows: readonly ReadRow[]): string {
  const values = rows.map(({ id }) => {
    const typed = id.map((text, at) => `${literal(text)}::${columns.get(primaryKey[at]!)!.type.sql}`);
    return `(${typed.join(', ')})`;
  });
  const names = primaryKey.map((_, at) => `k${at}`).join(', ');
  const same = primaryKey.map((name, at) => `q.${identifier(name)} = k.k${at}`).join(' AND ');
  return `DELETE FROM ${sql} AS q USING (VALUES ${values.join(', ')}) AS k(${names}) WHERE ${same}`;
}
