import { z } from 'zod';
import { endpointName } from '../../core/endpoint-name.ts';
import { zoneName } from '../../core/time/zone.ts';
import { isSource } from './column-source.ts';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const columnName = z.string().min(1).max(63);

/** Of a table as the catalog has it, with its schema before a point where it is not the usual one. */
const tableName = () => z.string().regex(/^[^.]{1,63}(?:\.[^.]{1,63})?$/, 'a name like patient or clinical.patient');

const source = () =>
  z.union([
    z
      .string()
      .min(1)
      .refine(isSource, 'a path like patient.identifiers[type=MR].value, or a text with places like ${messageId}'),
    z.number(),
    z.boolean(),
    z.null(),
    z.strictObject({ constant: scalar.describe('The same for every message; for a text, which would be a path.') }),
    z.strictObject({ bytes: z.literal(true).describe('The message as it is, undecoded.') }),
  ]);

const sources =
  'A path into the JSON payload (`patient.name`, `orders[0].code`, `identifiers[type=MR].value`, `$` for all of it), a text with places `${…}` (`messageId`, `effectId`, `channel`, `seq`, `key`, `receivedAt`, `meta.<name>`), a number, truth value or `{ constant: … }`, or `{ bytes: true }` for the message as it is';

const into = z
  .strictObject({
    table: tableName().describe('Table, or view that can be written, with its schema where that is not the usual one.'),
    columns: z
      .record(columnName, source())
      .refine((columns) => Object.keys(columns).length > 0, 'at least one column')
      .describe(`Columns and what goes into them. ${sources}. What the payload does not have becomes NULL.`),
    conflict: z
      .array(columnName)
      .min(1)
      .optional()
      .describe(
        'Columns of the primary key or a unique index: a row that has the same there is updated. Without it each message inserts a row, and one that is there is an error of the message.',
      ),
    update: z
      .union([z.literal('none'), z.array(columnName).min(1)])
      .optional()
      .describe(
        'Columns that an update changes, all but those of conflict if absent; `none` leaves a row that is there as it is.',
      ),
  })
  .refine(({ conflict, update }) => conflict || update === undefined, 'update needs conflict');

/** What a channel says of a destination in a database. */
export const config = z
  .strictObject({
    endpoint: endpointName('postgres').describe('Name of the postgres endpoint in the environment file.'),
    into: into.optional().describe('The table that messages are written to. Either this or sql.'),
    sql: z
      .string()
      .min(1)
      .optional()
      .describe('One statement that is run for each message, with parameters `$1`, `$2` … Either this or into.'),
    values: z.array(source()).default([]).describe(`Values of the statement’s parameters, in order. ${sources}.`),
    once: z
      .boolean()
      .default(true)
      .describe(
        'Writes the effect id of each message to the inbox in the same transaction, so that a message which is sent again has no second effect. Without it that holds for an update by conflict only.',
      ),
    inbox: tableName().default('weir_inbox').describe('Table of the effect ids; several destinations may share one.'),
    createInbox: z
      .boolean()
      .default(false)
      .describe(
        'Makes the inbox where it is missing; without it `weir check --connect` tells the statement that makes it.',
      ),
    inboxDays: z
      .int()
      .min(1)
      .max(3650)
      .default(90)
      .describe(
        'Days until an effect id is forgotten: longer than a message may lie in the queue, or be retried by hand.',
      ),
    zone: zoneName()
      .optional()
      .describe(
        'The zone of times that say none, and what a column without a zone shows. Without it such a time is an error of its message.',
      ),
    twice: z
      .enum(['first', 'second', 'error'])
      .default('first')
      .describe('What the hour means that the clock of zone shows twice, when summer time ends.'),
    never: z
      .enum(['later', 'error'])
      .default('later')
      .describe(
        'What a time means that the clock of zone never shows, when summer time begins: so much later, or an error.',
      ),
    emptyAsNull: z
      .boolean()
      .default(false)
      .describe(
        'Writes NULL for an empty text. Without it that is an empty text in a text column, and an error in every other.',
      ),
    maxBatch: z.int().min(1).max(5000).default(500).describe('Messages in one transaction, at the most.'),
    connectTimeoutMs: z.int().min(100).default(10_000).describe('Time for a connection, login included.'),
    timeoutMs: z
      .int()
      .min(100)
      .default(30_000)
      .describe('Time for a statement; then the connection is given up, and the batch is sent again.'),
  })
  .refine((given) => (given.into === undefined) !== (given.sql === undefined), 'into or sql, one of them')
  .refine(({ sql, values }) => sql !== undefined || values.length === 0, 'values go with sql');

export type PostgresDestinationConfig = ReturnType<typeof config.parse>;
export type IntoConfig = NonNullable<PostgresDestinationConfig['into']>;
