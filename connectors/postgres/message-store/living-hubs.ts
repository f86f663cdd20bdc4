import { identifier } from '../../../clients/postgres/quote.ts';
import type { PostgresServer } from '../../../clients/postgres/server.ts';
import { PostgresSession } from '../../../clients/postgres/session.ts';

/** Names of the hubs that have a store open now; none where there is no such store yet. */
export async function livingHubs(
  server: PostgresServer,
  schema: string,
  timeoutMs: number,
): Promise<readonly string[]> {
  const times = { connectTimeoutMs: timeoutMs, answerTimeoutMs: timeoutMs };
  const session = await PostgresSession.open(server, { applicationName: 'weir check', ...times });
  try {
    const alive = `${identifier(schema)}.alive`;
    const [[table] = []] = await session.ask('SELECT to_regclass($1)', [alive]);
    if (table === null || table === undefined) return [];
    const rows = await session.ask(`SELECT hub FROM ${alive} WHERE ends > clock_timestamp() ORDER BY hub COLLATE "C"`);
    return rows.map(([hub]) => String(hub));
  } finally {
    await session.close();
  }
}
