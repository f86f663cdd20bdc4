import { type Column, nearestTable, readTable, type Table } from '../../clients/postgres/catalog.ts';
import { identifier } from '../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../clients/postgres/session.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { constantOf } from './column-source.ts';
import type { IntoConfig, PostgresDestinationConfig } from './config.ts';
import { freshEffects } from './inbox.ts';
import { Place, type Row } from './row.ts';
import { Unfit } from './values/unfit.ts';
import { inTransaction, textArray, type Writer, type WriterOrProblems } from './writer.ts';

/** Text of one statement, at the most; larger batches are several statements of one transaction. */
const statementChars = 16 * 1024 * 1024;

/** Reads the table from the catalog. Problems name their setting, columns and their types, never a value. */
export async function upsertInto(
  session: PostgresSession,
  into: IntoConfig,
  config: PostgresDestinationConfig,
): Promise<WriterOrProblems> {
  const table = await readTable(session, into.table);
  if (!table) {
    const near = await nearestTable(session, into.table);
    return { problems: [`into.table: there is no table ${into.table}${near}`] };
  }
  const problems = [...columnProblems(table, into), ...keyProblems(table, into), ...rightProblems(table, into)];
  const places: Place[] = [];
  for (const [name, source] of Object.entries(into.columns)) {
    const column = table.columns.get(name);
    if (!column) continue;
    const place = new Place(`column ${name}`, source, column, config);
    places.push(place);
    const constant = constantOf(source);
    try {
      if (constant) place.converted(constant.value);
    } catch (thrown) {
      if (!(thrown instanceof Unfit)) throw thrown;
      problems.push(`into.columns.${name}: the constant ${thrown.message}: it is for ${column.shown}`);
    }
  }
  return problems.length > 0 ? { problems } : { writer: upsertWriter(table, into, config, places) };
}

function columnProblems(table: Table, { columns }: IntoConfig): string[] {
  const problems: string[] = [];
  for (const name of Object.keys(columns)) {
    const column = table.columns.get(name);
    if (!column) problems.push(`into.columns.${name}: ${noColumn(table, name)}`);
    else if (column.fixed) problems.push(`into.columns.${name}: the database itself gives ${name} its value`);
  }
  const left = [...table.columns.values()].filter((column) => isNeeded(column) && !Object.hasOwn(columns, column.name));
  for (const { name, shown } of left)
    problems.push(`into.columns: ${table.shown} needs a value for ${name} (${shown}, not null, no default)`);
  return problems;
}

function isNeeded({ nullable, filled, fixed }: Column): boolean {
  return !nullable && !filled && !fixed;
}

function keyProblems(table: Table, { columns, conflict, update }: IntoConfig): readonly string[] {
  const problems: string[] = [];
  for (const [setting, names] of [
    ['conflict', conflict],
    ['update', update],
  ] as const)
    for (const name of Array.isArray(names) ? names : []) {
      if (!table.columns.has(name)) problems.push(`into.${setting}: ${noColumn(table, name)}`);
      else if (!Object.hasOwn(columns, name)) problems.push(`into.${setting}: ${name} is none of columns`);
    }
  if (!conflict || problems.length > 0) return problems;
  const wanted = new Set(conflict);
  if (!table.keys.some((key) => key.length === wanted.size && key.every((name) => wanted.has(name)))) {
    const there = table.keys.map((key) => `(${key.join(', ')})`).join(', ') || 'none at all';
    problems.push(
      `into.conflict: ${table.shown} has no primary key or unique index on (${conflict.join(', ')}), but ${there}`,
    );
  }
  return problems;
}

function rightProblems({ rights, shown }: Table, { conflict, update }: IntoConfig): readonly string[] {
  const needed = conflict && update !== 'none' ? (['insert', 'update', 'select'] as const) : (['insert'] as const);
  const denied = needed.filter((right) => !rights[right]);
  return denied.length > 0 ? [`into.table: the user may not ${denied.join(' or ')} in ${shown}`] : [];
}

