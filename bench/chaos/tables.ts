import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresServer } from '../../clients/postgres/server.ts';
import { PostgresSession } from '../../clients/postgres/session.ts';
import { once } from '../../clients/postgres/testing/database.ts';
import { emptyStream, note, type Stream } from './ledger.ts';

const LOOK_MS = 200;

/** Databases of the run on the server that is broken: the hubs' store, and the warehouse with a table for each way into it. */
export async function makeDatabases(at: PostgresServer, tables: readonly string[]): Promise<PostgresServer> {
  await once(at, 'CREATE DATABASE weir');
  await once(at, 'CREATE DATABASE warehouse');
  const warehouse = { ...at, database: 'warehouse' };
  // No key on what came: a second effect would be a second row.
  for (const name of tables)
    await once(warehouse, `CREATE TABLE ${name} (id bigserial PRIMARY KEY, control_id text, effect_id text)`);
  return warehouse;
}

/** Every row of a table, in the order in which they were inserted. */
export async function rowsOf(warehouse: PostgresServer, table: string): Promise<Stream> {
  const stream = emptyStream();
  for (const [controlId, effectId] of await once(warehouse, `SELECT control_id, effect_id FROM ${table} ORDER BY id`))
    note(stream, String(controlId), String(effectId));
  return stream;
}

/** Tells of new rows while the database is there, until `signal` aborts. */
export async function watchTables(
  warehouse: PostgresServer,
  tables: readonly string[],
  signal: AbortSignal,
  seen: (table: string, controlId: string) => void,
): Promise<void> {
  const last = new Map<string, unknown>();
  while (!signal.aborted) {
    let session: PostgresSession | undefined;
    try {
      session = await PostgresSession.open(warehouse, {
        ...{ applicationName: 'chaos', connectTimeoutMs: 5_000, answerTimeoutMs: 5_000 },
      });
      while (!signal.aborted) {
        for (const table of tables) {
          const after = last.get(table) ?? 0;
          const rows = await session.ask(`SELECT id, control_id FROM ${table} WHERE id > $1 ORDER BY id`, [after]);
          for (const [id, controlId] of rows) {
            last.set(table, id);
            seen(table, String(controlId));
          }
        }
        await sleep(LOOK_MS);
      }
    } catch {
      await sleep(LOOK_MS);
    } finally {
      await session?.close();
    }
  }
}
