import type { Demand } from '../../../clients/postgres/reach.ts';
import { HubError } from '../../../core/errors.ts';
import { checkServer } from './opening.ts';

const doing = /^opening the message store: /;

/** What `weir check --connect` asks of the database that is to hold the message store: its settings, and the rights of `user`. */
export function storeDemand(schema: string): Demand {
  return async (session) => {
    const problems: string[] = [];
    try {
      await checkServer(session);
    } catch (thrown) {
      if (!(thrown instanceof HubError)) throw thrown;
      problems.push(thrown.message.replace(doing, ''));
    }
    const [[may, there, own] = []] = await session.ask(
      `SELECT has_database_privilege(current_database(), 'CREATE'), n.oid IS NOT NULL, 
         has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE')
       FROM (SELECT $1::name) AS wanted (name) LEFT JOIN pg_namespace n ON n.nspname = wanted.name`,
      [schema],
    );
    if (there === true && own !== true) problems.push(`schema ${schema}: \`user\` may not make tables in it`);
    if (there !== true && may !== true)
      problems.push(`schema ${schema} is not there, and \`user\` may not make one in this database`);
    return problems;
  };
}
