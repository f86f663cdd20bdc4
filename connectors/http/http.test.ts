import { createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { answering, brief, farEnd, type Respond } from '../../clients/http-client/testing/far-end.ts';
import { HubError } from '../../core/errors.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { type Config, destinationTo, message } from './testing/destination.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function pair(respond: Respond = answering(), config: Config = {}, path = '') {
  const far = open.use(await farEnd(respond));
  const { destination, context } = destinationTo(`http://127.0.0.1:${far.port}${path}`, config);
  open.use(destination);
  return { far, destination, context };
}

describe('the request of an HTTP destination', () => {
  it('has the very bytes, the content type and the effect id', async () => {
    const { far, destination } = await pair();
    expect(brief(await destination.write([message(1)], patient))).toEqual(['sent']);
    expect(far.requests).toMatchObject([{ method: 'POST', url: '/', body: 'message 1' }]);
    expect(far.requests[0]!.headers).toMatchObject({
      host: `127.0.0.1:${far.port}`,
      'content-type': 'application/octet-stream',
      'content-length': '9',
      'idempotency-key': message(1).effectId,
    });
  });

  it('rule 22: is the same when it is made again', async () => {
    const { far, destination } = await pair(answering(500));
    await destination.write([message(1)], patient);
    await destination.write([message(1, { attempt: 2 })], patient);
    expect(far.requests[1]).toEqual(far.requests[0]);
  });

  it('goes where the endpoint and the template say', async () => {
    const config = { method: 'PUT', path: '/o/${meta.order}?from=${channel}', contentType: 'text/plain' } as const;
    const { far, destination } = await pair(answering(), config, '/api/');
    await destination.write([message(1, { meta: { order: 'A/1' } })], patient);
    expect(far.requests).toMatchObject([{ method: 'PUT', url: '/api/o/A%2F1?from=lab-in' }]);
    expect(far.requests[0]!.headers['content-type']).toBe('text/plain');
  });

  it('has the headers that the channel says, and leaves out those that are empty', async () => {
    const headers = { 'X-Channel': '${channel}', 'X-Ward': '${meta.ward}', Accept: 'application/json' };
    const { far, destination } = await pair(answering(), { headers, idempotencyHeader: false });
    await destination.write([message(1)], patient);
    const received = far.requests[0]!.headers;
    expect(received).toMatchObject({ 'x-channel': 'lab-in', accept: 'application/json' });
    expect(received).not.toHaveProperty('x-ward');
    expect(received).not.toHaveProperty('idempotency-key');
  });

  it('is not made where the path cannot be filled in: an error of the message, without its content', async () => {
    const { far, destination } = await pair(answering(), { path: '/o/${meta.order}' });
    const outcomes = await destination.write([message(1)], patient);
    expect(brief(outcomes)).toEqual(['error encode-failed permanent message']);
    expect(far.requests).toEqual([]);
  });

  it.each([
    { headers: { Authorization: 'Bearer x' } },
    { headers: { 'Content-Length': '1' } },
    { headers: { 'X A': '1' } },
    { headers: { 'X-A': 'a\r\nb' } },
    { path: 'orders' },
    { contentType: 'json' },
    { response: { '600': 'sent' } },
    { response: { '4xx': 'accept' } },
  ])('refuses %j', (config) => {
    expect(() => destinationTo('http://127.0.0.1:1', config as Config)).toThrow(HubError);
  });
});

describe('rule 18: the response table of an HTTP destination', () => {
  const deadLetter = 'error reply-negative permanent message';
  const retry = 'error reply-negative transient message';
  const wait = 'error reply-negative transient destination';
  it.each([
    [200, {}, 'sent'],
    [204, {}, 'sent'],
    [304, {}, wait],
    [400, {}, deadLetter],
    [401, {}, wait],
    [403, {}, wait],
    [404, {}, deadLetter],
    [408, {}, retry],
    [422, {}, deadLetter],
    [429, {}, wait],
    [500, {}, retry],
    [503, {}, wait],
    [409, { '409': 'sent' }, 'sent'],
    [422, { '4xx': 'retry' }, retry],
    [500, { '5xx': 'dead-letter' }, deadLetter],
    [401, { '4xx': 'dead-letter' }, wait],
    [401, { '401': 'dead-letter' }, deadLetter],
    [202, { '202': 'retry' }, retry],
  ] as const)('%i, where the table says %j', async (status, response, expected) => {
    const { destination } = await pair(answering(status), { response });
    expect(brief(await destination.write([message(1)], patient))).toEqual([expected]);
  });

  it('keeps the answer beside the outcome, the negative one too, and quotes nothing of it', async () => {
    const { far, destination } = await pair(answering(422, 'Jane Doe unknown'));
    const [refused] = await destination.write([message(1)], patient);
    expect(refused).toMatchObject({ status: 'error', reply: Buffer.from('Jane Doe unknown') });
    expect(refused?.status === 'error' && refused.error.message).toBe('sending the message: the far end answered 422');
    far.respond = answering(201, 'created');
    expect(await destination.write([message(2)], patient)).toEqual([{ status: 'sent', reply: Buffer.from('created') }]);
  });

  it('keeps so much of a long answer as it may, and does not read the rest', async () => {
    const endless: Respond = (response) => {
      const more = (): void => void (response.destroyed || response.write('x'.repeat(10_000), more));
      more();
    };
    const { far, destination } = await pair(endless, { maxReplyBytes: 100 });
    const [outcome] = await destination.write([message(1)], patient);
    expect(outcome).toEqual({ status: 'sent', reply: Buffer.from('x'.repeat(100)) });
    await vi.waitFor(() => expect(far.sockets.size).toBe(0));
  });

  it.each([
    ['retry', 'uncertain reply-timeout transient message'],
    ['wait', 'error reply-timeout transient destination'],
    ['dead-letter', 'error reply-timeout permanent message'],
    ['sent', 'sent'],
  ] as const)('no answer, where the table says %s', async (none, expected) => {
    const { far, destination } = await pair(() => undefined, { replyTimeoutMs: 50, response: { none } });
    expect(brief(await destination.write([message(1)], patient))).toEqual([expected]);
    await vi.waitFor(() => expect(far.sockets.size).toBe(0));
  });
});

describe('rule 18: an HL7 answer to an HTTP destination', () => {
  const deadLetter = 'error reply-negative permanent message';
  const retry = 'error reply-negative transient message';
  const acknowledgement = (code: string, error = '') =>
    `MSH|^~\\&|LAB|H|WEIR|H|20260302081500||ACK|A1|P|2.5.1\rMSA|${code}|C1\r${error && `ERR|||${error}\r`}`;
  const er7 = 'x-application/hl7-v2+er7; charset=utf-8';
  it.each([
    [200, er7, acknowledgement('AA'), {}, 'sent'],
    [200, er7, acknowledgement('CA'), {}, 'sent'],
    [200, er7, acknowledgement('AE'), {}, deadLetter],
    [200, 'text/plain', acknowledgement('AE'), {}, deadLetter],
    [200, er7, acknowledgement('AR'), {}, retry],
    [500, er7, acknowledgement('AE'), {}, deadLetter],
    [400, er7, acknowledgement('AR'), {}, retry],
    [200, er7, acknowledgement('AE', '206'), {}, retry],
    [200, er7, acknowledgement('AE', '207'), { 'ERR-3.1=207': 'wait' }, 'error reply-negative transient destination'],
    [200, er7, acknowledgement('AE'), { AE: 'sent' }, 'sent'],
    [500, er7, acknowledgement('AA'), {}, retry],
    [200, 'application/hl7-v2', 'thank you', {}, 'uncertain reply-invalid transient message'],
    [202, er7, '', {}, 'sent'],
    [200, 'text/plain', 'MSH|^~\\&|echo', {}, 'sent'],
    [200, 'text/plain', 'MSA|AE|C1', {}, 'sent'],
  ] as const)('%i of %s with %j, where the table says %j', async (status, type, body, response, expected) => {
    const { destination } = await pair(answering(status, body, { 'content-type': type }), { response });
    const outcomes = await destination.write([message(1)], patient);
    expect(brief(outcomes)).toEqual([expected]);
    expect(outcomes[0]).toMatchObject(body === '' ? {} : { reply: Buffer.from(body) });
  });
});

describe('Retry-After of an answer to an HTTP destination', () => {
  const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
  it.each([
    [429, { 'retry-after': '7' }, 7_000],
    [503, { 'retry-after': 'Sun, 06 Nov 1994 08:51:37 GMT', date }, 120_000],
    [503, { 'retry-after': 'Sunday, 06-Nov-94 08:50:37 GMT', date }, 60_000],
    [503, { 'retry-after': 'Sun Nov  6 08:50:07 1994', date }, 30_000],
    [500, { 'retry-after': '3' }, 3_000],
    [503, { 'retry-after': '86400' }, 900_000],
    [503, { 'retry-after': new Date(Date.now() + 86_400_000).toUTCString() }, 900_000],
    [503, { 'retry-after': 'Sun, 06 Nov 1994 08:49:00 GMT', date }, undefined],
    [503, { 'retry-after': '-5' }, undefined],
    [503, { 'retry-after': 'soon' }, undefined],
    [503, { 'retry-after': '1.5' }, undefined],
    [422, { 'retry-after': '7' }, undefined],
    [200, { 'retry-after': '7' }, undefined],
  ] as const)('of %i with %j', async (status, headers, expected) => {
    const { destination } = await pair(answering(status, '', headers));
    const [outcome] = await destination.write([message(1)], patient);
    expect((outcome as { retryAfterMs?: number }).retryAfterMs).toBe(expected);
  });

  it('is obeyed no longer than maxRetryAfterMs', async () => {
    const { destination } = await pair(answering(429, '', { 'retry-after': '60' }), { maxRetryAfterMs: 5_000 });
    expect(await destination.write([message(1)], patient)).toMatchObject([{ retryAfterMs: 5_000 }]);
  });
});

describe('the connections of an HTTP destination', () => {
  it('stay, and carry one message after the other', async () => {
    const { far, destination, context } = await pair();
    for (let number = 1; number <= 20; number++) await destination.write([message(number)], patient);
    expect(far.requests.map((request) => request.body)).toEqual(
      Array.from({ length: 20 }, (_, at) => `message ${at + 1}`),
    );
    expect(far.connections).toBe(1);
    expect(context.reported).toEqual([
      { state: 'idle', connections: 0 },
      { state: 'connected', connections: 1 },
    ]);
  });

  it('are as many as it may have, and no more', async () => {
    const waiting: (() => void)[] = [];
    const { far, destination } = await pair((response) => void waiting.push(() => response.end()), { connections: 3 });
    const writing = Promise.all(
      Array.from({ length: 7 }, (_, number) => destination.write([message(number)], patient)),
    );
    await vi.waitFor(() => expect(waiting).toHaveLength(3));
    far.respond = answering();
    for (const answer of waiting) answer();
    expect((await writing).flatMap((outcomes) => brief(outcomes))).toEqual(Array(7).fill('sent'));
    expect(far.connections).toBe(3);
  });

  it('are made again when the far end has closed them between two messages', async () => {
    const { far, destination } = await pair();
    await destination.write([message(1)], patient);
    for (const socket of far.sockets) socket.destroy();
    await vi.waitFor(() => expect(far.sockets.size).toBe(0));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(brief(await destination.write([message(2)], patient))).toEqual(['sent']);
    expect(far.connections).toBe(2);
  });

  it('are closed when nobody has used them for so long, and when the destination is', async () => {
    const { far, destination } = await pair(answering(), { idleTimeoutMs: 50 });
    await destination.write([message(1)], patient);
    await vi.waitFor(() => expect(far.sockets.size).toBe(0));
    await destination.write([message(2)], patient);
    await destination[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(far.sockets.size).toBe(0));
    expect(brief(await destination.write([message(3)], patient))).toEqual(['untried']);
  });

  it('rule 15: one that is refused is an error of the destination, which recovers unaided', async () => {
    const first = await farEnd();
    const { port } = first;
    await first[Symbol.asyncDispose]();
    const { destination, context } = destinationTo(`http://127.0.0.1:${port}`);
    open.use(destination);
    expect(brief(await destination.write([message(1)], patient))).toEqual(['error refused transient destination']);
    expect(context.reported.at(-1)).toEqual({ state: 'retrying', connections: 0 });
    open.use(await farEnd(answering(), undefined, undefined, port));
    expect(brief(await destination.write([message(1)], patient))).toEqual(['sent']);
  });

  it.each([
    ['before the answer', (response) => void response.socket?.destroy()],
    ['within its head', (response) => response.socket?.end('HTTP/1.1 200 OK\r\nContent-Le')],
    ['within its body', (response) => response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')],
  ] as const satisfies readonly (readonly [
    string,
    Respond,
  ])[])('rule 19: what one carried that broke %s is uncertain', async (_, respond) => {
    const { far, destination } = await pair(respond);
    expect(brief(await destination.write([message(1)], patient))).toEqual([
      'uncertain connection-lost transient destination',
    ]);
    far.respond = answering();
    expect(brief(await destination.write([message(1)], patient))).toEqual(['sent']);
  });

  it('takes an answer that comes before the request is over, and does not use that connection again', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nlong'));
      socket.pause();
      setTimeout(() => socket.resume(), 20);
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    open.defer(() => void server.close());
    const { port } = server.address() as { port: number };
    const { destination } = destinationTo(`http://127.0.0.1:${port}`);
    open.use(destination);
    const outcomes = await destination.write([message(1, { bytes: Buffer.alloc(8 * 1024 ** 2) })], patient);
    expect(brief(outcomes)).toEqual(['error reply-negative permanent message']);
  });

  it('rule 29: begins nothing on a connection that took until after notAfter', async () => {
    const { far, destination } = await pair();
    const late = { ...patient, notAfter: performance.now() + 0.01 };
    expect(brief(await destination.write([message(1)], late))).toEqual(['untried']);
    expect(far.requests).toEqual([]);
  });
});
