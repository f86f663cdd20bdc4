/**
 * The limit beside which the store in PostgreSQL measures: one connection that does nothing but COPY the same bytes into one table with
 * a key, so many in a transaction, and COMMIT. The next rows are written while the database works.
 */
import { CopyRows } from '../clients/postgres/copy-rows.ts';
import type { PostgresServer } from '../clients/postgres/server.ts';
import { PostgresSession } from '../clients/postgres/session.ts';
import { Frame } from './frame.ts';
import { answerParent, settings } from './parent.ts';

export interface BareRun {
  readonly fixture: string;
  /** Messages of a transaction. */
  readonly group: number;
  readonly durationMs: number;
}

const { server } = settings<{ readonly server: PostgresServer }>();
const session = await PostgresSession.open(server, {
  ...{ applicationName: 'bare COPY', connectTimeoutMs: 5_000, answerTimeoutMs: 60_000 },
});
await session.ask('CREATE TABLE bare (seq bigint PRIMARY KEY, bytes bytea NOT NULL)');
const tables = [new CopyRows('bare', ['seq', 'bytes']), new CopyRows('bare', ['seq', 'bytes'])] as const;
let seq = 0;

/** Messages per second. */
async function run({ fixture, group, durationMs }: BareRun): Promise<number> {
  const { bytes } = new Frame(fixture);
  const raw = bytes.subarray(1, -2);
  const started = performance.now();
  let count = 0;
  let committing: Promise<unknown> = Promise.resolve();
  for (let which = 0; performance.now() - started < durationMs; which = 1 - which) {
    const rows = tables[which]!;
    rows.clear();
    for (let i = 0; i < group; i++) {
      rows.row();
      rows.int8(++seq);
      rows.bytea(raw);
    }
    await committing;
    committing = session.run([{ text: 'BEGIN' }, { text: rows.into, rows }, { text: 'COMMIT' }]);
    count += group;
  }
  await committing;
  return (count * 1000) / (performance.now() - started);
}

answerParent({ run: (asked) => run(asked as BareRun), stop: () => session.close() });
