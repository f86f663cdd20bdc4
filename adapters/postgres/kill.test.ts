import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { PostgresServer } from '../../clients/postgres/server.ts';
import { once, serverOf } from '../../clients/postgres/testing/database.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { type FakeIntake, fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { nightly } from '../../core/testing/nightly.ts';
import { type OwnService, ownService } from '../../core/testing/services.ts';
import { postgres } from './postgres.ts';

const own = await ownService('postgres', import.meta.filename);
const bouncer = await ownService('pgbouncer', import.meta.filename);
type Config = Omit<Parameters<typeof postgres>[0], 'endpoint'>;

const kills = nightly ? 4 : 2;

describe.skipIf(own.missing ?? bouncer.missing)('a database that is killed while it is read', () => {
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

  it('gives every committed row at least once, and in order where it is polled', { timeout: 120_000 }, async () => {
    const direct = serverOf(database.address);
    const { host, port } = serverOf(pooler.address);
    const pooled = { ...direct, host, port };
    for (const table of ['polled', 'claimed']) await once(direct, `CREATE TABLE ${table} (id int PRIMARY KEY)`);
    const poll: Config = { poll: { table: 'polled', watermark: 'id', state: { create: true } } };
    const readers = {
      polled: [reading(direct, poll, 'one'), reading(pooled, poll, 'two')],
      claimed: [reading(pooled, { claim: { table: 'claimed' } }, 'three')],
    };
    let over = false;
    const committed = new Set<number>();
    const insert = async (table: string, id: number): Promise<void> => {
      try {
        await once(direct, `INSERT INTO ${table} SELECT generate_series(${id}, ${id + 9})`);
        if (table === 'claimed') for (let at = 0; at < 10; at++) committed.add(id + at);
      } catch {
        await pause(50);
      }
    };
    const inserting = (async () => {
      for (let id = 0; !over; id += 10) for (const table of ['polled', 'claimed']) await insert(table, id);
    })();
    for (let kill = 0; kill < kills; kill++) {
      await vi.waitFor(() => expect(committed.size).toBeGreaterThan(150 * (kill + 1)));
      await database.kill();
      await pause(200);
      await database.start();
    }
    await pause(500);
    over = true;
    await inserting;
    const rows = (await once(direct, 'SELECT id FROM polled ORDER BY id')).map(([id]) => Number(id));
    expect(rows.length).toBeGreaterThan(200);
    for (const intake of readers.polled) {
      await vi.waitFor(() => expect(firsts(intake)).toEqual(rows), { timeout: 30_000 });
      expect(intake.arrivals.length - rows.length).toBeLessThan(kills * 100);
    }
    await vi.waitFor(async () => expect(await once(direct, 'SELECT count(*) FROM claimed')).toEqual([[0]]), {
      timeout: 30_000,
    });
    expect(committed.size).toBeGreaterThan(200);
    const arrived = new Set(firsts(readers.claimed[0]!));
    expect([...committed].filter((id) => !arrived.has(id))).toEqual([]);
  });
});

/** The ids in the order of their first arrival. */
function firsts(intake: FakeIntake): readonly number[] {
  const ids = intake.arrivals.map(({ raw }) => (JSON.parse(Buffer.from(raw).toString()) as { readonly id: number }).id);
  return [...new Set(ids)];
}

function reading(server: PostgresServer, config: Config, channel: string): FakeIntake {
  const context = fakeSourceContext({ channel, endpoints: { far: { kind: 'postgres', ...server } } });
  const intake = fakeIntake(() => positive);
  const given = { ...config, endpoint: 'far', pollMs: 20, connectTimeoutMs: 2_000, timeoutMs: 5_000 };
  const stop = new AbortController();
  const running = postgres(given)
    .create(context)
    .run(intake, { drain: stop.signal, halt: new AbortController().signal });
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  return intake;
}
