import { HubError } from '../../core/errors.ts';
import { failureOf } from './failure.ts';
import type { PostgresServer } from './server.ts';
import { PostgresSession } from './session.ts';

/** Something that a channel wants of a database, and what is wrong with that: each names its setting. */
export type Demand = (session: PostgresSession) => Promise<readonly string[]>;

/**
 * Logs in, and asks for what channels want of the database; resolves with what was found in words. Rejects with HubError that names
 * the settings that are wrong.
 */
export async function reachDatabase(
  server: PostgresServer,
  timeoutMs: number,
  demands: readonly Demand[] = [],
): Promise<string> {
  const doing = `connecting to ${server.host}:${server.port}`;
  const options = { applicationName: 'weir check', connectTimeoutMs: timeoutMs, answerTimeoutMs: timeoutMs };
  let session: PostgresSession | undefined;
  let problems: readonly string[];
  let version: unknown;
  try {
    session = await PostgresSession.open(server, options);
    [[version]] = (await session.ask("SELECT current_setting('server_version')")) as [[unknown]];
    const found: string[] = [];
    for (const demand of demands) found.push(...(await demand(session)));
    problems = found;
  } catch (thrown) {
    const { kind, what } = failureOf(thrown);
    throw new HubError('refused', kind, `${doing}: ${what}`, { scope: 'destination', cause: thrown });
  } finally {
    await session?.close();
  }
  if (problems.length > 0)
    throw new HubError('config-invalid', 'permanent', problems.join('; '), { scope: 'destination' });
  return `logged in to ${server.database}, PostgreSQL ${version}`;
}
