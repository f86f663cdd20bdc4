import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import type { HubError } from '../errors.ts';
import { eventLogSuite } from '../testing/event-log-suite.ts';
import { openEmbeddedLog } from './embedded-log.ts';
import type { EventLog } from './event-log.ts';

const directories: string[] = [];
const logs: EventLog[] = [];

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-event-log-'));
  directories.push(directory);
  return directory;
}

/** A log that is closed after the test. */
async function openLog(directory: string): Promise<EventLog> {
  const log = await openEmbeddedLog({ directory, now: Date.now, onError: unexpected });
  logs.push(log);
  return log;
}

afterEach(async () => {
  for (const log of logs.splice(0)) await log[Symbol.asyncDispose]();
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

function unexpected(error: Error): never {
  throw error;
}

eventLogSuite('embedded', async () => {
  const directory = await newDirectory();
  let time = Date.UTC(2026, 0, 5, 6);
  const retry = { firstMs: 20, maxMs: 1000 };
  return {
    open: () => openEmbeddedLog({ directory, now: () => time, onError: unexpected, retry, expireEveryMs: 20 }),
    advance(ms) {
      time += ms;
    },
  };
});

test('a second log on the directory is refused until the first is closed', async () => {
  const directory = await newDirectory();
  const first = await openLog(directory);
  await expect(openLog(directory)).rejects.toMatchObject({ code: 'store-locked' });
  await first.declare({ name: 'still.works.v1', partitions: 1, retentionMs: 1000 });
  await first[Symbol.asyncDispose]();
  const second = await openLog(directory);
  expect(await second.status()).toHaveLength(1);
});

test('a commit that fails half-way leaves nothing behind: its publishes reject, and the log goes on', async () => {
  const directory = await newDirectory();
  const log = await openLog(directory);
  await log.declare({ name: 'whole.v1', partitions: 1, retentionMs: 60_000 });
  const database = new DatabaseSync(join(directory, 'events.sqlite'));
  database.exec(
    `CREATE TRIGGER fault BEFORE INSERT ON events WHEN new.id = 'bad' BEGIN SELECT raise(ABORT, 'fault'); END`,
  );
  const event = (id: string) => ({ key: 'k', value: new Uint8Array(10), id, headers: {} });
  const failing = log.publish('whole.v1', [event('before'), event('bad'), event('after')]);
  await expect(failing).rejects.toMatchObject({ code: 'event-log-failed', kind: 'transient', scope: 'destination' });
  await log.publish('whole.v1', [event('good')]);
  const seen: string[] = [];
  const abort = new AbortController();
  await log.consume(
    { topic: 'whole.v1', group: 'g', maxBatch: 10, from: 'earliest', signal: abort.signal },
    async (batch) => {
      seen.push(...batch.events.map(({ offset, id }) => `${offset} ${id}`));
      abort.abort();
    },
  );
  expect(seen).toEqual(['0 good']);
});

test('closing makes what was already published durable and refuses what comes later', async () => {
  const directory = await newDirectory();
  const log = await openLog(directory);
  await log.declare({ name: 'last.words.v1', partitions: 1, retentionMs: 60_000 });
  const published = log.publish('last.words.v1', [{ key: 'k', value: new Uint8Array(9), id: '1', headers: {} }]);
  const closed = log[Symbol.asyncDispose]();
  await expect(log.publish('last.words.v1', [])).rejects.toMatchObject({ code: 'event-log-failed' });
  await Promise.all([published, closed]);
  const again = await openLog(directory);
  expect(await again.status()).toMatchObject([{ events: 1 }]);
});

test('a thread that dies is told once; what waits and what comes rejects, and consumers end', async () => {
  const threads: Worker[] = [];
  const started = (worker: Worker) => threads.push(worker);
  process.on('worker', started);
  const errors: HubError[] = [];
  const log = await openEmbeddedLog({
    directory: await newDirectory(),
    now: Date.now,
    onError: (error) => errors.push(error),
  });
  process.off('worker', started);
  await log.declare({ name: 'gone.v1', partitions: 1, retentionMs: 60_000 });
  const event = { key: 'k', value: new Uint8Array(9), id: '1', headers: {} };
  const handled = Promise.withResolvers<void>();
  const consuming = log.consume(
    { topic: 'gone.v1', group: 'g', maxBatch: 1, from: 'earliest', signal: new AbortController().signal },
    async () => {
      await threads.find(({ threadName }) => threadName === 'event-log-writer')!.terminate();
      handled.resolve();
    },
  );
  const lost = { code: 'event-log-failed', kind: 'permanent', scope: 'destination' };
  const [published] = await Promise.allSettled([log.publish('gone.v1', [event]), handled.promise]);
  expect(published.status).toBe('fulfilled');
  await expect(log.publish('gone.v1', [event])).rejects.toMatchObject(lost);
  await expect(consuming).rejects.toMatchObject(lost);
  expect(await log.failed).toMatchObject({
    ...lost,
    message: 'calling the event log: the event-log-writer thread has ended',
  });
  expect(errors.length).toBeGreaterThan(0);
  await log[Symbol.asyncDispose]();
});

test('an event reaches a waiting handler within 5 ms', async () => {
  const log = await openLog(await newDirectory());
  await log.declare({ name: 'quick.v1', partitions: 4, retentionMs: 60_000 });
  const abort = new AbortController();
  let arrived = Promise.withResolvers<void>();
  const consuming = log.consume(
    { topic: 'quick.v1', group: 'g', maxBatch: 100, from: 'earliest', signal: abort.signal },
    async () => arrived.resolve(),
  );
  const took: number[] = [];
  for (let n = 0; n < 200; n++) {
    arrived = Promise.withResolvers();
    const at = performance.now();
    await log.publish('quick.v1', [{ key: String(n), value: new Uint8Array(1024), id: String(n), headers: {} }]);
    await arrived.promise;
    took.push(performance.now() - at);
  }
  abort.abort();
  await consuming;
  // Others of the machine may slow most of them down; a log that only looks now and then would be late with all.
  expect(took.sort((a, b) => a - b)[20]).toBeLessThan(5);
});

test('a log that another process had open when it was killed is whole: nothing acknowledged is lost, order per key holds', async () => {
  const directory = await newDirectory();
  const publisher = fileURLToPath(new URL('../testing/publish-until-killed.ts', import.meta.url));
  const acknowledged = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [publisher, directory, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await killAfterSomeWork(child, acknowledged);
  }
  expect(acknowledged.size).toBeGreaterThan(100);

  const log = await openLog(directory);
  const [status] = await log.status();
  const ids: string[] = [];
  const abort = new AbortController();
  const all = Promise.withResolvers<void>();
  const consuming = log.consume(
    { topic: 'killed.v1', group: 'g', maxBatch: 1000, from: 'earliest', signal: abort.signal },
    async ({ events }) => {
      for (const event of events) ids.push(event.id);
      if (ids.length >= status!.events) all.resolve();
    },
  );
  await all.promise;
  abort.abort();
  await consuming;
  const stored = new Set(ids);
  expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
  expect(ids).toHaveLength(stored.size);
  const lastOfKey = new Map<string, number>();
  for (const id of ids) {
    const [round, key, n] = id.split('/');
    const name = `${round}/${key}`;
    expect(Number(n)).toBeGreaterThan(lastOfKey.get(name) ?? -1);
    lastOfKey.set(name, Number(n));
  }
});

/** Collects the ids that the child reports as durable, and kills it (SIGKILL) at a moment of its work. */
async function killAfterSomeWork(child: ChildProcess, acknowledged: Set<string>): Promise<void> {
  const exited = once(child, 'exit');
  const afterIds = acknowledged.size + 500 + Math.floor(Math.random() * 1000);
  for await (const id of createInterface({ input: child.stdout! })) {
    acknowledged.add(id);
    if (acknowledged.size === afterIds) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
}
