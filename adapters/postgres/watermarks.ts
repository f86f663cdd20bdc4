import { nearestTable, readTable, tableIdentifier } from '../../clients/postgres/catalog.ts';
import { failureOf } from '../../clients/postgres/failure.ts';
import type { PostgresSession } from '../../clients/postgres/session.ts';
import type { PollConfig } from './config.ts';

/** The last row that was acknowledged. Without `id`: every row of that watermark was. */
export interface Position {
  readonly watermark: string;
  readonly id: readonly string[];
}

export type StateOptions = PollConfig['state'];

/** The statement that makes the table of watermarks. */
export function watermarksStatement(table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${tableIdentifier(table)} (channel text, source text, watermark text NOT NULL, id jsonb NOT NULL, noted_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (channel, source))`;
}

export async function watermarkProblems(
  session: PostgresSession,
  { table: name, create }: StateOptions,
): Promise<readonly string[]> {
  const table = await readTable(session, name);
  if (!table) {
    if (create) return [];
    const near = await nearestTable(session, name);
    return [`poll.state: there is no table ${name}${near}. create: true makes it, or: ${watermarksStatement(name)}`];
  }
  const missing = ['channel', 'source', 'watermark', 'id', 'noted_at'].filter((column) => !table.columns.has(column));
  if (missing.length > 0)
    return [`poll.state: ${table.shown} has no column ${missing.join(', ')}: it holds no watermarks`];
  const denied = (['select', 'insert', 'update'] as const).filter((right) => !table.rights[right]);
  return denied.length > 0 ? [`poll.state: the user may not ${denied.join(' or ')} in ${table.shown}`] : [];
}

/** One row for each channel and source, written when rows are acknowledged. */
export class Watermarks {
  readonly #options: StateOptions;
  readonly #of: readonly [channel: string, source: string];

  constructor(options: StateOptions, channel: string, source: string) {
    this.#options = options;
    this.#of = [channel, source];
  }

  async create(session: PostgresSession): Promise<void> {
    const { create, table } = this.#options;
    if (!create || (await readTable(session, table))) return;
    try {
      await session.ask(watermarksStatement(table));
    } catch (thrown) {
      // IF NOT EXISTS does not see what another session is making at this moment.
      const lost = ['23505', '42P07', '42710'].includes(failureOf(thrown).code ?? '');
      if (!lost || !(await readTable(session, table))) throw thrown;
    }
  }

  async read(session: PostgresSession): Promise<Position | undefined> {
    const query = `SELECT watermark, id::text FROM ${tableIdentifier(this.#options.table)} WHERE channel = $1 AND source = $2`;
    const [row] = await session.ask(query, this.#of);
    return row && { watermark: String(row[0]), id: JSON.parse(String(row[1])) as readonly string[] };
  }

  /** Resolves when it is committed. */
  async write(session: PostgresSession, { watermark, id }: Position): Promise<void> {
    await session.ask(
      `INSERT INTO ${tableIdentifier(this.#options.table)} AS w (channel, source, watermark, id) VALUES ($1, $2, $3, $4)
       ON CONFLICT (channel, source) DO UPDATE SET watermark = EXCLUDED.watermark, id = EXCLUDED.id, noted_at = now()`,
      [...this.#of, watermark, JSON.stringify(id)],
    );
  }
}
