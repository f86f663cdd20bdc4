import type { PostgresSession } from '../../clients/postgres/session.ts';
import type { Place, Row } from './row.ts';

/** How rows get into the database: one for `into`, one for `sql`. Made from what the catalog says, and made anew when that changes. */
export interface Writer {
  /** In the order of a row's values. */
  readonly places: readonly Place[];
  /**
   * Writes all of them or none, and their effect ids in the same transaction. Resolves with how many were new; rejects with what the
   * session throws, the transaction being over then.
   */
  write(session: PostgresSession, rows: readonly Row[]): Promise<number>;
}

export type WriterOrProblems = { readonly writer: Writer } | { readonly problems: readonly string[] };

/** Runs `work` in one transaction; what it throws ends it without a trace. */
export async function inTransaction<T>(session: PostgresSession, work: () => Promise<T>): Promise<T> {
  await session.ask('BEGIN');
  let result: T;
  try {
    result = await work();
  } catch (thrown) {
    if (session.usable) await session.ask('ROLLBACK').catch(() => session.destroy());
    throw thrown;
  }
  await session.ask('COMMIT');
  return result;
}

/** An array of texts as one parameter. */
export function textArray(values: Iterable<string | null>): string {
  let text = '{';
  for (const value of values) {
    if (text.length > 1) text += ',';
    text += value === null ? 'NULL' : quoted(value);
  }
  return `${text}}`;
}

/** JSON escapes quotes and backslashes as array literals do, and is three times as fast; control characters it writes in another way. */
function quoted(text: string): string {
  if (!/["\\]/.test(text)) return `"${text}"`;
  return isPlain(text) ? JSON.stringify(text) : `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Neither control characters nor halves of a pair. */
function isPlain(text: string): boolean {
  return !/[^ -\ud7ff\ue000-\u{10ffff}]/u.test(text);
}
