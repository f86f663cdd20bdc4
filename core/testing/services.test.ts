import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { ownService, service, uniqueName } from './services.ts';

const shared = await service('postgres', import.meta.filename);
const own = await ownService('postgres', import.meta.filename);

async function query(address: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: 2_000 });
  // What breaks between two statements is what the next one rejects with.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe.skipIf(shared.missing)('a shared service', () => {
  it('answers at its address, with fsync on', async () => {
    expect(await query(shared.address, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    expect(await query(shared.address, 'SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'on' }]);
  });

  it('is the same for all of a run', async () => {
    expect(await service('postgres', import.meta.filename)).toEqual(shared);
  });

  it('refuses a wrong password', async () => {
    const wrong = shared.address.replace(/:[^:@]+@/, ':wrong@');
    await expect(query(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });
});

describe.skipIf(own.missing)('a service of one’s own', { timeout: 60_000 }, () => {
  it('is broken and mended by name, on one port with one body of data', async () => {
    const postgres = await own.start({ settings: { work_mem: '5MB' } });
    try {
      expect(await query(postgres.address, 'SHOW work_mem')).toEqual([{ work_mem: '5MB' }]);
      await query(postgres.address, 'CREATE TABLE ward (bed int)');
      await postgres.kill('postgres');
      await expect(query(postgres.address, 'TABLE ward')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      await postgres.start();
      expect(await query(postgres.address, 'TABLE ward')).toEqual([]);
      await postgres.stop();
      await expect(query(postgres.address, 'TABLE ward')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      await expect(postgres.kill('nobody')).rejects.toThrow('no process nobody: there are postgres');
    } finally {
      await postgres[Symbol.asyncDispose]();
    }
    expect(existsSync(postgres.directory)).toBe(false);
  });

  it('takes connections and says nothing while it is paused', async () => {
    await using postgres = await own.start();
    await postgres.pause();
    const socket = connect({ host: '127.0.0.1', port: postgres.ports.postgres ?? 0 });
    await once(socket, 'connect');
    socket.destroy();
    await expect(query(postgres.address, 'SELECT 1')).rejects.toThrow(/timeout/);
    await postgres.resume();
    expect(await query(postgres.address, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('says why it did not start', async () => {
    await expect(own.start({ settings: { no_such_setting: '1' } })).rejects.toThrow(/no_such_setting/);
  });
});

it('a unique name tells the file it is for, and is another one each time', () => {
  const name = uniqueName('/hub/kafka-event-log.suite.test.ts');
  expect(name).toMatch(/^t_kafka_event_log_[0-9a-f]{6}_[0-9a-f]{8}$/);
  expect(uniqueName('/hub/kafka-event-log.suite.test.ts')).not.toBe(name);
});
