import type { Demand } from '../../clients/postgres/reach.ts';
import type { PostgresSession } from '../../clients/postgres/session.ts';
import type { PostgresDestinationConfig } from './config.ts';
import { inboxProblems } from './inbox.ts';
import { statementWriter } from './statement.ts';
import { upsertInto } from './upsert.ts';
import type { WriterOrProblems } from './writer.ts';

/** How the database is written to, or everything that stands against it, each with its setting. */
export async function readWriter(
  session: PostgresSession,
  config: PostgresDestinationConfig,
): Promise<WriterOrProblems> {
  const { into, sql, once } = config;
  const read = into ? await upsertInto(session, into, config) : await statementWriter(session, sql ?? '', config);
  const inbox = once ? await inboxProblems(session, config) : [];
  if (inbox.length === 0) return read;
  return { problems: [...('problems' in read ? read.problems : []), ...inbox] };
}

/** What `weir check --connect` asks of the database for a destination; its configuration as its schema has read it. */
export function destinationDemand(config: unknown): Demand {
  return async (session) => {
    const read = await readWriter(session, config as PostgresDestinationConfig);
    return 'problems' in read ? read.problems : [];
  };
}
