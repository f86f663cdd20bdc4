import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { answering, brief, farEnd, type Received, type Respond } from '../../clients/http-client/testing/far-end.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { destinationTo, message } from './testing/destination.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const basic = { resourceType: 'Basic' };
const keys = {
  RS384: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
};
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const decoded = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;

/** Gives out `token-1`, `token-2` and so on to whoever asks. */
function tokens(): Respond {
  let given = 0;
  return (response) => {
    const body = JSON.stringify({ access_token: `token-${++given}`, token_type: 'bearer', expires_in: 300 });
    answering(200, body, { 'content-type': 'application/json' })(response, {} as Received);
  };
}

async function behindLogin(respond: Respond, client: Readonly<Record<string, unknown>>) {
  const login = open.use(await farEnd(tokens()));
  const far = open.use(await farEnd(respond));
  const endpoints = {
    login: { kind: 'oauth2-client', url: `http://127.0.0.1:${login.port}/token`, clientId: 'weir', ...client },
  } as const;
  const url = `http://127.0.0.1:${far.port}/fhir`;
  const { destination } = destinationTo(url, { auth: { oauth2: 'login' } }, endpoints);
  open.use(destination);
  return { login, far, write: () => destination.write([message(basic)], patient) };
}

describe('SMART backend services', () => {
  it.for(['RS384', 'ES384'] as const)('says who we are by a key, signed as %s', async (alg) => {
    const { privateKey, publicKey } = keys[alg]();
    const { login, far, write } = await behindLogin(answering(201), {
      privateKey: pem(privateKey),
      keyId: 'key-1',
      scope: 'system/*.write',
    });
    expect(brief(await write())).toEqual(['sent']);
    expect(far.requests[0]?.headers.authorization).toBe('Bearer token-1');
    const form = new URLSearchParams(login.requests[0]?.body);
    expect(login.requests[0]?.headers.authorization).toBeUndefined();
    expect(Object.fromEntries(form)).toMatchObject({
      grant_type: 'client_credentials',
      scope: 'system/*.write',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    const [header, claims, signature] = form.get('client_assertion')!.split('.');
    expect(decoded(header)).toEqual({ alg, typ: 'JWT', kid: 'key-1' });
    const url = `http://127.0.0.1:${login.port}/token`;
    expect(decoded(claims)).toMatchObject({ iss: 'weir', sub: 'weir', aud: url, jti: expect.any(String) });
    const leftMs = Number(decoded(claims).exp) * 1_000 - Date.now();
    expect(leftMs).toBeGreaterThan(60_000);
    expect(leftMs).toBeLessThanOrEqual(300_000);
    const key = { key: createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })), dsaEncoding: 'ieee-p1363' };
    const signed = Buffer.from(`${header}.${claims}`);
    expect(verify('sha384', signed, key as never, Buffer.from(signature!, 'base64url'))).toBe(true);
  });

  it('renews a token that is not taken once, and with another assertion', async () => {
    const { privateKey } = keys.ES384();
    let first = true;
    const once: Respond = (response, request) => {
      answering(first ? 401 : 201)(response, request);
      first = false;
    };
    const { login, far, write } = await behindLogin(once, { privateKey: pem(privateKey) });
    expect(brief(await write())).toEqual(['sent']);
    expect(far.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
    const assertions = login.requests.map(({ body }) => new URLSearchParams(body).get('client_assertion'));
    expect(new Set(assertions).size).toBe(2);
  });

  it('waits as a destination, and sends nothing, where the new token is not taken either', async () => {
    const { privateKey } = keys.ES384();
    const { far, write } = await behindLogin(answering(401), { privateKey: pem(privateKey) });
    expect(brief(await write())).toEqual(['error reply-negative transient destination']);
    expect(far.requests).toHaveLength(2);
  });

  it.for([
    ['no key', 'not a key'],
    ['on another curve', pem(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey)],
    ['too short', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)],
  ] as const)('refuses a key that is %s, without quoting it', async ([, privateKey]) => {
    await expect(behindLogin(answering(201), { privateKey })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(/^reading the privateKey of an oauth2-client: [\w ,-]+$/),
    });
  });

  it('wants either a secret or a key', async () => {
    const { privateKey } = keys.ES384();
    const both = { clientSecret: 'secret', privateKey: pem(privateKey) };
    await expect(behindLogin(answering(201), both)).rejects.toThrow(/either clientSecret or privateKey/);
    await expect(behindLogin(answering(201), {})).rejects.toThrow(/either clientSecret or privateKey/);
  });
});
