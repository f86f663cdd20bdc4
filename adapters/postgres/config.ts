import { z } from 'zod';
import { endpointName } from '../../core/endpoint-name.ts';

const columnName = z.string().min(1).max(63);
const tableName = () => z.string().regex(/^[^.]{1,63}(?:\.[^.]{1,63})?$/, 'a name like results or lab.results');
const condition = () => z.string().regex(/[^;\s]\s*$/, 'without a semicolon at its end');

const poll = z
  .strictObject({
    table: tableName().optional().describe('Table or view whose rows are read. Either this or query.'),
    query: condition()
      .optional()
      .describe('A query whose rows are read, without ORDER BY and LIMIT. Either this or table.'),
    watermark: columnName.describe(
      'Column that only grows, and is never NULL: a number of a sequence, or the time of the last change. Rows are read in its order; one whose value changes is read again.',
    ),
    id: z
      .array(columnName)
      .min(1)
      .optional()
      .describe(
        'Columns that tell rows of the same watermark apart; the primary key of the table if absent. A query needs them.',
      ),
    from: z
      .enum(['start', 'now'])
      .default('start')
      .describe(
        'Where a channel starts that has no watermark yet: with the first row, or behind those that are there.',
      ),
    inFlight: z
      .enum(['snapshot', 'lag'])
      .default('snapshot')
      .describe(
        'What a row waits for, so that none is passed over that is committed later with a lower watermark: `snapshot` for the end of every transaction that was writing when the row was seen first, and lagMs; `lag` for lagMs only.',
      ),
    lagMs: z
      .int()
      .min(0)
      .max(86_400_000)
      .optional()
      .describe(
        'How old a watermark that is a time has to be before it is read: longer than transactions take from their begin to their first write (`snapshot`, 1000 if absent), or to their end (`lag`, 10000 if absent).',
      ),
    state: z
      .strictObject({
        endpoint: endpointName('postgres')
          .optional()
          .describe(
            'Database that keeps the watermark, where the one that is read cannot be written; the same if absent.',
          ),
        table: tableName()
          .default('weir_watermark')
          .describe('Table of the watermarks; several channels may share one.'),
        create: z.boolean().default(false).describe('Makes the table where it is missing.'),
      })
      .prefault({})
      .describe('Where the watermark is kept of the last rows that were acknowledged.'),
  })
  .refine(({ table, query }) => (table === undefined) !== (query === undefined), 'table or query, one of them')
  .refine(({ query, id }) => query === undefined || id !== undefined, 'id is missing: a query has no primary key');

const claim = z.strictObject({
  table: tableName().describe('Table with a primary key, whose rows are taken and deleted.'),
  where: condition().optional().describe('SQL condition on the rows that are taken; all if absent.'),
  orderBy: z
    .array(columnName)
    .min(1)
    .optional()
    .describe('Columns in whose order rows are taken; the primary key if absent.'),
});

/** What a channel says of a source in a database. */
export const config = z
  .strictObject({
    endpoint: endpointName('postgres').describe('Name of the postgres endpoint in the environment file.'),
    poll: poll.optional().describe('Reads rows behind a watermark and leaves them as they are. Either this or claim.'),
    claim: claim
      .optional()
      .describe(
        'Locks rows, hands them over, and deletes them when they are acknowledged, in one transaction. Either this or poll.',
      ),
    key: columnName
      .optional()
      .describe('Column whose value is the key of the message, for channels without a key of their own.'),
    batch: z.int().min(1).max(5000).default(100).describe('Rows that are read and handed over together, at the most.'),
    pollMs: z.int().min(10).default(1000).describe('Pause before looking for rows again, when there were no more.'),
    connectTimeoutMs: z.int().min(100).default(10_000).describe('Time for a connection, login included.'),
    timeoutMs: z.int().min(100).default(30_000).describe('Time for a query; then the connection is made anew.'),
  })
  .refine((given) => (given.poll === undefined) !== (given.claim === undefined), 'poll or claim, one of them');

export type PostgresSourceConfig = ReturnType<typeof config.parse>;
export type PollConfig = NonNullable<PostgresSourceConfig['poll']>;
export type ClaimConfig = NonNullable<PostgresSourceConfig['claim']>;
