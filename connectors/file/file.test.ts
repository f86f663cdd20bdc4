import {
  type FileHandle,
  mkdir,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Outgoing } from '../../core/message.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination, outcomesOf, patient } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { file } from './file.ts';

type Config = Parameters<typeof file>[0];

function message(number: number, text = `message ${number}`): Outgoing<unknown> {
  return outgoing({ number, payload: undefined, bytes: Buffer.from(text) });
}

async function outbox(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'weir-file-destination-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function snapshot(path: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(path)).toSorted();
  const entries = await Promise.all(
    names.map(async (name) => [name, await readFile(join(path, name), 'utf8')] as const),
  );
  return Object.fromEntries(entries);
}

function destinationIn(path: string, config: Partial<Config> = {}) {
  return file({ endpoint: 'out', ...config }).create(
    fakeDestinationContext({ endpoints: { out: { kind: 'directory', path } } }),
  );
}

describeDestination<unknown>({
  name: 'file, one each',
  neverHeld: true,
  spec: file({ endpoint: 'out' }),
  message: (number) => ({ payload: undefined, bytes: Buffer.from(`message ${number}`) }),
  async setUp() {
    const { path, [Symbol.asyncDispose]: remove } = await outbox();
    const nameOf = (each: Outgoing<unknown>): string => join(path, `${String(each.seq).padStart(12, '0')}.hl7`);
    return {
      destination: destinationIn(path, { name: '${seq}.hl7' }),
      async received() {
        const files = await Promise.all(
          (await readdir(path)).map(async (name) => ({
            name,
            at: (await stat(join(path, name), { bigint: true })).mtimeNs,
          })),
        );
        return files.sort((a, b) => Number(a.at - b.at)).map(({ name }) => Number.parseInt(name, 10) - 1);
      },
      async failAt(batch, position) {
        const blocked = nameOf(batch[position]!);
        await mkdir(blocked);
        return () => rmdir(blocked);
      },
      [Symbol.asyncDispose]: remove,
    };
  },
});

describeDestination<unknown>({
  name: 'file, appending',
  neverHeld: true,
  spec: file({ endpoint: 'out', mode: 'append' }),
  message: (number) => ({ payload: undefined, bytes: Buffer.from(String(number)) }),
  async setUp() {
    const { path, [Symbol.asyncDispose]: remove } = await outbox();
    const log = join(path, 'log');
    // A file of one's own for the message that is to fail, else one for all: the name is in the template's hands.
    const odd = new Map<string, string>();
    const destination = destinationIn(path, { mode: 'append', name: '${meta.file}log' });
    return {
      destination: {
        write: (batch, context) =>
          destination.write(
            batch.map((each) => ({ ...each, meta: { file: odd.get(each.id) ?? '' } })),
            context,
          ),
        [Symbol.asyncDispose]: () => destination[Symbol.asyncDispose](),
      },
      async received() {
        const text = await readFile(log, 'utf8').catch(() => '');
        return text.split('\n').filter(Boolean).map(Number);
      },
      async failAt(batch, position) {
        odd.set(batch[position]!.id, 'blocked-');
        await mkdir(join(path, 'blocked-log'));
        return async () => odd.clear();
      },
      [Symbol.asyncDispose]: remove,
    };
  },
});

