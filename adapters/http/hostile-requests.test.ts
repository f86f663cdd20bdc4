import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { post } from '../../clients/http-server/testing/peer.ts';
import { fakeClock } from '../../core/testing/fake-clock.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { type Config, runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function running(config: Config = {}, options: Parameters<typeof runSource>[2] = {}) {
  const intake = fakeIntake(() => positive);
  const source = open.use(await runSource(intake, config, options));
  return { intake, source };
}

const head = 'POST / HTTP/1.1\r\nHost: weir\r\n';
const chunked = `${head}Transfer-Encoding: chunked\r\n`;
/** What a smuggler hopes that somebody takes for a request of its own. */
const hidden = post('smuggled');

describe('an HTTP source with a sender that is out of its mind', () => {
  it.each([
    ['no HTTP at all', '\x0bMSH|^~\\&|EHR\x1c\r', 400],
    ['an HTTP of another age', 'POST / HTTP/0.9\r\n\r\n', 400],
    ['HTTP/2 without having asked', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['two lengths', `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello${hidden}`, 400],
    ['one length twice', `${head}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello${hidden}`, 400],
    ['a list of lengths', `${head}Content-Length: 5, 5\r\n\r\nhello${hidden}`, 400],
    ['a length and chunks', `${chunked}Content-Length: 5\r\n\r\n0\r\n\r\n${hidden}`, 400],
    ['chunks and a length', `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`, 400],
    [
      'chunks that are not the last coding',
      `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`,
      400,
    ],
    ['an odd coding', `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`, 400],
    ['a blank before the colon', `${head}Content-Length : 5\r\n\r\nhello${hidden}`, 400],
    ['a folded header', `${head}X: 1\r\n Content-Length: 5\r\n\r\nhello${hidden}`, 400],
    ['a negative length', `${head}Content-Length: -1\r\n\r\n${hidden}`, 400],
    ['a length that is no number', `${head}Content-Length: 0x5\r\n\r\nhello${hidden}`, 400],
    ['a length beyond every number', `${head}Content-Length: 99999999999999999999999\r\n\r\n`, 400],
    ['a chunk that is no number', `${chunked}\r\nzz\r\nab\r\n0\r\n\r\n${hidden}`, 400],
    ['a chunk beyond every number', `${chunked}\r\nfffffffffffffffff\r\nab\r\n${hidden}`, 400],
    ['a chunk of another length', `${chunked}\r\n3\r\nabcdef\r\n0\r\n\r\n${hidden}`, 400],
    ['a chunk with a megabyte of extensions', `${chunked}\r\n3;${'x'.repeat(1024 ** 2)}\r\nabc\r\n0\r\n\r\n`, 431],
    ['a null in a header', `${head}X: a\0b\r\nContent-Length: 1\r\n\r\nx`, 400],
    ['no host', 'POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx', 400],
    ['a head of a megabyte', `${head}X: ${'x'.repeat(1024 ** 2)}\r\n\r\n`, 431],
    ['ten thousand headers', `${head}${'X: 1\r\n'.repeat(10_000)}\r\n`, 431],
    ['a target of a megabyte', `POST /${'x'.repeat(1024 ** 2)} HTTP/1.1\r\n\r\n`, 431],
  ] as const)('gives %s a refusal at the most, takes nothing of it, and closes', async (_, bytes, status) => {
    const { source, intake } = await running();
    const peer = await source.connect();
    peer.write(bytes);
    await peer.closed;
    expect(peer.answers.map((answer) => answer.status)).toEqual(peer.answers.length === 0 ? [] : [status]);
    expect(intake.arrivals).toEqual([]);
    await vi.waitFor(() => expect(source.context.reported.at(-1)).toEqual({ state: 'idle', connections: 0 }));
    expect((await fetch(source.url, { method: 'POST', body: 'x' })).status).toBe(200);
  });

  it('answers what came before the nonsense, and that only', async () => {
    const intake = fakeIntake();
    const source = open.use(await runSource(intake));
    const peer = await source.connect();
    peer.write(`${post('good')}nonsense\r\n\r\n${hidden}`);
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(1));
    await pause(30);
    intake.answer(0, positive);
    await peer.closed;
    expect(peer.answers).toMatchObject([{ status: 200, headers: { connection: 'close' } }]);
    expect(intake.arrivals).toHaveLength(1);
  });

  it('takes nothing of a body that breaks off', async () => {
    const { source, intake } = await running();
    for (const bytes of [post('whole').slice(0, -1), `${chunked}\r\n5\r\nwhole\r\n`, head]) {
      const peer = await source.connect();
      peer.write(bytes);
      await pause(20);
      peer.socket.resetAndDestroy();
      const polite = await source.connect();
      polite.write(bytes);
      polite.socket.end();
      await polite.closed;
    }
    await vi.waitFor(() => expect(source.context.reported.at(-1)).toEqual({ state: 'idle', connections: 0 }));
    expect(intake.arrivals).toEqual([]);
  });

  it('stops reading a body that goes on for ever, also a packed one that unpacks for ever', async () => {
    const { source, intake } = await running({ maxBodyBytes: '1MB' });
    const endless = await source.connect();
    endless.write(`${chunked}\r\n`);
    const more = (): void => {
      if (!endless.socket.destroyed) endless.socket.write(`10000\r\n${'x'.repeat(0x10000)}\r\n`, more);
    };
    more();
    expect((await endless.answered(1))[0]!.status).toBe(413);
    await endless.closed;
    const bomb = await source.connect();
    const packed = gzipSync(Buffer.alloc(100 * 1024 ** 2));
    bomb.write(`${head}Content-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`);
    bomb.write(packed);
    expect((await bomb.answered(1))[0]!.status).toBe(413);
    const endlessBomb = await source.connect();
    endlessBomb.write(`${head}Content-Encoding: gzip\r\nContent-Length: ${packed.length + 9}\r\n\r\n`);
    endlessBomb.write(packed.subarray(0, -9));
    expect((await endlessBomb.answered(1))[0]!.status).toBe(413);
    expect(intake.arrivals).toEqual([]);
  });

  it('gives up one that is slow with the head of its request', async () => {
    const clock = fakeClock();
    const { source } = await running({ headersTimeoutMs: 5_000 }, { clock });
    const peer = await source.connect();
    for (const byte of head) {
      peer.write(byte);
      await pause(1);
      clock.advance(1_000);
      if (peer.answers.length > 0) break;
    }
    expect(peer.answers).toMatchObject([{ status: 408 }]);
    clock.advance(2_000);
    await peer.closed;
    expect(source.context.counts).toMatchObject({ http_slow_closed_total: 1 });
  });

  it('gives up one that is slow with its body', async () => {
    const clock = fakeClock();
    const { source, intake } = await running({ bodyTimeoutMs: 5_000 }, { clock });
    const peer = await source.connect();
    peer.write(post('x'.repeat(1_000)).slice(0, -1_000));
    for (let second = 0; second < 5; second++) {
      peer.write('x');
      await pause(5);
      clock.advance(1_000);
    }
    expect((await peer.answered(1))[0]).toMatchObject({ status: 408, headers: { connection: 'close' } });
    clock.advance(2_000);
    await peer.closed;
    expect(intake.arrivals).toEqual([]);
  });

  it('gives up one that does not read its answer', async () => {
    const clock = fakeClock();
    const intake = fakeIntake(() => ({ ...positive, reply: Buffer.alloc(64 * 1024 ** 2) }));
    const source = open.use(await runSource(intake, {}, { clock }));
    const peer = await source.connect();
    peer.socket.pause();
    peer.write(post('a'));
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(1));
    await pause(50);
    clock.advance(31_000);
    await vi.waitFor(() => expect(source.context.reported.at(-1)).toEqual({ state: 'idle', connections: 0 }));
  });

  it('refuses a protocol to switch to, and a tunnel', async () => {
    const { source, intake } = await running();
    const upgrade = await source.connect();
    upgrade.write(post('body', { Connection: 'Upgrade', Upgrade: 'websocket' }));
    expect((await upgrade.answered(1))[0]!.status).toBe(200);
    const tunnel = await source.connect();
    tunnel.write('CONNECT lab:2575 HTTP/1.1\r\nHost: lab:2575\r\n\r\n');
    await tunnel.closed;
    expect(intake.arrivals).toHaveLength(1);
  });

  it('survives anything, in any pieces, and leaks no connection', async () => {
    const { source, intake } = await running({ multipart: {}, maxBodyBytes: 10_000 });
    const pieces = fc.constantFrom(
      ...[head, chunked, hidden, 'Content-Length: 5\r\n', 'Content-Type: multipart/form-data; boundary=b\r\n'],
      ...[
        'Content-Encoding: gzip\r\n',
        'Expect: 100-continue\r\n',
        '\r\n',
        'hello',
        '5\r\nhello\r\n0\r\n\r\n',
        '--b--',
        '\0',
      ],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { minLength: 1, maxLength: 8 }), async (parts) => {
        const peer = await source.connect();
        for (const part of parts) peer.write(part);
        await pause(1);
        if (parts.length % 2 === 0) peer.socket.end();
        else peer.socket.resetAndDestroy();
        await peer.closed;
      }),
      { numRuns: 150 },
    );
    await vi.waitFor(() => expect(source.context.reported.at(-1)).toEqual({ state: 'idle', connections: 0 }));
    for (const { raw } of intake.arrivals) expect(['smuggled', 'hello']).toContain(Buffer.from(raw).toString());
    expect(source.context.logged).toEqual([]);
    expect((await fetch(source.url, { method: 'POST', body: 'x' })).status).toBe(200);
  });
});
