import type { Demand } from '../../clients/postgres/reach.ts';
import type { ReadingsConfig } from './config.ts';
import { migrations } from './migrations.ts';

/** What `weir check --connect` asks of the database for a destination; its configuration as its schema has read it. */
export function readingsDemand(config: unknown): Demand {
  const { schema, createTables } = config as ReadingsConfig;
  return async (session) => {
    const [[known] = []] = await session.ask('SELECT to_regclass($1) IS NOT NULL', [`${schema}.version`]);
    if (known !== true) {
      if (!createTables) return [`schema: there are no tables in ${schema}. createTables: true makes them`];
      const [[may] = []] = await session.ask(
        `SELECT coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1),
           has_database_privilege(current_database(), 'CREATE'))`,
        [schema],
      );
      return may === true ? [] : [`createTables: the user may not make the schema ${schema} and its tables`];
    }
    const [[version] = []] = await session.ask(`SELECT max(version) FROM ${schema}.version`);
    if (Number(version) > migrations.length)
      return [`schema: the tables in ${schema} are of version ${version}, this Weir knows ${migrations.length}`];
    if (Number(version) < migrations.length && !createTables)
      return [
        `schema: the tables in ${schema} are of version ${version}, ${migrations.length} is needed; createTables: true makes it`,
      ];
    const rows = await session.ask(
      `SELECT t FROM unnest(ARRAY['series', 'reading', 'state', 'reading_minute', 'latest', 'unrolled']) AS t
       WHERE NOT coalesce(has_table_privilege(to_regclass($1 || '.' || t), 'SELECT, INSERT'), false)`,
      [schema],
    );
    return rows.map(([table]) => `schema: the user may not select and insert in ${schema}.${table}`);
  };
}
