import type { Demand } from '../../clients/postgres/reach.ts';
import { claimProblems } from './claiming.ts';
import type { PostgresSourceConfig } from './config.ts';
import { pollSource } from './polling.ts';
import { watermarkProblems } from './watermarks.ts';

/**
 * What `weir check --connect` asks of the database at `endpoint` for a source that names it; its configuration as its schema has read
 * it.
 */
export function sourceDemand(given: unknown, endpoint: string): Demand {
  const { endpoint: main, poll, claim, key } = given as PostgresSourceConfig;
  return async (session) => {
    const problems: string[] = [];
    if (claim) problems.push(...(await claimProblems(session, { ...claim, key })));
    if (poll && main === endpoint) {
      const found = await pollSource(session, { ...poll, key });
      if ('problems' in found) problems.push(...found.problems);
    }
    if (poll && (poll.state.endpoint ?? main) === endpoint)
      problems.push(...(await watermarkProblems(session, poll.state)));
    return problems;
  };
}
