/** What only the SQLite store promises: durability, locks, full disks, and that deleted content is gone from its files. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  analyst,
  anyBytes,
  appendOne,
  bytesOf,
  channel,
  newId,
  newMessage,
  queuedPart,
  sentPart,
  seqOf,
  settlement,
  start,
  toSent,
} from '../../testing/store-fixture.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { SqliteStoreOptions } from './store-options.ts';

const noReserve = { lowWaterBytes: 0, reserveBytes: 0 };
const writerScript = join(import.meta.dirname, 'append-until-killed.ts');

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-store-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (options: Partial<SqliteStoreOptions> = {}) =>
  openSqliteStore({ directory, now: () => start, ...noReserve, ...options });

describe('the SQLite store through a crash', () => {
  it('loses nothing that it acknowledged before a kill −9, and its lock does not outlive the process', async () => {
    const child = spawn(process.execPath, [writerScript, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    const acknowledged = new Set<number>();
    let rest = '';
    for await (const chunk of child.stdout) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== 'calling') acknowledged.add(Number(line));
      if (acknowledged.size > 500 && !child.killed) child.kill('SIGKILL');
    }
    if (child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    await using store = await open();
    const found = await store.unrouted(channel, 0, 1_000_000, anyBytes);
    const kept = new Set(found.map(({ seq }) => seq));
    expect([...acknowledged].filter((seq) => !kept.has(seq))).toEqual([]);
    expect((await store.counts())[0]?.received).toBe(found.length);
  });

  it.skipIf(spawnSync('strace', ['-V']).error)('rule 5: syncs between the append and its resolution', () => {
    const trace = join(directory, 'trace');
    const calls = 'trace=fdatasync,fsync,write,pwrite64';
    const command = [
      '-f',
      '-e',
      calls,
      '-e',
      'signal=none',
      '-y',
      '-o',
      trace,
      process.execPath,
      writerScript,
      directory,
      '20',
    ];
    execFileSync('strace', command, { stdio: 'ignore' });
    // Every acknowledgement is a line on standard output, after one that says that the append was called.
    const steps = readFileSync(trace, 'utf8')
      .split('\n')
      .flatMap((line) => {
        if (/write\(1<.*"calling/.test(line)) return ['calling'];
        if (/write\(1<.*"\d+\\n"/.test(line)) return ['acknowledged'];
        if (/pwrite64\(\d+<[^>]*messages\.db-wal>/.test(line)) return ['logged'];
        const finished =
          /(fdatasync|fsync)\(\d+<[^>]*messages\.db-wal>\) += 0|<\.\.\. (fdatasync|fsync) resumed>\) += 0/;
        return finished.test(line) ? ['synced'] : [];
      });
    const between = steps.join(' ').split('calling ').slice(1);
    expect(between.length).toBe(20);
    for (const part of between) expect(part).toMatch(/logged.* synced .*acknowledged/);
  });
});

describe('the lock of the SQLite store', () => {
  it('refuses a second opening of its directory, in this process and in another', async () => {
    const store = await open();
    await expect(open()).rejects.toMatchObject({ code: 'store-locked' });
    const other = spawnSync(process.execPath, [writerScript, directory, '1'], { encoding: 'utf8' });
    expect(other.stdout).toContain('store-locked');
    expect(await appendOne(store)).toBe(1);
    await store[Symbol.asyncDispose]();
    await (await open())[Symbol.asyncDispose]();
  });
});

describe('deleted content', () => {
  const secret = 'DOE^JOHN^SECRET';
  const files = () => readdirSync(directory).map((name) => readFileSync(join(directory, name)));
  const isKept = () => files().some((bytes) => bytes.includes(secret));

  it('rule 8: metadata leaves no byte of it, in the database or the write-ahead log', async () => {
    const store = await open();
    const raw = bytesOf(secret.repeat(500));
    const seqs = [await appendOne(store, { raw }), await appendOne(store, { raw, large: [[0, raw.length]] })];
    expect(isKept()).toBe(true);
    const first = { ...sentPart('lab'), bytes: raw, reply: raw };
    await store.settle(channel, [
      settlement(seqs[0]!, [first], { content: 'metadata' }),
      settlement(seqs[1]!, [first, queuedPart('lab', 'ready', ['k'], { n: 1, bytes: raw })], { content: 'metadata' }),
    ]);
    await store.update(channel, [{ ...toSent(seqs[1]!), n: 1, to: 'sent', sentAt: start, attempts: 1, reply: raw }]);
    await store.scrub();
    expect(isKept()).toBe(false);
    await store[Symbol.asyncDispose]();
    expect(isKept()).toBe(false);
  });

  it('leaves the write-ahead log by itself within scrubAfterMs', async () => {
    await using store = await open({ scrubAfterMs: 1 });
    const seq = await appendOne(store, { raw: bytesOf(secret.repeat(10)) });
    await store.settle(channel, [settlement(seq, [sentPart('lab')], { content: 'metadata' })]);
    await expect.poll(isKept).toBe(false);
  });

  it('is gone when the store was closed, and after pruning', async () => {
    const store = await open();
    const id = newId();
    const seq = await appendOne(store, { id, raw: bytesOf(secret) });
    await store.settle(channel, [settlement(seq, [sentPart('lab')])]);
    await store.prune(channel, { contentBefore: start + 1, messagesBefore: 0 });
    expect((await store.content(id, analyst))?.raw).toBeUndefined();
    await store[Symbol.asyncDispose]();
    expect(isKept()).toBe(false);
  });
});

describe('rules 11 and 26: a full disk', () => {
  const raw = new Uint8Array(50_000);

  it('refuses appends in a database of bounded size, and changes nothing', async () => {
    await using store = await open({ maxDatabaseBytes: 1_000_000 });
    const seqs: number[] = [];
    const fill = async () => {
      for (let index = 0; index < 100; index++) seqs.push(await appendOne(store, { raw }));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'store-full', kind: 'transient' });
    expect(seqs.length).toBeGreaterThan(5);
    expect((await store.counts())[0]?.received).toBe(seqs.length);
  });

  const mountable = process.getuid?.() === 0 && canMount();

  it.skipIf(!mountable)('appends fail, settlements pass, and appends work again when space returns', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', directory]);
    try {
      await fullAndBack();
    } finally {
      execFileSync('umount', [directory]);
    }
  });

  const fullAndBack = async () => {
    const limits = { lowWaterBytes: 3_000_000, reserveBytes: 1_500_000, walBytes: 1_000_000 };
    await using store = await open(limits);
    const seqs: number[] = [];
    const fill = async () => {
      for (;;) seqs.push(await appendOne(store, { raw }));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'store-full', kind: 'transient' });
    expect((await store.usage()).full).toBe(true);

    await store.scrub();
    // Another program takes what was left for settlements, and the whole disk with it.
    const other = join(directory, 'other');
    fillDisk(other);
    for (const seq of seqs) await store.settle(channel, [settlement(seq, [sentPart('lab')])]);
    await expect(store.append(channel, [newMessage({ raw })])).rejects.toMatchObject({ code: 'store-full' });
    expect((await store.counts())[0]).toMatchObject({ received: seqs.length, unrouted: 0 });

    rmSync(other);
    await store.prune(channel, { contentBefore: start + 1, messagesBefore: start + 1 });
    await expect
      .poll(() => store.append(channel, [newMessage({ raw: bytesOf('again') })]).then(([one]) => seqOf(one)))
      .toBeGreaterThan(seqs.at(-1)!);
    await store[Symbol.asyncDispose]();
    await using again = await open(limits);
    expect((await again.unrouted(channel, 0, 1000, anyBytes)).length).toBe(1);
  };

  it('refuses appends below the low-water mark, and says so', async () => {
    await using store = await open({ lowWaterBytes: Number.MAX_SAFE_INTEGER });
    await expect(store.append(channel, [newMessage()])).rejects.toMatchObject({
      code: 'store-full',
      scope: 'destination',
    });
    expect(await store.usage()).toMatchObject({ full: true });
  });
});

function canMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'weir-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place]).status === 0;
  if (mounted) spawnSync('umount', [place]);
  rmSync(place, { recursive: true, force: true });
  return mounted;
}

function fillDisk(path: string): void {
  for (const size of [65_536, 4096, 512]) {
    try {
      for (;;) writeFileSync(path, new Uint8Array(size), { flag: 'a' });
    } catch {
      // Full for this size; the next smaller one may still fit.
    }
  }
}
