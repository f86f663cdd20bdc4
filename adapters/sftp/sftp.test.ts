import { mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { sftp } from './sftp.ts';
import { eventually, put, reading, texts } from './testing/reading.ts';
import { relay } from './testing/relay.ts';
import { missingSshd, type Sshd, sshd } from './testing/sshd.ts';

const missing = missingSshd();
if (missing) console.warn(missing);

it('claims its directory, however that is written, so that two channels never read the same files', () => {
  const claims = (directory: string) => sftp({ endpoint: 'lab', directory }).resources;
  for (const same of ['/out/', '/out/.', '//out', '/x/../out']) expect(claims(same)).toEqual(claims('/out'));
  for (const other of ['/', 'out', '/out/a', '.']) expect(claims(other)).not.toEqual(claims('/out'));
});

it.for([
  { after: { move: '../elsewhere' } },
  { after: { move: '/elsewhere' } },
  { errorDirectory: 'a/../..' },
  { errorDirectory: '.' },
  { ready: { marker: '/done' } },
  { pattern: '[a' },
])('refuses %j', (config) => {
  expect(() => sftp({ endpoint: 'lab', ...config })).toThrow('configuring sftp');
});

describe.skipIf(missing)('the sftp source, against OpenSSH', () => {
  let server: Sshd;
  beforeAll(async () => {
    server = await sshd();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  let open = new AsyncDisposableStack();
  afterEach(async () => {
    await open.disposeAsync();
    open = new AsyncDisposableStack();
  });

  it('deletes a file once it is acknowledged, and tells its name, size and time', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    await put(path, 'a.hl7', 'one');
    await utimes(join(path, 'a.hl7'), 1_700_000_000, 1_700_000_000);
    open.use(reading(intake, server.endpoint(), { directory: path }));
    await eventually(async () => expect(await readdir(path)).toEqual([]));
    expect(texts(intake)).toEqual(['one']);
    expect(intake.arrivals[0]).toMatchObject({
      dedupeKey: 'a.hl7/3:1700000000',
      meta: { 'file.name': 'a.hl7', 'file.size': '3', 'file.modifiedAt': '2023-11-14T22:13:20.000Z' },
    });
  });

  it('leaves a file alone that is still being written, and reads it whole', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    open.use(reading(intake, server.endpoint(), { directory: path, pollMs: 100 }));
    for (let part = 0; part < 20; part++) {
      await writeFile(join(path, 'slow.hl7'), `part ${part};`, { flag: 'a' });
      await pause(20);
      expect(intake.arrivals).toEqual([]);
    }
    await eventually(() => expect(intake.arrivals).toHaveLength(1));
    expect(texts(intake)[0]).toMatch(/^part 0;.*part 19;$/);
  });

  it('waits for the marker file where it is told to, and removes it with its file', async () => {
    const intake = fakeIntake((_, index) => (index === 0 ? positive : negative));
    const path = server.directory();
    const config = { directory: path, ready: { marker: '.done' }, after: { move: 'read' } } as const;
    open.use(reading(intake, server.endpoint(), config));
    await put(path, 'a.hl7', 'one');
    await put(path, 'b.hl7', 'two');
    await pause(60);
    expect(intake.arrivals).toEqual([]);
    await put(path, 'a.hl7.done', '');
    await eventually(async () => expect(await readdir(join(path, 'read'))).toEqual(['a.hl7']));
    await put(path, 'b.hl7.done', '');
    await eventually(async () => expect(await readdir(join(path, 'error'))).toEqual(['b.hl7']));
    expect((await readdir(path)).toSorted()).toEqual(['error', 'read']);
    expect(texts(intake)).toEqual(['one', 'two']);
  });

  it('never reads what its name says is not finished, hidden or elsewhere', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    for (const name of ['a.hl7.tmp', 'a.part', '.hidden.hl7', 'other.txt']) await writeFile(join(path, name), 'x');
    await mkdir(join(path, 'directory.hl7'));
    await symlink('/etc/hostname', join(path, 'link.hl7'));
    await put(path, 'z.hl7', 'the one');
    open.use(reading(intake, server.endpoint(), { directory: path, pattern: '*.{hl7,tmp,part}' }));
    await eventually(() => expect(texts(intake)).toEqual(['the one']));
    await pause(50);
    expect(texts(intake)).toEqual(['the one']);
  });

  it('reads the file changed longest ago first where it is told so', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    for (const [name, second] of Object.entries({ a: 30, b: 10, c: 20 })) {
      await put(path, name, name);
      await utimes(join(path, name), 1_700_000_000 + second, 1_700_000_000 + second);
    }
    open.use(reading(intake, server.endpoint(), { directory: path, order: 'modified' }));
    await eventually(() => expect(texts(intake)).toEqual(['b', 'c', 'a']));
  });

  it('sets empty and oversized files aside unread', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    await put(path, 'big', 'x'.repeat(11));
    await put(path, 'empty', '');
    await put(path, 'fits', 'x'.repeat(10));
    const { context } = open.use(reading(intake, server.endpoint(), { directory: path, maxMessageBytes: 10 }));
    await eventually(async () => expect((await readdir(join(path, 'error'))).toSorted()).toEqual(['big', 'empty']));
    await eventually(() => expect(intake.arrivals).toHaveLength(1));
    expect(context.counts.sftp_set_aside_total).toBe(2);
  });

  it('reads a file of many packets, also when the connection is reset in the middle of it', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    const network = open.use(await relay(server.port));
    const content = Buffer.from(Array.from({ length: 3_000_001 }, (_, at) => at % 251));
    await writeFile(join(path, 'large'), content);
    network.resetAfter(1_000_000);
    const { context } = open.use(reading(intake, server.endpoint(network.port), { directory: path }));
    await eventually(() => expect(network.connections).toBeGreaterThan(1));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    expect(intake.arrivals).toEqual([]);
    network.resetAfter(undefined);
    await eventually(async () => expect(await readdir(path)).toEqual([]));
    expect(intake.arrivals).toHaveLength(1);
    expect(Buffer.compare(Buffer.from(intake.arrivals[0]!.raw), content)).toBe(0);
  });

  it('makes up for the move after a connection that broke, and does not read the file again', async () => {
    const intake = fakeIntake();
    const path = server.directory();
    const network = open.use(await relay(server.port));
    await put(path, 'a', 'one');
    open.use(reading(intake, server.endpoint(network.port), { directory: path, after: { move: 'read' } }));
    await eventually(() => expect(intake.arrivals).toHaveLength(1));
    const back = network.away();
    intake.answer(0, positive);
    await pause(50);
    expect(await readdir(path)).toEqual(['a']);
    back();
    await eventually(async () => expect(await readdir(join(path, 'read'))).toEqual(['a']));
    expect(texts(intake)).toEqual(['one']);
  });

  it('gives a file that is read again after a crash the same dedupe key', async () => {
    const path = server.directory();
    await put(path, 'a', 'one');
    const keys: (string | undefined)[] = [];
    for (let start = 0; start < 2; start++) {
      const intake = fakeIntake();
      const run = reading(intake, server.endpoint(), { directory: path });
      await eventually(() => expect(intake.arrivals).toHaveLength(1));
      await run.halt();
      keys.push(intake.arrivals[0]!.dedupeKey);
    }
    expect(keys[0]).toBe(keys[1]);
  });

  it('drains over a connection that broke meanwhile', async () => {
    const intake = fakeIntake();
    const path = server.directory();
    const network = open.use(await relay(server.port));
    await put(path, 'a', 'one');
    const run = open.use(reading(intake, server.endpoint(network.port), { directory: path }));
    await eventually(() => expect(intake.arrivals).toHaveLength(1));
    const drained = run.stop();
    network.reset();
    intake.answer(0, positive);
    await drained;
    expect(await readdir(path)).toEqual([]);
  });

  it('waits for a server that is away without throwing, says so once, and reads on when it is back', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    const network = open.use(await relay(server.port));
    const { context } = open.use(reading(intake, server.endpoint(network.port), { directory: path }));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('reading'));
    const back = network.away();
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    await pause(100);
    expect(context.logged).toMatchObject([{ level: 'warn', fields: { kind: 'transient' } }]);
    back();
    await put(path, 'a', 'back');
    await eventually(() => expect(texts(intake)).toEqual(['back']));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('reading'));
  });

  it('gives up a connection on which nothing is answered any more', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    const network = open.use(await relay(server.port));
    const config = { directory: path, replyTimeoutMs: 500, connectTimeoutMs: 1_500 };
    const { context } = open.use(reading(intake, server.endpoint(network.port), config));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('reading'));
    network.stall();
    await eventually(() => expect(context.logged[0]?.fields.code).toBe('reply-timeout'));
    network.flow();
    await put(path, 'a', 'on again');
    await eventually(() => expect(texts(intake)).toEqual(['on again']));
  });

  it('says nothing to a server whose host key it does not know', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    await put(path, 'a', 'one');
    const endpoint = { ...server.endpoint(), hostKeys: [`SHA256:${'A'.repeat(43)}`] };
    const { context } = open.use(reading(intake, endpoint, { directory: path }));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    expect(context.logged[0]?.text).toMatch(/its host key is SHA256:\S{43}, which is none of the endpoint’s hostKeys$/);
    await pause(50);
    expect(intake.arrivals).toEqual([]);
  });

  it('never overwrites a file of the same name where it moves to', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    open.use(reading(intake, server.endpoint(), { directory: path, after: { move: 'a/b' } }));
    for (const [index, text] of ['one', 'two', 'three'].entries()) {
      await put(path, 'same.hl7', text);
      await eventually(async () => expect(await readdir(join(path, 'a/b')).catch(() => [])).toHaveLength(index + 1));
    }
    const names = await readdir(join(path, 'a/b'));
    const kept = await Promise.all(names.map((name) => readFile(join(path, 'a/b', name), 'utf8')));
    expect(kept.toSorted()).toEqual(['one', 'three', 'two']);
  });

  it('leaves a newer file of the same name in place and reads it as well', async () => {
    const intake = fakeIntake((_, index) => (index === 0 ? undefined : positive));
    const path = server.directory();
    await put(path, 'a', 'first');
    open.use(reading(intake, server.endpoint(), { directory: path }));
    await eventually(() => expect(intake.arrivals).toHaveLength(1));
    await put(path, 'a', 'the second');
    await pause(30);
    intake.answer(0, positive);
    await eventually(() => expect(texts(intake)).toEqual(['first', 'the second']));
    await eventually(async () => expect(await readdir(path)).toEqual([]));
  });

  it('does not read a file again that could not be moved away; it only tries the move again', async () => {
    const intake = fakeIntake(() => positive);
    const path = server.directory();
    await writeFile(join(path, 'read'), 'in the way');
    await put(path, 'a.hl7', 'one');
    const config = { directory: path, after: { move: 'read' }, pattern: '*.hl7' };
    const { context } = open.use(reading(intake, server.endpoint(), config));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    await pause(80);
    expect(texts(intake)).toEqual(['one']);
    await rename(join(path, 'read'), join(path, 'aside'));
    await eventually(async () => expect(await readdir(join(path, 'read'))).toEqual(['a.hl7']));
    expect(texts(intake)).toEqual(['one']);
    await rm(join(path, 'aside'));
  });

  it('reads again what was not stored', async () => {
    const error = { code: 'store-failed', kind: 'transient', scope: 'message', message: 'storing' } as const;
    const unstored = { outcome: { status: 'error', error } } as const;
    const intake = fakeIntake((_, index) => (index === 0 ? unstored : positive));
    const path = server.directory();
    await put(path, 'a', 'one');
    open.use(reading(intake, server.endpoint(), { directory: path }));
    await eventually(() => expect(texts(intake)).toEqual(['one', 'one']));
    await eventually(async () => expect(await readdir(path)).toEqual([]));
  });
});
