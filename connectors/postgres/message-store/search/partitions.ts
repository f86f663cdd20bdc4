import type { PostgresSession } from '../../../../clients/postgres/session.ts';
import { slotSpan } from '../schema.ts';

/** Tables of the index; a partition of each goes with those of the slot's messages. */
export const searchTables = ['search_term', 'search_path', 'search_text'] as const;
/** Those that are worth nothing once the content is gone. */
export const contentTables = ['search_path', 'search_text'] as const;

/**
 * Statements that make the partitions of a slot. Arrays lie apart from the rows (TOAST): a search reads the index and the rows, never
 * the arrays, and a page of rows without them holds 140 instead of 7.
 */
export function searchPartitionStatements(quoted: string, slot: number): readonly string[] {
  const from = slot * slotSpan;
  return [
    ...searchTables.flatMap((table) => {
      const name = `${quoted}.${table}_${slot}`;
      const array = table === 'search_path' ? 'places' : table === 'search_text' ? 'trigrams' : undefined;
      return [
        `CREATE TABLE ${name} (LIKE ${quoted}.${table} INCLUDING ALL)`,
        ...(array === undefined
          ? []
          : [
              `ALTER TABLE ${name} SET (toast_tuple_target = 128), ALTER COLUMN ${array} SET STORAGE EXTERNAL,
               ALTER COLUMN ${array} SET STATISTICS 0`,
            ]),
        `ALTER TABLE ${quoted}.${table} ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${from + slotSpan})`,
      ];
    }),
    `INSERT INTO ${quoted}.search_slot (slot, messages) VALUES (${slot}, 0)`,
  ];
}

/** Partitions of these tables that a slot has. */
export async function existing(
  session: PostgresSession,
  quoted: string,
  slot: number,
  tables: readonly string[],
): Promise<readonly string[]> {
  const names = tables.map((table) => `${quoted}.${table}_${slot}`);
  const rows = await session.ask(
    'SELECT to_regclass(n) IS NOT NULL FROM unnest($1::text[]) WITH ORDINALITY u(n, at) ORDER BY at',
    [names],
  );
  return names.filter((_, at) => rows[at]?.[0] === true);
}
