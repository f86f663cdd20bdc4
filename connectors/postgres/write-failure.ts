import { failureOf } from '../../clients/postgres/failure.ts';
import { HubError } from '../../core/errors.ts';

/**
 * `doubt`: the connection broke, and nobody knows whether the transaction came about. `again`: it did not, and would now if it were
 * repeated (a deadlock). `message`: one of the messages is at fault. `catalog`: what the catalog said may have changed. `away`: the
 * database takes nothing now.
 */
export type WriteFailure = {
  readonly what: 'doubt' | 'again' | 'message' | 'catalog' | 'away';
  readonly error: HubError;
};

/**
 * By SQLSTATE (PostgreSQL, appendix A): data and constraints (22, 23, 44), what triggers and functions raise (P0), limits of a row (54),
 * and a second change of one row (21) are a message's; a transaction that lost to another (40, 55P03) goes again; the rest is the
 * database's, or the configuration's. Names tables, columns and constraints, never a value.
 */
export function writeFailure(thrown: unknown, doing: string): WriteFailure {
  const { code = '', connection, what } = failureOf(thrown);
  const destination = (say: string): HubError =>
    new HubError('write-failed', 'transient', `${doing}: ${say}`, { scope: 'destination', cause: thrown });
  if (connection) {
    const text = `${doing}: ${what}`;
    const error = new HubError('connection-lost', 'transient', text, { scope: 'destination', cause: thrown });
    return { what: 'doubt', error };
  }
  if (/^(22|23|44|P0|54|21)/.test(code)) {
    const text = `${doing}: ${meanings[code] ?? 'the database does not take the row'}${placeOf(thrown)} (${code})`;
    // 21: with fewer messages in the batch it may go.
    return { what: 'message', error: new HubError('write-failed', 'permanent', text, { cause: thrown }) };
  }
  if (/^40/.test(code) || code === '55P03')
    return { what: 'again', error: new HubError('write-failed', 'transient', `${doing}: ${what}`, { cause: thrown }) };
  if (/^(42|3F|0A|0L|3D|28)/.test(code)) return { what: 'catalog', error: destination(`${schemaText(code, what)}`) };
  return { what: 'away', error: destination(what) };
}

const meanings: Readonly<Record<string, string>> = {
  '22001': 'a text is too long',
  '22003': 'a number is too large',
  '22007': 'a value is no date, time or interval',
  '22008': 'a date or time is out of range',
  '22021': 'a text has characters that the database’s encoding does not',
  '22P02': 'a value is none of its type',
  '22P05': 'a text has characters that PostgreSQL cannot hold',
  '23502': 'a value is missing that must not be',
  '23503': 'there is no row that it refers to',
  '23505': 'there is a row with this key already',
  '23514': 'a check does not hold',
  '23P01': 'an exclusion does not hold',
  '44000': 'the row would not be in the view',
  '21000': 'a row would be changed twice',
  '54000': 'the row is too large for an index',
  P0001: 'a trigger or function refused it',
};

function schemaText(code: string, what: string): string {
  switch (code) {
    case '42P01':
      return 'there is no such table any more (42P01): into.table, sql or inbox';
    case '42703':
      return 'there is no such column any more (42703): into.columns, or sql';
    case '42P10':
      return 'there is no unique index any more on the columns of conflict (42P10): into.conflict';
    case '42804':
    case '42846':
      return `a column has another type than before (${code}): into.columns, or sql`;
    default:
      return what;
  }
}

/** ` in clinical.patient, column mrn, constraint patient_pkey`, as far as the server says it. */
function placeOf(thrown: unknown): string {
  const { schema, table, column, dataType, constraint } = thrown as Readonly<Record<string, unknown>>;
  const parts = [
    typeof table === 'string' ? `table ${typeof schema === 'string' ? `${schema}.` : ''}${table}` : '',
    typeof column === 'string' ? `column ${column}` : '',
    typeof dataType === 'string' ? `type ${dataType}` : '',
    typeof constraint === 'string' ? `constraint ${constraint}` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? `: ${parts.join(', ')}` : '';
}

/** The database could not be reached, or did not let us in: nothing was tried. */
export function unreachable(thrown: unknown, doing: string): HubError {
  if (thrown instanceof HubError) return thrown;
  const { what } = failureOf(thrown);
  return new HubError('refused', 'transient', `${doing}: ${what}`, { scope: 'destination', cause: thrown });
}
