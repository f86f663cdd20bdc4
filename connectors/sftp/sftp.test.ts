import { mkdir, readdir, readFile, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { relay } from '../../adapters/sftp/testing/relay.ts';
import { missingSshd, type Sshd, sshd } from '../../adapters/sftp/testing/sshd.ts';
import type { Outgoing } from '../../core/message.ts';
import { type EndpointInput, fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { sftp } from './sftp.ts';

const missing = missingSshd();
if (missing) console.warn(missing);

function message(number: number, content: string | Buffer = `message ${number}`): Outgoing<unknown> {
  return outgoing({ number, payload: undefined, bytes: Buffer.from(content) });
}

describe.skipIf(missing)('the sftp destination, against OpenSSH', () => {
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

  function destinationIn(
    directory: string,
    config: Partial<Parameters<typeof sftp>[0]> = {},
    endpoint: EndpointInput = server.endpoint(),
  ) {
    const context = fakeDestinationContext({ endpoints: { out: endpoint } });
    const destination = open.use(sftp({ endpoint: 'out', directory, ...config }).create(context));
    return { destination, context };
  }

  it('writes the very bytes under its default name, with the permissions it is told, and nothing beside them', async () => {
    const path = server.directory();
    const { destination } = destinationIn(path, { permissions: '600' });
    expect(await outcomesOf(destination, [message(1)])).toEqual([{ status: 'sent' }]);
    const name = `${message(1).id}-out-0.msg`;
    expect(await readdir(path)).toEqual([name]);
    expect(await readFile(join(path, name), 'utf8')).toBe('message 1');
    expect((await stat(join(path, name))).mode & 0o777).toBe(0o600);
  });

  it('writes empty messages, and those of many packets', async () => {
    const path = server.directory();
    const large = Buffer.from(Array.from({ length: 3_000_001 }, (_, at) => at % 251));
    const { destination } = destinationIn(path, { name: '${seq}' });
    expect(await outcomesOf(destination, [message(1, ''), message(2, large)])).toMatchObject([
      { status: 'sent' },
      { status: 'sent' },
    ]);
    expect(await readFile(join(path, '000000000002'), 'utf8')).toBe('');
    expect(Buffer.compare(await readFile(join(path, '000000000003')), large)).toBe(0);
  });

  it('rule 22: a retry of the same effect changes nothing, a broken upload’s left-over included', async () => {
    const path = server.directory();
    const { destination } = destinationIn(path, { marker: '.done' });
    const name = `${message(1).id}-out-0.msg`;
    const temporary = join(path, `.${message(1).effectId.replaceAll('/', '_')}.tmp`);
    await writeFile(temporary, 'half of a much longer message from before the connection broke');
    await outcomesOf(destination, [message(1)]);
    const before = (await stat(join(path, name))).mtimeMs;
    // Its marker was lost with the answer: it is made up for.
    await unlink(join(path, `${name}.done`));
    expect(await outcomesOf(destination, [{ ...message(1), attempt: 2 }])).toEqual([{ status: 'sent' }]);
    expect((await readdir(path)).toSorted()).toEqual([name, `${name}.done`]);
    expect(await readFile(join(path, name), 'utf8')).toBe('message 1');
    expect((await stat(join(path, name))).mtimeMs).toBe(before);
  });

  it('puts the marker file after its file', async () => {
    const path = server.directory();
    const { destination } = destinationIn(path, { name: '${seq}.hl7', marker: '.done' });
    await mkdir(join(path, '000000000002.hl7.done'));
    expect(await outcomesOf(destination, [message(1), message(2)])).toMatchObject([
      { status: 'error', error: { scope: 'destination' } },
      { status: 'untried' },
    ]);
    expect(await readFile(join(path, '000000000002.hl7'), 'utf8')).toBe('message 1');
  });

  it('refuses to overwrite another message, of the same length too, and replaces it only where it is told to', async () => {
    const path = server.directory();
    const { destination } = destinationIn(path, { name: 'same.hl7' });
    await outcomesOf(destination, [message(1)]);
    expect(await outcomesOf(destination, [message(2), message(3)])).toMatchObject([
      { status: 'error', error: { code: 'write-failed', kind: 'permanent', scope: 'message' } },
      { status: 'untried' },
    ]);
    expect(await readFile(join(path, 'same.hl7'), 'utf8')).toBe('message 1');
    const replacing = destinationIn(path, { name: 'same.hl7', exists: 'replace' });
    expect(await outcomesOf(replacing.destination, [message(2)])).toEqual([{ status: 'sent' }]);
    expect(await readFile(join(path, 'same.hl7'), 'utf8')).toBe('message 2');
    expect(await readdir(path)).toEqual(['same.hl7']);
  });

  it('makes missing directories where it is told to, and waits for them where it is not', async () => {
    const path = join(server.directory(), 'a/b');
    const waiting = destinationIn(path);
    expect(await outcomesOf(waiting.destination, [message(1), message(2)])).toMatchObject([
      {
        status: 'error',
        error: { kind: 'transient', scope: 'destination', message: 'uploading a file to out: no such file' },
      },
      { status: 'untried' },
    ]);
    const making = destinationIn(path, { createDirectories: true });
    expect(await outcomesOf(making.destination, [message(1)])).toEqual([{ status: 'sent' }]);
    expect(await outcomesOf(waiting.destination, [message(2)])).toEqual([{ status: 'sent' }]);
    expect(await readdir(path)).toHaveLength(2);
  });

  it('rule 15: a server that is full is an error of the destination', async ({ skip }) => {
    skip(process.platform !== 'linux', 'only Linux has /dev/full');
    const path = server.directory();
    const temporary = `.${message(1).effectId.replaceAll('/', '_')}.tmp`;
    await symlink('/dev/full', join(path, temporary));
    const { destination } = destinationIn(path);
    expect(await outcomesOf(destination, [message(1), message(2)])).toMatchObject([
      { status: 'error', error: { code: 'write-failed', kind: 'transient', scope: 'destination' } },
      { status: 'untried' },
    ]);
    expect(await readdir(path)).toEqual([]);
    expect(await outcomesOf(destination, [message(1), message(2)])).toMatchObject([
      { status: 'sent' },
      { status: 'sent' },
    ]);
  });

  it('says nothing of a file’s name in an error', async () => {
    const { destination } = destinationIn(server.directory(), { name: '${key}' });
    const long = outgoing({ number: 1, payload: undefined, bytes: Buffer.from('x'), keys: [`DOE${'x'.repeat(300)}`] });
    const [outcome] = await outcomesOf(destination, [long]);
    expect(outcome).toMatchObject({ status: 'error', error: { kind: 'permanent', scope: 'message' } });
    expect(outcome?.status === 'error' && outcome.error.message).not.toContain('DOE');
  });

  it('rule 19: a connection that is reset in the middle leaves the message uncertain, and the next attempt is whole', async () => {
    const path = server.directory();
    const network = open.use(await relay(server.port));
    const { destination, context } = destinationIn(path, { name: '${seq}' }, server.endpoint(network.port));
    await outcomesOf(destination, [message(1)]);
    network.resetAfter(5_000);
    const large = message(2, Buffer.alloc(20_000_000, 'x'));
    expect(await outcomesOf(destination, [large, message(3)])).toMatchObject([
      { status: 'uncertain', error: { code: 'connection-lost', kind: 'transient', scope: 'destination' } },
      { status: 'untried' },
    ]);
    expect((await readdir(path)).filter((name) => !name.startsWith('.'))).toEqual(['000000000002']);
    expect(context.reported.at(-1)?.state).toBe('retrying');
    network.resetAfter(undefined);
    expect(await outcomesOf(destination, [large, message(3)])).toMatchObject([{ status: 'sent' }, { status: 'sent' }]);
    expect((await stat(join(path, '000000000003'))).size).toBe(20_000_000);
    expect(await readdir(path)).toHaveLength(3);
  });

  it('rule 19: no answer in time leaves the message uncertain', async () => {
    const path = server.directory();
    const network = open.use(await relay(server.port));
    const { destination } = destinationIn(path, { replyTimeoutMs: 1_000 }, server.endpoint(network.port));
    await outcomesOf(destination, [message(1)]);
    network.stall();
    expect(await outcomesOf(destination, [message(2)])).toMatchObject([
      { status: 'uncertain', error: { code: 'reply-timeout', kind: 'transient', scope: 'destination' } },
    ]);
    network.flow();
    expect(await outcomesOf(destination, [message(2)])).toEqual([{ status: 'sent' }]);
    expect(network.connections).toBe(2);
  });

  it('rule 15: a server that is away, or silent, is an error of the destination', async () => {
    const path = server.directory();
    const network = open.use(await relay(server.port));
    const { destination } = destinationIn(path, { connectTimeoutMs: 1_500 }, server.endpoint(network.port));
    const back = network.away();
    const refused = { status: 'error', error: { code: 'refused', kind: 'transient', scope: 'destination' } };
    expect(await outcomesOf(destination, [message(1), message(2)])).toMatchObject([refused, { status: 'untried' }]);
    back();
    network.stall();
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([refused]);
    network.flow();
    expect(await outcomesOf(destination, [message(1)])).toEqual([{ status: 'sent' }]);
  });

  it('rule 15: an unknown host key is an error of the destination, and nothing is sent', async () => {
    const path = server.directory();
    const endpoint = { ...server.endpoint(), hostKeys: [`SHA256:${'A'.repeat(43)}`] };
    const { destination } = destinationIn(path, {}, endpoint);
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([
      {
        status: 'error',
        error: { code: 'refused', scope: 'destination', message: expect.stringContaining('none of the endpoint’s') },
      },
    ]);
    expect(await readdir(path)).toEqual([]);
  });

  it('rule 15: a key that is not accepted is an error of the destination', async () => {
    const other = open.use(await sshd());
    const endpoint = { ...server.endpoint(), privateKey: other.endpoint().privateKey };
    const { destination } = destinationIn(server.directory(), {}, endpoint);
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([
      {
        status: 'error',
        error: {
          code: 'refused',
          kind: 'transient',
          scope: 'destination',
          message: expect.stringContaining('does not accept'),
        },
      },
    ]);
  });

  it('keeps one connection over many writes', async () => {
    const path = server.directory();
    const { destination, context } = destinationIn(path);
    for (let number = 0; number < 5; number++) await outcomesOf(destination, [message(number)]);
    expect(context.counts.sftp_connections_total).toBe(1);
    expect(context.reported.map(({ state }) => state)).toEqual(['idle', 'connecting', 'connected']);
  });
});
