import { readTypes } from '../../clients/postgres/catalog.ts';
import { failureOf } from '../../clients/postgres/failure.ts';
import type { PostgresSession } from '../../clients/postgres/session.ts';
import type { PostgresDestinationConfig } from './config.ts';
import { freshEffects } from './inbox.ts';
import { Place, type Row } from './row.ts';
import { inTransaction, textArray, type WriterOrProblems } from './writer.ts';

const name = 'weir_statement';

/** Has the database read the statement, and takes the types of its parameters from that. */
export async function statementWriter(
  session: PostgresSession,
  sql: string,
  config: PostgresDestinationConfig,
): Promise<WriterOrProblems> {
  const { values } = config;
  const read = await parameterTypes(session, sql);
  if ('problem' in read) return { problems: [`sql: ${read.problem}`] };
  const { oids } = read;
  if (oids.length !== values.length)
    return { problems: [`values: the statement has ${oids.length} parameters, and there are ${values.length} values`] };
  const types = await readTypes(session, oids);
  const places = values.map(
    (source, at) => new Place(`value $${at + 1}`, source, { type: types.of(oids[at]!, -1), nullable: true }, config),
  );
  return {
    writer: {
      places,
      write: (session, rows) =>
        inTransaction(session, async () => {
          const fresh = config.once ? await freshOf(session, rows, config) : rows;
          for (const { values } of fresh) await session.ask(sql, values);
          return fresh.length;
        }),
    },
  };
}

async function freshOf(
  session: PostgresSession,
  rows: readonly Row[],
  config: PostgresDestinationConfig,
): Promise<readonly Row[]> {
  const batch = 'weir_batch AS (SELECT * FROM unnest($1::text[]) WITH ORDINALITY AS b(e, at))';
  const found = await session.ask(`WITH ${batch} ${freshEffects(config)}`, [
    textArray(rows.map(({ effectId }) => effectId)),
  ]);
  const fresh = new Set(found.map(([effectId]) => effectId));
  return rows.filter(({ effectId }) => fresh.has(effectId));
}

/** In a transaction of its own, so that a pooler keeps the server until it is over. */
async function parameterTypes(
  session: PostgresSession,
  sql: string,
): Promise<{ readonly oids: readonly number[] } | { readonly problem: string }> {
  await session.ask('BEGIN');
  try {
    await session.ask(`PREPARE ${name} AS ${sql}`);
    const query = 'SELECT array_to_json(parameter_types::oid[])::text FROM pg_prepared_statements WHERE name = $1';
    const [[oids] = []] = await session.ask(query, [name]);
    await session.ask(`DEALLOCATE ${name}`);
    return { oids: (JSON.parse(String(oids)) as readonly (string | number)[]).map(Number) };
  } catch (thrown) {
    const problem = statementProblem(thrown);
    if (!problem) throw thrown;
    return { problem };
  } finally {
    if (session.usable) await session.ask('ROLLBACK');
  }
}

/** What the database has against the statement: its text is of the configuration, so that it may be told what is wrong with it. */
function statementProblem(thrown: unknown): string | undefined {
  const { code, what } = failureOf(thrown);
  if (code === undefined || !/^(42|0A|3F|22)/.test(code)) return undefined;
  const { message = what } = thrown as { readonly message?: string };
  return `the database does not take it: ${message} (${code})`;
}
