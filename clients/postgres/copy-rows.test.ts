import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CopyRows } from './copy-rows.ts';
import { PostgresSession } from './session.ts';
import { testDatabase } from './testing/database.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());
const columns = ['n', 'a', 'b', 'c', 'd', 'e', 'f'] as const;

interface Row {
  readonly a: number | null;
  readonly b: number | null;
  readonly c: number | null;
  readonly d: string | null;
  readonly e: string | null;
  readonly f: Uint8Array | null;
}

const someRow: fc.Arbitrary<Row> = fc.record({
  a: fc.option(fc.integer({ min: -32_768, max: 32_767 })),
  b: fc.option(fc.integer()),
  c: fc.option(fc.maxSafeInteger()),
  d: fc.option(fc.string({ unit: 'grapheme', maxLength: 400 })),
  e: fc.option(fc.uuid()),
  f: fc.option(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 60_000, max: 200_000 }).map((n) => new Uint8Array(n).fill(7)),
    ),
  ),
});

describe.skipIf(database.missing)('rows for COPY', () => {
  let session: PostgresSession;
  beforeAll(async () => {
    const options = { applicationName: 'test', connectTimeoutMs: 5_000, answerTimeoutMs: 30_000 };
    session = await PostgresSession.open(database.server, options);
    await session.ask('CREATE TABLE t (n int4, a int2, b int4, c int8, d text, e uuid, f bytea)');
  });
  afterAll(() => session?.close());

  it('arrive as they were written, whatever they are, with one buffer for one COPY after another', async () => {
    const copy = new CopyRows('t', columns);
    await fc.assert(
      fc.asyncProperty(fc.array(someRow, { maxLength: 30 }), async (rows) => {
        rows.forEach((row, n) => {
          copy.row();
          copy.int4(n);
          copy.int2(row.a);
          copy.int4(row.b);
          copy.int8(row.c);
          copy.text(row.d);
          copy.uuid(row.e);
          copy.bytea(row.f);
        });
        expect(copy.rows).toBe(rows.length);
        await session.run([{ text: 'TRUNCATE t' }, { text: copy.into, rows: copy }]);
        copy.clear();
        const stored = await session.ask('SELECT a, b, c, d, e, f FROM t ORDER BY n');
        expect(stored.length).toBe(rows.length);
        stored.forEach((found, n) => {
          const { a, b, c, d, e, f } = rows[n]!;
          expect(found.slice(0, 5)).toEqual([a, b, c, d?.replaceAll('\0', '\u2400') ?? null, e]);
          if (f === null) expect(found[5]).toBeNull();
          else expect(Buffer.compare(found[5] as Uint8Array, f)).toBe(0);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('go with other statements in one round trip, in order; each statement has its answer', async () => {
    const copy = new CopyRows('t', ['n', 'd']);
    const other = new CopyRows('t', ['n']);
    for (const rows of [copy, other]) {
      rows.row();
      rows.int4(1);
    }
    copy.text('one');
    const answers = await session.run([
      { text: 'TRUNCATE t' },
      { text: copy.into, rows: copy },
      { text: 'SELECT n, d FROM t' },
      { text: other.into, rows: other },
      { text: 'SELECT count(*) FROM t' },
    ]);
    expect(answers).toEqual([[], [], [['1', 'one']], [], [['2']]]);
  });

  it('are not stored where a statement fails, and the connection can be used afterwards', async () => {
    const copy = new CopyRows('t', ['n']);
    copy.row();
    copy.int4(1);
    await session.ask('TRUNCATE t');
    const failing = session.run([{ text: copy.into, rows: copy }, { text: 'SELECT 1/0' }]);
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect(await session.ask('SELECT count(*) FROM t')).toEqual([[0]]);
  });
});
