import { didYouMean } from '../../core/config/suggestion.ts';
import { identifier } from './quote.ts';
import type { PostgresSession } from './session.ts';

/** A type of the database, as far as a value has to know it. */
export interface ValueType {
  /** What a text is cast to; without a length, because a cast to one cuts the text short. */
  readonly sql: string;
  /** The name in pg_type (`int4`, `timestamptz`); of a domain that of the type below it. */
  readonly name: string;
  /** Length, or precision and scale, as pg_attribute has it; -1 where there is none. */
  readonly modifier: number;
  /** Of an array. */
  readonly element?: ValueType;
  /** Of an enum. */
  readonly labels?: readonly string[];
}

export interface Column {
  readonly name: string;
  readonly type: ValueType;
  /** As people write it: `character varying(20)`. */
  readonly shown: string;
  readonly nullable: boolean;
  /** The database has a value where none is given. */
  readonly filled: boolean;
  /** Generated: nobody else may give it a value. */
  readonly fixed: boolean;
}

export type Right = 'select' | 'insert' | 'update' | 'delete';

export interface Table {
  /** Quoted, with its schema. */
  readonly sql: string;
  /** `schema.table` */
  readonly shown: string;
  readonly columns: ReadonlyMap<string, Column>;
  readonly primaryKey: readonly string[];
  /** Columns of each unique index that holds for all rows and at once, the primary key's among them. */
  readonly keys: readonly (readonly string[])[];
  /** What the user may do with it, or at least with some of its columns. */
  readonly rights: Readonly<Record<Right, boolean>>;
}

/** `table` or `schema.table`, as the catalog has it: `Patient` is not `patient`. */
export function tableIdentifier(name: string): string {
  return name.split('.').map(identifier).join('.');
}

/** Reads a table, or a view, from the catalog; undefined where there is none of that name. */
export async function readTable(session: PostgresSession, name: string): Promise<Table | undefined> {
  const [row] = await session.ask(tableQuery, [tableIdentifier(name)]);
  if (!row) return undefined;
  const found = JSON.parse(String(row[0])) as FoundTable;
  const types = await readTypes(
    session,
    found.columns.map(({ type }) => type),
  );
  const columns = found.columns.map(({ name, type, modifier, ...column }): [string, Column] => [
    name,
    { name, ...column, type: types.of(type, modifier) },
  ]);
  const keys = found.keys ?? [];
  return {
    ...{ sql: found.sql, shown: found.shown, columns: new Map(columns), rights: found.rights },
    primaryKey: keys.find(({ primary }) => primary)?.columns ?? [],
    keys: keys.map((key) => key.columns),
  };
}

/** Types by their OIDs. */
export async function readTypes(
  session: PostgresSession,
  oids: readonly number[],
): Promise<{ of(oid: number, modifier: number): ValueType }> {
  const [[text] = []] = await session.ask(typesQuery, [`{${oids.join(',')}}`]);
  const found = new Map((JSON.parse(String(text)) as readonly FoundType[]).map((type) => [type.oid, type]));
  const of = (oid: number, modifier: number, sql?: string): ValueType => {
    const type = found.get(oid);
    if (!type) return { sql: sql ?? 'text', name: 'text', modifier };
    // A domain's own length counts; what is cast to is the domain, with its constraints.
    if (type.base !== 0) return of(type.base, type.baseModifier, sql ?? type.sql);
    return {
      ...{ sql: sql ?? type.sql, name: type.name, modifier },
      ...(type.element !== 0 && { element: of(type.element, modifier) }),
      ...(type.labels && { labels: type.labels }),
    };
  };
  return { of };
}

/** ` – did you mean patient?` among the tables that can be seen, or those of the schema that was named. */
export async function nearestTable(session: PostgresSession, name: string): Promise<string> {
  const [schema, table] = name.includes('.') ? name.split('.') : [undefined, name];
  const rows = await session.ask(
    `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND CASE WHEN $1::text IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = $1 END
     LIMIT 5000`,
    [schema ?? null],
  );
  const names = rows.map(([found]) => (schema === undefined ? String(found) : `${schema}.${String(found)}`));
  return didYouMean(schema === undefined ? (table ?? name) : name, names);
}

interface FoundTable {
  readonly sql: string;
  readonly shown: string;
  readonly columns: readonly (Omit<Column, 'type'> & { readonly type: number; readonly modifier: number })[];
  readonly keys: readonly { readonly primary: boolean; readonly columns: readonly string[] }[] | null;
  readonly rights: Table['rights'];
}

interface FoundType {
  readonly oid: number;
  readonly name: string;
  readonly sql: string;
  /** 0 but for a domain. */
  readonly base: number;
  readonly baseModifier: number;
  /** 0 but for an array. */
  readonly element: number;
  readonly labels: readonly string[] | null;
}

const tableQuery = `SELECT json_build_object(
  'sql', format('%I.%I', n.nspname, c.relname),
  'shown', n.nspname || '.' || c.relname,
  'columns', (
    SELECT json_agg(json_build_object(
      'name', attname, 'nullable', NOT attnotnull, 'filled', atthasdef OR attidentity <> '',
      'fixed', attgenerated <> '' OR attidentity = 'a', 'type', atttypid::int8, 'modifier', atttypmod,
      'shown', format_type(atttypid, atttypmod)) ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
  'keys', (
    SELECT json_agg(json_build_object('primary', indisprimary, 'columns', (
      SELECT json_agg(attname ORDER BY place)
      FROM unnest(indkey::int2[]) WITH ORDINALITY AS k(number, place)
      JOIN pg_attribute ON attrelid = c.oid AND attnum = number
      WHERE place <= indnkeyatts)) ORDER BY indisprimary DESC, indexrelid)
    FROM pg_index
    WHERE indrelid = c.oid AND indisunique AND indimmediate AND indisvalid AND indpred IS NULL AND indexprs IS NULL),
  'rights', json_build_object(
    'select', has_any_column_privilege(c.oid, 'SELECT'), 'insert', has_any_column_privilege(c.oid, 'INSERT'),
    'update', has_any_column_privilege(c.oid, 'UPDATE'), 'delete', has_table_privilege(c.oid, 'DELETE')))::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`;

// -1 is "no length": without it the cast to character(20) would be one to character(1).
const typesQuery = `WITH RECURSIVE used AS (
  SELECT oid FROM pg_type WHERE oid = ANY($1::oid[])
  UNION
  SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END
  FROM used JOIN pg_type t USING (oid) WHERE t.typtype = 'd' OR t.typcategory = 'A')
SELECT coalesce(json_agg(json_build_object(
  'oid', oid::int8, 'name', typname, 'sql', format_type(oid, -1),
  'base', CASE WHEN typtype = 'd' THEN typbasetype::int8 ELSE 0 END, 'baseModifier', typtypmod,
  'element', CASE WHEN typcategory = 'A' AND typtype <> 'd' THEN typelem::int8 ELSE 0 END,
  'labels', (SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))), '[]')::text
FROM used JOIN pg_type t USING (oid)`;