function noColumn({ shown, columns }: Table, name: string): string {
  return `${shown} has no column ${name}${didYouMean(name, columns.keys())}`;
}

function upsertWriter(
  table: Table,
  into: IntoConfig,
  config: PostgresDestinationConfig,
  places: readonly Place[],
): Writer {
  const names = Object.keys(into.columns);
  const text = statementOf(table, into, config, names, places);
  const key = into.update === 'none' ? [] : (into.conflict ?? []).map((name) => names.indexOf(name));
  const one = async (session: PostgresSession, rows: readonly Row[]): Promise<number> => {
    const values = [textArray(rows.map(({ effectId }) => effectId))];
    for (const at of places.keys()) values.push(textArray(rows.map((row) => row.values[at]!)));
    const [[written] = []] = await session.ask(text, values);
    return Number(written);
  };
  return {
    places,
    write(session, rows) {
      const parts = statementsOf(rows, key);
      const [only] = parts;
      if (parts.length === 1 && only) return one(session, only);
      return inTransaction(session, async () => {
        let written = 0;
        for (const part of parts) written += await one(session, part);
        return written;
      });
    },
  };
}

/** One statement, and so one transaction and one round trip, whatever the number of rows. */
function statementOf(
  table: Table,
  { conflict, update }: IntoConfig,
  config: PostgresDestinationConfig,
  names: readonly string[],
  places: readonly Place[],
): string {
  const aliases = names.map((_, at) => `c${at}`);
  const columns = names.map(identifier).join(', ');
  const casts = places.map(({ type }, at) => `c${at}::${type.sql}`).join(', ');
  const arrays = ['$1::text[]', ...names.map((_, at) => `$${at + 2}::text[]`)].join(', ');
  const changed = (Array.isArray(update) ? update : names.filter((name) => !conflict?.includes(name))).map(identifier);
  const set = changed.map((name) => `${name} = EXCLUDED.${name}`).join(', ');
  const nothing = update === 'none' || changed.length === 0;
  const onConflict = conflict
    ? `ON CONFLICT (${conflict.map(identifier).join(', ')}) ${nothing ? 'DO NOTHING' : `DO UPDATE SET ${set}`}`
    : '';
  const batch = `weir_batch AS MATERIALIZED (
    SELECT * FROM unnest(${arrays}) WITH ORDINALITY AS b(${['e', ...aliases, 'at'].join(', ')}))`;
  const fresh = config.once ? `, weir_fresh AS (${freshEffects(config)})` : '';
  const from = config.once ? 'weir_batch JOIN weir_fresh ON effect_id = e' : 'weir_batch';
  return `WITH ${batch}${fresh}, weir_written AS (
    INSERT INTO ${table.sql} (${columns}) SELECT ${casts} FROM ${from} ORDER BY at ${onConflict})
  SELECT count(*) FROM ${config.once ? 'weir_fresh' : 'weir_batch'}`;
}

/**
 * Rows that can go in one statement: it cannot change a row twice, so the second row of a key goes with the next statement, in order.
 * NULL is no other's key.
 */
function statementsOf(rows: readonly Row[], key: readonly number[]): readonly (readonly Row[])[] {
  const parts: { rows: Row[]; size: number }[] = [];
  const seen = new Map<string, number>();
  let first = 0;
  for (const row of rows) {
    let part = first;
    if (key.length > 0 && key.every((at) => row.values[at] !== null)) {
      const text = JSON.stringify(key.map((at) => row.values[at]));
      part = Math.max(first, (seen.get(text) ?? -1) + 1);
      seen.set(text, part);
    }
    const into = (parts[part] ??= { rows: [], size: 0 });
    into.rows.push(row);
    into.size += row.size;
    // A full statement: whatever comes goes behind it, so that nothing of a key is overtaken.
    if (into.size > statementChars) first = parts.length;
  }
  return parts.map(({ rows: of }) => of);
}
