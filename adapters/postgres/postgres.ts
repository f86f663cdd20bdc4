import { json } from '../../contracts/json.ts';
import { defineAdapter } from '../../core/define.ts';
import { config } from './config.ts';
import { postgresSource } from './source.ts';

/**
 * Reads rows of a database that belongs to somebody else: each row is a JSON message with its columns as keys, times in ISO 8601 and UTC.
 * `poll` reads behind a watermark, which is noted when rows have reached the channel's `ackAfter`; `claim` locks rows, and deletes them
 * then, so that several hubs can share a table. At least once, with the id of a row as its dedupe key. Nothing listens: it works
 * through PgBouncer.
 */
export const postgres = defineAdapter({
  type: 'postgres',
  summary: 'Reads rows of a PostgreSQL database, behind a watermark or by taking them out of a table.',
  produces: json,
  acknowledges: 'confirm',
  config,
  examples: [
    {
      title: 'Results of a laboratory system as they are released, read again when they are corrected',
      config: {
        endpoint: 'lab-database',
        poll: {
          query: 'SELECT id, mrn, code, value, unit, changed_at FROM lab.result WHERE released',
          watermark: 'changed_at',
          id: ['id'],
          state: { create: true },
        },
        key: 'mrn',
      },
    },
    {
      title: 'An outbox, whose rows are deleted when they are stored',
      config: {
        endpoint: 'lab-database',
        claim: { table: 'lab.outbox', orderBy: ['id'] },
        key: 'mrn',
        batch: 500,
        pollMs: 250,
      },
    },
  ],
  create: (settings, context) => postgresSource(settings, context),
});