describe('the file destination', () => {
  let open = new AsyncDisposableStack();
  afterEach(async () => {
    await open.disposeAsync();
    open = new AsyncDisposableStack();
  });

  it('writes the very bytes under its default name, and nothing beside them', async () => {
    const { path } = open.use(await outbox());
    expect(await outcomesOf(destinationIn(path), [message(1)])).toEqual([{ status: 'sent' }]);
    expect(await readdir(path)).toEqual([`${message(1).id}-out-0.msg`]);
    expect(await readFile(join(path, `${message(1).id}-out-0.msg`), 'utf8')).toBe('message 1');
    expect((await stat(join(path, `${message(1).id}-out-0.msg`))).mode & 0o137).toBe(0);
  });

  it('rule 22: a retry of the same effect changes nothing, a crash’s left-over included', async () => {
    const { path } = open.use(await outbox());
    const destination = destinationIn(path);
    const temporary = join(path, `.${message(1).effectId.replaceAll('/', '_')}.tmp`);
    await writeFile(temporary, 'half of a much longer message from before the crash');
    await outcomesOf(destination, [message(1)]);
    expect(await outcomesOf(destination, [{ ...message(1), attempt: 2 }])).toEqual([{ status: 'sent' }]);
    expect(await readdir(path)).toHaveLength(1);
    expect(await readFile(join(path, `${message(1).id}-out-0.msg`), 'utf8')).toBe('message 1');
  });

  it('refuses to overwrite another message, and replaces it only where it is told to', async () => {
    const { path } = open.use(await outbox());
    const refusing = destinationIn(path, { name: 'same.hl7' });
    await outcomesOf(refusing, [message(1)]);
    const outcomes = await outcomesOf(refusing, [message(2), message(3)]);
    expect(outcomes).toMatchObject([
      { status: 'error', error: { code: 'write-failed', kind: 'permanent', scope: 'message' } },
      { status: 'untried' },
    ]);
    expect(await readFile(join(path, 'same.hl7'), 'utf8')).toBe('message 1');
    await outcomesOf(destinationIn(path, { name: 'same.hl7', exists: 'replace' }), [message(2)]);
    expect(await readFile(join(path, 'same.hl7'), 'utf8')).toBe('message 2');
  });

  it.for([
    'file',
    'append',
  ] as const)('rule 15: in mode %s a directory that is away is an error of the destination', async (mode) => {
    const { path } = open.use(await outbox());
    const destination = destinationIn(path, { mode, name: '${messageId}' });
    await rename(path, `${path}-away`);
    expect(await outcomesOf(destination, [message(1), message(2)])).toMatchObject([
      { status: 'error', error: { code: 'write-failed', kind: 'transient', scope: 'destination' } },
      { status: 'untried' },
    ]);
    await rename(`${path}-away`, path);
    expect(await outcomesOf(destination, [message(1), message(2)])).toMatchObject([
      { status: 'sent' },
      { status: 'sent' },
    ]);
  });

  it('rule 15: a full disk is an error of the destination', async ({ skip }) => {
    skip(process.platform !== 'linux', 'only Linux has /dev/full');
    const { writeError } = await import('./write-error.ts');
    const thrown = await writeFile('/dev/full', 'x').catch((error: unknown) => error);
    expect(writeError(thrown, 'writing a file')).toMatchObject({
      kind: 'transient',
      scope: 'destination',
      message: 'writing a file: ENOSPC',
    });
  });

  it.for([
    'file',
    'append',
  ] as const)('leaves nothing behind in mode %s when the disk fills up on the way', async (mode) => {
    const { path } = open.use(await outbox());
    const destination = destinationIn(path, { mode, name: mode === 'append' ? 'log' : '${seq}' });
    await outcomesOf(destination, [message(1)]);
    const before = await snapshot(path);
    const probe = await openFile(path, 'r');
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const sync = vi.spyOn(Object.getPrototypeOf(probe) as FileHandle, 'datasync').mockRejectedValueOnce(full);
    open.defer(() => sync.mockRestore());
    await probe.close();
    expect(await outcomesOf(destination, [message(2), message(3)])).toMatchObject([
      { status: 'error', error: { kind: 'transient', scope: 'destination' } },
      { status: 'untried' },
    ]);
    expect(await snapshot(path)).toEqual(before);
    await outcomesOf(destination, [message(2), message(3)]);
    expect(
      Object.values(await snapshot(path))
        .join('')
        .split(/\n|(?=message)/)
        .filter(Boolean),
    ).toEqual(['message 1', 'message 2', 'message 3']);
  });

  it('says nothing of a file’s name in an error', async () => {
    const { path } = open.use(await outbox());
    const destination = destinationIn(path, { name: '${key}' });
    const long = outgoing({ number: 1, payload: undefined, bytes: Buffer.from('x'), keys: [`DOE${'x'.repeat(300)}`] });
    const [outcome] = await outcomesOf(destination, [long]);
    expect(outcome).toMatchObject({ status: 'error', error: { kind: 'permanent', scope: 'message' } });
    expect(outcome?.status === 'error' && outcome.error.message).not.toContain('DOE');
  });

  it('appends each message with its terminator, and goes on with the file that is there', async () => {
    const { path } = open.use(await outbox());
    const config = { mode: 'append', name: '${channel}-${receivedAt:yyyyMMdd}.txt', terminator: '\r\n' } as const;
    await outcomesOf(destinationIn(path, config), [message(1), message(2)]);
    await outcomesOf(destinationIn(path, config), [message(3)]);
    expect(await readdir(path)).toEqual(['lab-in-20260131.txt']);
    expect(await readFile(join(path, 'lab-in-20260131.txt'), 'utf8')).toBe('message 1\r\nmessage 2\r\nmessage 3\r\n');
  });

  it('ends a batch that is aborted half way with what was not begun as untried', async () => {
    const { path } = open.use(await outbox());
    const abort = new AbortController();
    const messages = Array.from({ length: 100 }, (_, number) => message(number));
    const counting = {
      ...messages[3]!,
      get bytes() {
        abort.abort();
        return Buffer.from('message 3');
      },
    };
    const batch = messages.with(3, counting);
    const outcomes = await outcomesOf(destinationIn(path), batch, { ...patient, signal: abort.signal });
    expect(outcomes.map((outcome) => outcome.status)).toEqual(messages.map((_, at) => (at <= 3 ? 'sent' : 'untried')));
    expect(await readdir(path)).toHaveLength(4);
  });
});
