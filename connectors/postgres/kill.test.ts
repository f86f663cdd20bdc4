import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { PostgresServer } from '../../clients/postgres/server.ts';
import { once, serverOf } from '../../clients/postgres/testing/database.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf } from '../../core/testing/destination-suite.ts';
import { nightly } from '../../core/testing/nightly.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { type OwnService, ownService } from '../../core/testing/services.ts';
import { postgres } from './postgres.ts';

const own = await ownService('postgres', import.meta.filename);
const bouncer = await ownService('pgbouncer', import.meta.filename);
type Config = Omit<Parameters<typeof postgres>[0], 'endpoint'>;

const batchSize = 40;
const kills = nightly ? 5 : 3;

describe.skipIf(own.missing ?? bouncer.missing)('a database that is killed under load', () => {
  let database: OwnService;
  let pooler: OwnService;
  beforeAll(async () => {
    database = await own.start();
    pooler = await bouncer.start({ behind: database.address });
  }, 120_000);
  afterAll(async () => {
    await pooler?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  it('has lost nothing in the end, and has nothing twice', { timeout: 120_000 }, async () => {
    const direct = serverOf(database.address);
    const pooled = { ...direct, ...addressOf(pooler) };
    for (const table of ['a', 'b', 'c']) await once(direct, `CREATE TABLE ${table} (n int)`);
    await once(direct, 'CREATE TABLE d (n int PRIMARY KEY, times int DEFAULT 1)');
    let over = false;
    const writers = [
      writing(direct, { into: { table: 'a', columns: { n: 'n' } } }, () => over),
      writing(pooled, { into: { table: 'b', columns: { n: 'n' } } }, () => over),
      writing(pooled, { sql: 'INSERT INTO c VALUES ($1)', values: ['n'] }, () => over),
      writing(direct, counting, () => over),
    ];
    for (let kill = 0; kill < kills; kill++) {
      const rows = async () => Number((await once(direct, 'SELECT count(*) FROM a'))[0]?.[0]);
      await vi.waitFor(async () => expect(await rows()).toBeGreaterThan(10 * batchSize * (kill + 1)));
      await pause(50 * kill);
      await database.kill();
      await pause(200);
      await database.start();
    }
    await pause(300);
    over = true;
    const [a, b, c, d] = await Promise.all(writers);
    for (const [table, written] of [
      ['a', a],
      ['b', b],
      ['c', c],
    ] as const) {
      const [[rows, distinct] = []] = await once(direct, `SELECT count(*), count(DISTINCT n) FROM ${table}`);
      expect([table, rows, distinct]).toEqual([table, written!.messages, written!.messages]);
    }
    const [[rows, times] = []] = await once(direct, 'SELECT count(*), sum(times)::int FROM d');
    expect([rows, times]).toEqual([d!.messages, d!.messages]);
    // Else nothing was under way when it was killed.
    const troubled = [a, b, c, d].map((written) => written!.uncertain);
    expect(Math.max(...troubled)).toBeGreaterThan(0);
    expect(a!.messages).toBeGreaterThan(10 * batchSize);
  });
});

/** An update that would be seen if it happened twice. */
const counting: Config = {
  sql: 'INSERT INTO d (n) VALUES ($1) ON CONFLICT (n) DO UPDATE SET times = d.times + 1',
  values: ['n'],
};

function addressOf({ address }: OwnService): Pick<PostgresServer, 'host' | 'port'> {
  const { host, port } = serverOf(address);
  return { host, port };
}

/** One batch after another, each again until all of it is sent, until `isOver`. */
async function writing(server: PostgresServer, config: Config, isOver: () => boolean) {
  const endpoints = { far: { kind: 'postgres', ...server } as const };
  const context = fakeDestinationContext({ endpoints });
  const given = { ...config, endpoint: 'far', createInbox: true, connectTimeoutMs: 2_000, timeoutMs: 5_000 };
  const destination = postgres({ ...given, inbox: `inbox_${given.into?.table ?? given.sql?.split(' ')[2]}` }).create(
    context,
  );
  onTestFinished(() => destination[Symbol.asyncDispose]());
  let messages = 0;
  let uncertain = 0;
  while (!isOver()) {
    let rest = Array.from({ length: batchSize }, (_, at) => {
      const n = messages + at;
      return outgoing({ number: n, payload: undefined, bytes: Buffer.from(JSON.stringify({ n })) });
    });
    messages += batchSize;
    while (rest.length > 0) {
      const outcomes = await outcomesOf(destination, rest);
      uncertain += outcomes.filter(({ status }) => status === 'uncertain').length;
      rest = rest.filter((_, at) => outcomes[at]!.status !== 'sent');
      if (rest.length > 0) await pause(20);
    }
  }
  return { messages, uncertain };
}
