import { chmod, mkdir, readdir, readFile, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type FakeSourceContext, fakeSourceContext } from '../../core/testing/contexts.ts';
import { draining, type FakeIntake, fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { file } from './file.ts';
import { inbox, put } from './testing/inbox.ts';

type Config = Parameters<typeof file>[0];

/** Nothing is unreadable to root: goes on as nobody until the result is called. */
function withoutRoot(): () => void {
  if (process.geteuid?.() !== 0) return () => undefined;
  process.seteuid?.(65534);
  return () => process.seteuid?.(0);
}

describe('the file source', () => {
  let open = new AsyncDisposableStack();
  afterEach(async () => {
    await open.disposeAsync();
    open = new AsyncDisposableStack();
  });

  interface Run {
    readonly context: FakeSourceContext;
    readonly path: string;
    stop(): Promise<void>;
  }

  async function reading(
    intake: FakeIntake,
    config: Partial<Config> = {},
    prepare: (path: string) => Promise<void> = async () => {},
  ): Promise<Run> {
    const { path } = open.use(await inbox());
    await prepare(path);
    const context = fakeSourceContext({ endpoints: { in: { kind: 'directory', path } } });
    const source = file({ endpoint: 'in', pollMs: 5, settleMs: 0, ...config }).create(context);
    const drain = new AbortController();
    const running = source.run(intake, { drain: drain.signal, halt: new AbortController().signal });
    const stop = async (): Promise<void> => {
      drain.abort();
      await running;
    };
    open.defer(stop);
    return { context, path, stop };
  }
  const texts = (intake: FakeIntake): readonly string[] =>
    intake.arrivals.map((each) => Buffer.from(each.raw).toString());
  const eventually = (check: () => void | Promise<void>): Promise<void> => vi.waitFor(check, { interval: 5 });

  it('deletes a file once it is acknowledged', async () => {
    const intake = fakeIntake(() => positive);
    const { path } = await reading(intake, {}, (path) => put(path, 'a.hl7', 'one'));
    await eventually(async () => expect(await readdir(path)).toEqual([]));
    expect(texts(intake)).toEqual(['one']);
  });

  it('leaves a file alone that is still being written, and reads it whole', async () => {
    const intake = fakeIntake(() => positive);
    const { path } = await reading(intake, { settleMs: 150 });
    for (let part = 0; part < 10; part++) {
      await writeFile(join(path, 'slow.hl7'), `part ${part};`, { flag: 'a' });
      await pause(30);
      expect(intake.arrivals).toEqual([]);
    }
    await eventually(() => expect(intake.arrivals).toHaveLength(1));
    expect(texts(intake)[0]).toMatch(/^part 0;.*part 9;$/);
  });

  it('never reads what its name says is not finished, hidden or elsewhere', async () => {
    const intake = fakeIntake(() => positive);
    await reading(intake, { pattern: '*.{hl7,tmp,part}' }, async (path) => {
      await writeFile(join(path, 'a.hl7.tmp'), 'x');
      await writeFile(join(path, 'a.part'), 'x');
      await writeFile(join(path, '.hidden.hl7'), 'x');
      await writeFile(join(path, 'other.txt'), 'x');
      await mkdir(join(path, 'directory.hl7'));
      await symlink('/etc/hostname', join(path, 'link.hl7'));
      await put(path, 'z.hl7', 'the one');
    });
    await eventually(() => expect(texts(intake)).toEqual(['the one']));
    await pause(50);
    expect(texts(intake)).toEqual(['the one']);
  });

  it('reads the file changed longest ago first where it is told so', async () => {
    const intake = fakeIntake(() => positive);
    await reading(intake, { order: 'modified' }, async (path) => {
      for (const [name, second] of [
        ['a', 30],
        ['b', 10],
        ['c', 20],
      ] as const) {
        await put(path, name, name);
        await utimes(join(path, name), 1_700_000_000 + second, 1_700_000_000 + second);
      }
    });
    await eventually(() => expect(texts(intake)).toEqual(['b', 'c', 'a']));
  });

  it('tells file name, time and size in meta, and an identity that another state of the file does not share', async () => {
    const intake = fakeIntake(() => positive);
    const { path } = await reading(intake);
    await put(path, 'a.hl7', 'one');
    await eventually(async () => expect(await readdir(path)).toEqual([]));
    await put(path, 'a.hl7', 'two');
    await eventually(() => expect(texts(intake)).toEqual(['one', 'two']));
    expect(intake.arrivals[0]!.meta).toMatchObject({ 'file.name': 'a.hl7', 'file.size': '3' });
    expect(intake.arrivals[0]!.dedupeKey).not.toBe(intake.arrivals[1]!.dedupeKey);
  });

  it('gives a file that is read again after a crash the same dedupe key', async () => {
    const { path } = open.use(await inbox());
    await put(path, 'a.hl7', 'one');
    const keys: (string | undefined)[] = [];
    for (let start = 0; start < 2; start++) {
      const context = fakeSourceContext({ endpoints: { in: { kind: 'directory', path } } });
      const halt = new AbortController();
      const intake = fakeIntake();
      const source = file({ endpoint: 'in', pollMs: 5, settleMs: 0 }).create(context);
      const running = source.run(intake, { drain: halt.signal, halt: halt.signal });
      await eventually(() => expect(intake.arrivals).toHaveLength(1));
      halt.abort();
      await running;
      keys.push(intake.arrivals[0]!.dedupeKey);
    }
    expect(keys[0]).toBe(keys[1]);
  });

  it('splits a file of HL7 messages, and moves it only when the last one is acknowledged', async () => {
    const intake = fakeIntake();
    const batch = await readFile(new URL('../../test-fixtures/hl7v2/batch-file.hl7', import.meta.url));
    const { path } = await reading(intake, { split: 'hl7', after: { move: 'done' } }, (path) =>
      put(path, 'batch.hl7', batch),
    );
    await eventually(() => expect(intake.arrivals.length).toBeGreaterThan(1));
    expect(texts(intake).every((text) => text.startsWith('MSH|'))).toBe(true);
    const count = intake.arrivals.length;
    expect(intake.arrivals.map((each) => each.meta?.['file.index'])).toEqual(
      intake.arrivals.map((_, at) => String(at)),
    );
    expect(new Set(intake.arrivals.map((each) => each.dedupeKey)).size).toBe(count);
    for (let index = 1; index < count; index++) intake.answer(index, positive);
    await pause(50);
    expect(await readdir(path)).toEqual(['batch.hl7']);
    intake.answer(0, positive);
    await eventually(async () => expect(await readdir(join(path, 'done'))).toEqual(['batch.hl7']));
  });

  it('hands a file of many messages over in batches, and all of them', async () => {
    const intake = fakeIntake(() => positive);
    const many = Array.from({ length: 1001 }, (_, at) => `MSH|^~\\&|A|B|C|D|||ADT^A08|${at}|P|2.5\rPID|||${at}\r`).join(
      '',
    );
    const { path } = await reading(intake, { split: 'hl7' }, (path) => put(path, 'many.hl7', many));
    await eventually(async () => expect(await readdir(path)).toEqual([]));
    expect(texts(intake).join('')).toBe(many);
    expect(intake.arrivals).toHaveLength(1001);
  });

  it('keeps a batch in the error directory whose trailer counts other than it has, and still reads its messages', async () => {
    const intake = fakeIntake(() => positive);
    const batch = await readFile(new URL('../../test-fixtures/hl7v2/batch-wrong-count.hl7', import.meta.url));
    const { path, context } = await reading(intake, { split: 'hl7' }, (path) => put(path, 'wrong.hl7', batch));
    await eventually(async () => expect(await readdir(join(path, 'error'))).toEqual(['wrong.hl7']));
    expect(intake.arrivals.length).toBeGreaterThan(0);
    expect(context.counts.file_batch_problems_total).toBe(1);
  });

  it('hands over as a fault what is to be split but is no HL7', async () => {
    const intake = fakeIntake(() => positive);
    const { path } = await reading(intake, { split: 'hl7' }, (path) => put(path, 'junk.hl7', 'no header in here'));
    await eventually(async () => expect(await readdir(join(path, 'error'))).toEqual(['junk.hl7']));
    expect(intake.arrivals).toMatchObject([{ fault: { code: 'frame-malformed' } }]);
  });

  it('moves a file to the error directory when one of its messages is refused', async () => {
    const intake = fakeIntake((_, index) => (index === 0 ? negative : positive));
    const two = 'MSH|^~\\&|A|B|C|D|||ADT^A08|1|P|2.5\rMSH|^~\\&|A|B|C|D|||ADT^A08|2|P|2.5\r';
    const { path } = await reading(intake, { split: 'hl7' }, (path) => put(path, 'two.hl7', two));
    await eventually(async () => expect(await readdir(join(path, 'error'))).toEqual(['two.hl7']));
  });

  it('sets empty and oversized files aside unread', async () => {
    const intake = fakeIntake(() => positive);
    const { path, context } = await reading(intake, { maxBytes: 10 }, async (path) => {
      await put(path, 'big', 'x'.repeat(11));
      await put(path, 'empty', '');
      await put(path, 'fits', 'x'.repeat(10));
    });
    await eventually(async () => expect((await readdir(join(path, 'error'))).toSorted()).toEqual(['big', 'empty']));
    await eventually(() => expect(intake.arrivals).toHaveLength(1));
    expect(context.counts.file_set_aside_total).toBe(2);
  });

  it('reports a directory that is away, waits for it without throwing, and reads on when it is back', async () => {
    const intake = fakeIntake(() => positive);
    const { path, context } = await reading(intake);
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('reading'));
    await rename(path, `${path}-away`);
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    await pause(60);
    expect(context.logged.filter((line) => line.text.includes('ENOENT'))).toHaveLength(1);
    await rename(`${path}-away`, path);
    await put(path, 'a', 'back');
    await eventually(() => expect(texts(intake)).toEqual(['back']));
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('reading'));
  });

  it('reports a file that cannot be read with growing pauses, and reads the others', async () => {
    const intake = fakeIntake(() => positive);
    const { context } = await reading(intake, {}, async (path) => {
      await chmod(path, 0o777);
      open.defer(withoutRoot());
      await put(path, 'a-locked', 'x');
      await chmod(join(path, 'a-locked'), 0o000);
      await put(path, 'b', 'readable');
    });
    await eventually(() => expect(texts(intake)).toEqual(['readable']));
    await eventually(() => expect(context.counts.file_unreadable_total).toBeGreaterThan(1));
    expect(context.counts.file_unreadable_total).toBeLessThan(8);
  });

  it('does not read a file again that could not be moved away; it only tries the move again', async () => {
    const intake = fakeIntake(() => positive);
    // A file where the directory should be: the move fails for root too.
    const { path, context } = await reading(intake, { after: { move: 'done' }, pattern: '*.hl7' }, async (path) => {
      await writeFile(join(path, 'done'), 'in the way');
      await put(path, 'a.hl7', 'one');
    });
    await eventually(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    await pause(80);
    expect(texts(intake)).toEqual(['one']);
    expect(context.logged).toHaveLength(1);
    await rm(join(path, 'done'));
    await eventually(async () => expect(await readdir(join(path, 'done'))).toEqual(['a.hl7']));
    expect(texts(intake)).toEqual(['one']);
  });

  it('leaves a newer file of the same name in place and reads it as well', async () => {
    const intake = fakeIntake((_, index) => (index === 0 ? undefined : positive));
    const { path } = await reading(intake, {}, (path) => put(path, 'a', 'first'));
    await eventually(() => expect(intake.arrivals).toHaveLength(1));
    await put(path, 'a', 'second');
    await pause(30);
    intake.answer(0, positive);
    await eventually(() => expect(texts(intake)).toEqual(['first', 'second']));
    await eventually(async () => expect(await readdir(path)).toEqual([]));
  });

  it('never overwrites a file of the same name where it moves to', async () => {
    const intake = fakeIntake(() => positive);
    const { path } = await reading(intake, { after: { move: 'done' } });
    for (const [index, text] of ['one', 'two', 'three'].entries()) {
      await put(path, 'same.hl7', text);
      await eventually(async () => expect(await readdir(join(path, 'done')).catch(() => [])).toHaveLength(index + 1));
    }
    const names = await readdir(join(path, 'done'));
    const kept = await Promise.all(names.map((name) => readFile(join(path, 'done', name), 'utf8')));
    expect(kept.toSorted()).toEqual(['one', 'three', 'two']);
  });

  it('leaves a file where it is when only some of its messages were taken before the drain', async () => {
    const intake = fakeIntake((_, index) => (index === 0 ? positive : draining));
    const two = 'MSH|^~\\&|A|B|C|D|||ADT^A08|1|P|2.5\rMSH|^~\\&|A|B|C|D|||ADT^A08|2|P|2.5\r';
    const { path, stop } = await reading(intake, { split: 'hl7' }, (path) => put(path, 'two.hl7', two));
    await eventually(() => expect(intake.arrivals).toHaveLength(2));
    await stop();
    expect(await readdir(path)).toEqual(['two.hl7']);
    expect(intake.arrivals).toHaveLength(2);
  });

  it('keeps names of files out of the log', async () => {
    const intake = fakeIntake(() => negative);
    const { path, context } = await reading(intake, { split: 'hl7', maxBytes: 100 }, async (path) => {
      await put(path, 'DOE^JOHN.hl7', 'junk');
      await put(path, 'DOE^JANE.hl7', 'x'.repeat(200));
    });
    await eventually(async () => expect(await readdir(join(path, 'error'))).toHaveLength(2));
    expect(context.logged.length).toBeGreaterThan(0);
    expect(JSON.stringify(context.logged)).not.toContain('DOE');
  });

  it('does not hand over a file that shrinks between the look and the read', async () => {
    const intake = fakeIntake(() => positive);
    const { path } = await reading(intake, { settleMs: 100 }, (path) => put(path, 'a', 'long content'));
    await pause(30);
    await truncate(join(path, 'a'), 4);
    await eventually(() => expect(texts(intake)).toEqual(['long']));
  });
});
