/** What the SQLite store does when one of its threads dies, or its disk fails in another way than by being full. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  anyBytes,
  appendOne,
  beginning,
  channel,
  newMessage,
  sentPart,
  settlement,
  start,
} from '../../testing/store-fixture.ts';
import { openSqliteStore } from './sqlite-store.ts';

let directory = '';
let threads: Worker[] = [];
const started = (worker: Worker) => threads.push(worker);
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-store-'));
  threads = [];
  process.on('worker', started);
});
afterEach(() => {
  process.off('worker', started);
  rmSync(directory, { recursive: true, force: true });
});

const open = () => openSqliteStore({ directory, now: () => start, lowWaterBytes: 0, reserveBytes: 0 });
const failed = { code: 'store-failed', kind: 'transient' };
const thread = (name: string) => threads.find(({ threadName }) => threadName === `message-store-${name}`)!;

describe('the death of a thread', () => {
  it("of the writer's: every call of it rejects, the store says so, and the next opening has what was acknowledged", async () => {
    const store = await open();
    const seqs = [await appendOne(store), await appendOne(store)];
    const ended = thread('writer').terminate();
    const waiting = [
      store.append(channel, [newMessage()]),
      store.settle(channel, [settlement(seqs[0]!, [sentPart('lab')])]),
      store.ready(channel, 'lab', beginning, 1, anyBytes),
    ];
    for (const call of await Promise.allSettled(waiting)) expect(call).toMatchObject({ reason: failed });
    await ended;
    expect(await store.failed).toMatchObject({
      ...failed,
      message: 'calling the message store: the message-store-writer thread has ended',
    });
    await expect(store.append(channel, [newMessage()])).rejects.toMatchObject(failed);
    await expect(store.state('desired/adt')).rejects.toMatchObject(failed);
    await expect(store.content('x', { actor: 'a', reason: 'r' })).rejects.toMatchObject(failed);
    expect(await store.counts()).toMatchObject([{ received: 2 }]);
    await store[Symbol.asyncDispose]();

    await using again = await open();
    expect((await again.unrouted(channel, 0, 10, anyBytes)).map(({ seq }) => seq)).toEqual(seqs);
  });

  it("of the reader's: reads reject, the store says so, and writes go on until it is closed", async () => {
    const store = await open();
    const counting = store.counts();
    const ended = thread('reader').terminate();
    await expect(Promise.all([counting, store.find({ limit: 1 })])).rejects.toMatchObject(failed);
    await ended;
    expect(await store.failed).toMatchObject({
      message: 'calling the message store: the message-store-reader thread has ended',
    });
    await expect(store.auditTrail({ limit: 1 })).rejects.toMatchObject(failed);
    expect(await appendOne(store)).toBe(1);
    await store[Symbol.asyncDispose]();
  });

  it('is not what a close is', async () => {
    const store = await open();
    await store[Symbol.asyncDispose]();
    expect(await Promise.race([store.failed, new Promise((done) => setTimeout(done, 20, 'closed'))])).toBe('closed');
  });
});

describe('a disk that fails', () => {
  const limitFiles = (bytes: number | 'unlimited') =>
    spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`]).status === 0;
  const limitable = limitFiles('unlimited');

  it.skipIf(!limitable)('while it writes: the call rejects with store-failed, and nothing is left of it', async () => {
    await using store = await open();
    const before = await appendOne(store);
    const raw = new Uint8Array(400_000);
    limitFiles(300_000);
    try {
      const refused = await Promise.allSettled([
        store.append(channel, [newMessage({ raw })]),
        store.append(channel, [newMessage({ raw }), newMessage()]),
      ]);
      for (const call of refused) expect(call).toMatchObject({ status: 'rejected', reason: failed });
    } finally {
      limitFiles('unlimited');
    }
    const after = await appendOne(store, { raw });
    expect(after).toBe(before + 1);
    expect((await store.unrouted(channel, 0, 10, anyBytes)).map(({ seq }) => seq)).toEqual([before, after]);
    expect(await store.counts()).toMatchObject([{ received: 2, unrouted: 2 }]);
    const years = { from: '2025-01-01', to: '2026-12-31', by: 'channel' } as const;
    expect(await store.dailyCounts(years)).toMatchObject([{ received: 2, queued: 2 }]);
  });

  it('while it reads: a page that is not what it was rejects with store-failed, in both threads', async () => {
    const first = await open();
    for (let index = 0; index < 200; index++) await appendOne(first, { raw: new Uint8Array(3000) });
    await first[Symbol.asyncDispose]();
    const file = openSync(join(directory, 'messages.db'), 'r+');
    // All pages from the 60th on: rows of messages, and not the schema.
    for (let page = 60; page < 200; page++)
      writeSync(file, new Uint8Array(4096).fill(0xa5), 0, 4096, (page - 1) * 4096);
    closeSync(file);
    await using store = await open();
    await expect(store.unrouted(channel, 0, 1000, anyBytes)).rejects.toMatchObject(failed);
    await expect(store.find({ limit: 1000 })).rejects.toMatchObject(failed);
  });
});
