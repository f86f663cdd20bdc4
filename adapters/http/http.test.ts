import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { post } from '../../clients/http-server/testing/peer.ts';
import { HubError } from '../../core/errors.ts';
import type { Outcome, Receipt } from '../../core/outcome.ts';
import { draining, fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { type Config, runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

type Options = Parameters<typeof runSource>[2];

async function running(config: Config = {}, receipt: Receipt | undefined = positive, options: Options = {}) {
  const intake = fakeIntake(() => receipt);
  const source = open.use(await runSource(intake, config, options));
  return { intake, source };
}

const outcome = (status: Exclude<Outcome['status'], 'error'>): Receipt => ({ id: 'a-message', outcome: { status } });
const transient: Receipt = {
  id: 'a-message',
  outcome: {
    status: 'error',
    error: { code: 'store-failed', kind: 'transient', scope: 'message', message: 'storing: it failed' },
  },
};

describe('the answer of an HTTP source', () => {
  it.each([
    [outcome('sent'), 200, { id: 'a-message', status: 'sent' }],
    [outcome('filtered'), 200, { id: 'a-message', status: 'filtered' }],
    [outcome('stored'), 202, { id: 'a-message', status: 'stored' }],
    [outcome('queued'), 202, { id: 'a-message', status: 'queued' }],
    [{ ...outcome('sent'), duplicateOf: 'the-first' }, 200, { id: 'the-first', status: 'sent' }],
  ] as const)('to %j is %i', async (receipt, status, body) => {
    const { source } = await running({}, receipt);
    const response = await fetch(source.url, { method: 'POST', body: 'x' });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual(body);
  });

  it('to what is refused for good says why, without our own error’s text', async () => {
    const { source } = await running({}, negative);
    const response = await fetch(source.url, { method: 'PUT', body: 'x' });
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({
      id: 'a-message',
      status: 'error',
      error: { code: 'step-failed', message: 'A filter, key or transform step threw.' },
    });
  });

  it.each([
    ['draining', draining],
    ['a transient error', transient],
  ] as const)('to %s says when to come again', async (_, receipt) => {
    const { source } = await running({ retryAfterMs: 4_500 }, receipt);
    const response = await fetch(source.url, { method: 'POST', body: 'x' });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
  });

  it('rule 11: to a full store is that, and the connection stays', async () => {
    const { source, intake } = await running();
    intake.refuseNext(new HubError('store-full', 'transient', 'storing: the quota is used up'));
    const peer = await source.connect();
    peer.write(post('a') + post('b'));
    expect((await peer.answered(2)).map(({ status }) => status)).toEqual([503, 200]);
    expect(source.context.counts).toMatchObject({ http_unstored_total: 1 });
  });

  it('rule 13: is what the destination said, where the channel has replyFrom', async () => {
    const { source } = await running({ replyContentType: 'text/xml' }, { ...positive, reply: Buffer.from('<ok/>') });
    const response = await fetch(source.url, { method: 'POST', body: 'x' });
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      ...[200, 'text/xml', '<ok/>'],
    ]);
    const refusing = await running({}, { ...negative, reply: Buffer.from('<no/>') });
    const refused = await fetch(refusing.source.url, { method: 'POST', body: 'x' });
    expect([refused.status, await refused.text()]).toEqual([422, '<no/>']);
  });

  it('comes when the point of the channel is reached, on each connection in order', async () => {
    const intake = fakeIntake();
    const source = open.use(await runSource(intake, {}, { ackAfter: 'settled' }));
    const peer = await source.connect();
    peer.write(post('a') + post('b'));
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(1));
    intake.answer(0, outcome('stored'), 'stored');
    await pause(30);
    expect(peer.answers).toEqual([]);
    intake.answer(0, positive);
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(2));
    intake.answer(1, negative);
    expect((await peer.answered(2)).map(({ status }) => status)).toEqual([200, 422]);
  });
});

