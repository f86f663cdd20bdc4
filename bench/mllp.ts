/**
 * `npm run bench:mllp` – stop-and-wait MLLP senders against the engine (MLLP, route, five fields, discard), fsync on, beside the limit
 * of what it stores in: a bare server, or bare COPY. `-- --store sqlite|postgres --rounds 5 --seconds 3 --profile <folder>`
 */
import { parseArgs } from 'node:util';
import { measureOnPostgres } from './mllp-postgres.ts';
import { measureOnSqlite } from './mllp-sqlite.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    profile: { type: 'string' },
  },
});
const options = { rounds: Number(values.rounds), durationMs: Number(values.seconds) * 1000, profile: values.profile };

if (values.store === 'sqlite') await measureOnSqlite(options);
else if (values.store === 'postgres') await measureOnPostgres(options);
else throw new Error(`--store ${values.store}: there are sqlite and postgres`);
