import { afterEach, describe, expect, it, vi } from 'vitest';
import { answering, brief, farEnd, type Respond } from '../../clients/http-client/testing/far-end.ts';
import { type EndpointInput, fakeDestinationContext } from '../../core/testing/contexts.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { fakeClock } from '../../core/testing/fake-clock.ts';
import { http } from './http.ts';
import { type Config, destinationTo, message } from './testing/destination.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const wait = 'error reply-negative transient destination';

async function pair(auth: Config['auth'], endpoints: Readonly<Record<string, EndpointInput>>, respond?: Respond) {
  const far = open.use(await farEnd(respond));
  const { destination, context } = destinationTo(`http://127.0.0.1:${far.port}`, { auth }, endpoints);
  open.use(destination);
  return { far, destination, context };
}

describe('an HTTP destination that says who it is', () => {
  it('by name and password (RFC 7617)', async () => {
    const { far, destination } = await pair(
      { basic: 'me' },
      { me: { kind: 'basic-auth', user: 'Aladdin', password: 'open sesame' } },
    );
    await destination.write([message(1)], patient);
    expect(far.requests[0]!.headers.authorization).toBe('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
  });

  it('by a token, in the usual header or another', async () => {
    const endpoints = { me: { kind: 'bearer-token', token: 'abc.def' } } as const;
    const usual = await pair({ bearer: 'me' }, endpoints);
    await usual.destination.write([message(1)], patient);
    expect(usual.far.requests[0]!.headers.authorization).toBe('Bearer abc.def');
    const other = await pair({ bearer: 'me', header: 'X-API-Key' }, endpoints);
    await other.destination.write([message(1)], patient);
    expect(other.far.requests[0]!.headers).toMatchObject({ 'x-api-key': 'abc.def' });
    expect(other.far.requests[0]!.headers).not.toHaveProperty('authorization');
  });

  it('rule 15: and is not believed: an error of the destination, asked once only', async () => {
    const { far, destination } = await pair(
      { bearer: 'me' },
      { me: { kind: 'bearer-token', token: 'revoked' } },
      answering(401),
    );
    expect(brief(await destination.write([message(1)], patient))).toEqual([wait]);
    expect(far.requests).toHaveLength(1);
  });

  it('does not start with a token that cannot stand in a header, and does not quote it', () => {
    const endpoints = { me: { kind: 'bearer-token', token: 'abc\r\nX-Evil: 1' } } as const;
    const start = () => destinationTo('http://127.0.0.1:1', { auth: { bearer: 'me' } }, endpoints);
    expect(start).toThrow(expect.objectContaining({ code: 'config-invalid' }));
    expect(start).not.toThrow(/abc/);
  });
});

describe('an HTTP destination with OAuth 2 client credentials (RFC 6749 §4.4)', () => {
  const token = (value: string, more = {}) =>
    answering(200, JSON.stringify({ access_token: value, token_type: 'Bearer', expires_in: 3600, ...more }));

  /** A far end that takes only what `accepts` says, and a server that gives out tokens. */
  async function registry(accepts: () => string, issue: Respond, endpoint = {}) {
    const far = open.use(await farEnd());
    far.respond = (response, request) =>
      answering(request.headers.authorization === `Bearer ${accepts()}` ? 200 : 401)(response, request);
    const server = open.use(await farEnd(issue));
    const clock = fakeClock();
    const context = fakeDestinationContext({
      clock,
      endpoints: {
        api: { kind: 'http', url: `http://127.0.0.1:${far.port}` },
        login: {
          ...{ kind: 'oauth2-client', url: `http://127.0.0.1:${server.port}/token`, clientId: 'we:ir' },
          ...{ clientSecret: 'only a test', scope: 'write read', ...endpoint },
        } as const,
      },
    });
    const destination = open.use(http({ endpoint: 'api', auth: { oauth2: 'login' } }).create(context));
    return { far, server, destination, context, clock };
  }

  it('asks for a token once, and keeps it until shortly before it expires', async () => {
    let issued = 0;
    const { server, destination, clock, context } = await registry(
      () => `t${issued}`,
      (response, request) => token(`t${++issued}`)(response, request),
    );
    const writes = await Promise.all([1, 2, 3].map((number) => destination.write([message(number)], patient)));
    expect(writes.flatMap(brief)).toEqual(['sent', 'sent', 'sent']);
    expect(server.requests).toHaveLength(1);
    clock.advance(3_500_000);
    await destination.write([message(4)], patient);
    expect(server.requests).toHaveLength(1);
    clock.advance(60_000);
    expect(brief(await destination.write([message(5)], patient))).toEqual(['sent']);
    expect(server.requests).toHaveLength(2);
    expect(context.counts.http_tokens_fetched_total).toBe(2);
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/token' });
    expect(server.requests[0]!.body).toBe('grant_type=client_credentials&scope=write+read');
    const pair = Buffer.from('we%3Air:only+a+test').toString('base64');
    expect(server.requests[0]!.headers.authorization).toBe(`Basic ${pair}`);
  });

  it('says its name in the body where the server wants it there', async () => {
    const { server, destination } = await registry(() => 't', token('t'), {
      clientAuthentication: 'body',
      audience: 'urn:registry',
    });
    await destination.write([message(1)], patient);
    expect(server.requests[0]!.headers).not.toHaveProperty('authorization');
    expect(Object.fromEntries(new URLSearchParams(server.requests[0]!.body))).toEqual({
      ...{ grant_type: 'client_credentials', scope: 'write read', audience: 'urn:registry' },
      ...{ client_id: 'we:ir', client_secret: 'only a test' },
    });
  });

  it('asks for another one when the far end does not take it, once for each message', async () => {
    let issued = 0;
    const { far, server, destination } = await registry(
      () => 't2',
      (response, request) => token(`t${++issued}`)(response, request),
    );
    expect(brief(await destination.write([message(1)], patient))).toEqual(['sent']);
    expect(server.requests).toHaveLength(2);
    far.respond = answering(401);
    expect(brief(await destination.write([message(2)], patient))).toEqual([wait]);
    expect(server.requests).toHaveLength(3);
    expect(far.requests).toHaveLength(4);
  });

  it.each([
    [
      'refuses',
      answering(401, '{"error":"invalid_client","error_description":"only a test"}'),
      /answered 401 \(invalid_client\)$/,
    ],
    ['says something else', answering(200, 'welcome'), /no access token$/],
    ['gives a token that cannot be sent', token('a\r\nb'), /no access token$/],
    ['gives a token of another type', token('t', { token_type: 'mac' }), /no bearer token$/],
    ['hangs up', (response) => void response.socket?.destroy(), /fetching an access token: /],
  ] as const satisfies readonly (readonly [
    string,
    Respond,
    RegExp,
  ])[])('rule 15: waits where the server %s, and says nothing of secrets', async (_, issue, text) => {
    const { far, server, destination, context } = await registry(() => 't', issue);
    const outcomes = await destination.write([message(1)], patient);
    expect(brief(outcomes)).toEqual(['error refused transient destination']);
    const [outcome] = outcomes ?? [];
    expect(outcome?.status === 'error' && outcome.error.message).toMatch(text);
    expect(far.requests).toEqual([]);
    server.respond = token('t');
    expect(brief(await destination.write([message(1)], patient))).toEqual(['sent']);
    expect(JSON.stringify([outcomes, context.logged, context.reported])).not.toMatch(/only a test|Bearer/);
  });

  it('is given up at once when the write is, and the token serves the next', async () => {
    let answer = () => {};
    const { server, destination } = await registry(
      () => 't',
      (response, request) => {
        answer = () => token('t')(response, request);
      },
    );
    const abort = new AbortController();
    const writing = destination.write([message(1)], { ...patient, signal: abort.signal });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    abort.abort();
    expect(brief(await writing)).toEqual(['untried']);
    const next = destination.write([message(1)], patient);
    answer();
    expect(brief(await next)).toEqual(['sent']);
    expect(server.requests).toHaveLength(1);
  });
});
