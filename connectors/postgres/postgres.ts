import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { PostgresDestination } from './postgres-destination.ts';

/**
 * Writes messages to a database that belongs to a service or to somebody else. `into` puts values of a JSON payload into the columns of
 * a table, with one statement for a batch; `sql` runs a statement for each message, a batch in one transaction. With `once` the effect
 * id of each message is written to an inbox in that transaction, so that a message that is sent again has one effect; also where the
 * connection breaks in a COMMIT. Types are read from the catalog: a value that does not fit its column is an error of its message.
 */
export const postgres = defineConnector({
  type: 'postgres',
  summary:
    'Writes messages to a PostgreSQL database: typed columns with an update by key, or a statement, once for each message.',
  accepts: 'any',
  batching: 'atomic',
  effect: 'transactional',
  maxBatch: (c) => c.maxBatch,
  config,
  examples: [
    {
      title: 'One row for each patient, which later messages update',
      config: {
        endpoint: 'warehouse',
        into: {
          table: 'clinical.patient',
          columns: {
            mrn: 'identifiers[type=MR].value',
            family_name: 'name.family',
            birth_date: 'birthDate',
            updated_at: '${receivedAt}',
            source: { constant: 'main hospital' },
            document: '$',
          },
          conflict: ['mrn'],
        },
        zone: 'Europe/Berlin',
        createInbox: true,
      },
    },
    {
      title: 'A function of the database, called for each message',
      config: {
        endpoint: 'warehouse',
        sql: 'SELECT register_admission($1, $2, $3)',
        values: ['visit.number', 'visit.admittedAt', '${messageId}'],
      },
    },
    {
      title: 'Messages as they came, whatever their format',
      config: {
        endpoint: 'warehouse',
        into: {
          table: 'raw_message',
          columns: {
            id: '${messageId}',
            received_at: '${receivedAt}',
            type: '${meta.hl7.type}',
            content: { bytes: true },
          },
        },
      },
    },
  ],
  create: (settings, context) => new PostgresDestination(settings, context),
});