describe('what an HTTP source takes', () => {
  it('are the very bytes, with what is known of them', async () => {
    const { source, intake } = await running({
      path: '/in',
      headers: ['X-Request-Id', 'X-None'],
      query: ['ward', 'none'],
    });
    const body = Buffer.from([0, 1, 2, 255, 13, 10]);
    const headers = { 'X-Request-Id': 'r1', 'X-Other': 'no', 'Content-Type': 'image/x-odd; charset=none' };
    await fetch(`${source.url}/in?ward=4b&other=no`, { method: 'POST', body, headers });
    expect(Buffer.from(intake.arrivals[0]!.raw)).toEqual(body);
    expect(intake.arrivals[0]!.meta).toEqual({
      ...{ peer: '127.0.0.1', 'http.method': 'POST', 'http.path': '/in', 'http.contentType': 'image/x-odd' },
      ...{ 'http.header.x-request-id': 'r1', 'http.query.ward': '4b' },
    });
    expect(intake.arrivals[0]!.dedupeKey).toBeUndefined();
  });

  it('rule 14: says which message it is, where the sender does', async () => {
    const { source, intake } = await running();
    await fetch(source.url, { method: 'POST', body: 'x', headers: { 'Idempotency-Key': 'k1' } });
    expect(intake.arrivals[0]!.dedupeKey).toBe('/k1');
  });

  it('may be packed', async () => {
    const { source, intake } = await running();
    const body = new Uint8Array(gzipSync('x'.repeat(100_000)));
    const response = await fetch(source.url, { method: 'POST', body, headers: { 'Content-Encoding': 'gzip' } });
    expect(response.status).toBe(200);
    expect(Buffer.from(intake.arrivals[0]!.raw).toString()).toBe('x'.repeat(100_000));
  });

  it('may come in chunks, and in any form of the target', async () => {
    const { source, intake } = await running({ path: '/in' });
    const peer = await source.connect();
    const head = 'POST http://weir/in?x=1 HTTP/1.1\r\nHost: weir\r\nTransfer-Encoding: chunked\r\n\r\n';
    for (const byte of `${head}3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nTrailer: 1\r\n\r\n`) peer.write(byte);
    expect((await peer.answered(1))[0]!.status).toBe(200);
    expect(Buffer.from(intake.arrivals[0]!.raw).toString()).toBe('abcde');
  });

  it('is asked for only when it is to be had (Expect: 100-continue)', async () => {
    const { source, intake } = await running({ path: '/in' });
    const peer = await source.connect();
    const [head, body] = post('hello', { Expect: '100-continue' }, '/in').split('\r\n\r\n');
    peer.write(`${head}\r\n\r\n`);
    await vi.waitFor(() => expect(peer.interim).toEqual([100]));
    peer.write(body!);
    expect((await peer.answered(1))[0]!.status).toBe(200);
    const other = await source.connect();
    other.write(`${post('hello', { Expect: '100-continue' }, '/other').split('\r\n\r\n')[0]}\r\n\r\n`);
    expect((await other.answered(1))[0]!.status).toBe(404);
    expect(other.interim).toEqual([]);
    expect(intake.arrivals).toHaveLength(1);
  });

  it.each([
    ['another path', { path: '/in' }, 'POST', '/other', {}, 404],
    ['a path below it', { path: '/in' }, 'POST', '/in/', {}, 404],
    ['another method', {}, 'DELETE', '/', {}, 405],
    ['no method of this channel', { methods: ['POST'] }, 'PUT', '/', {}, 405],
    ['another content type', { contentTypes: ['text/*'] }, 'POST', '/', { 'Content-Type': 'image/png' }, 415],
    ['no content type', { contentTypes: ['text/*'] }, 'POST', '/', {}, 415],
    ['another content encoding', {}, 'POST', '/', { 'Content-Encoding': 'br' }, 415],
    ['what is no gzip', {}, 'POST', '/', { 'Content-Encoding': 'gzip' }, 400],
    ['a long body', { maxBodyBytes: 3 }, 'POST', '/', {}, 413],
  ] as const)('is not %s', async (_, config, method, path, headers, status) => {
    const { source, intake } = await running(config as Config);
    const peer = await source.connect();
    peer.write(post('body', headers, path).replace('POST', method));
    const [answer] = await peer.answered(1);
    expect(answer!.status).toBe(status);
    expect(JSON.parse(answer!.body)).toMatchObject({ status: 'refused' });
    if (status === 405) expect(answer!.headers.allow).toMatch(/^POST/);
    expect(intake.arrivals).toEqual([]);
    expect(source.context.counts).toMatchObject({ http_refused_total: 1 });
  });

  it('is of a content type that is listed', async () => {
    const { source } = await running({ contentTypes: ['text/*', 'application/json'] });
    for (const type of ['text/plain', 'TEXT/csv; charset=utf-8', 'application/json']) {
      const response = await fetch(source.url, { method: 'POST', body: 'x', headers: { 'Content-Type': type } });
      expect(response.status).toBe(200);
    }
  });

  it('is no empty body', async () => {
    const { source, intake } = await running();
    expect((await fetch(source.url, { method: 'POST' })).status).toBe(400);
    expect(intake.arrivals).toEqual([]);
  });
});
