import { afterEach, describe, expect, it } from 'vitest';
import { post } from '../../clients/http-server/testing/peer.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function guarded() {
  const intake = fakeIntake(() => positive);
  const endpoints = {
    ehr: { kind: 'basic-auth', user: 'Aladdin', password: 'open:sesame ü' },
    portal: { kind: 'bearer-token', token: 'new.token' },
    'portal-old': { kind: 'bearer-token', token: 'old.token' },
  } as const;
  const auth = [{ basic: 'ehr' }, { bearer: 'portal' }, { bearer: 'portal-old' }];
  const source = open.use(await runSource(intake, { auth }, { endpoints }));
  return { intake, source };
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('an HTTP source with callers', () => {
  it.each([
    [basic('Aladdin:open:sesame ü'), 'ehr'],
    [basic('Aladdin:open:sesame ü').replace('Basic', 'bASIC'), 'ehr'],
    ['Bearer new.token', 'portal'],
    ['bearer  old.token', 'portal-old'],
  ])('takes %s, and keeps who it was', async (authorization, caller) => {
    const { intake, source } = await guarded();
    const headers = { authorization, 'Idempotency-Key': 'k' };
    expect((await fetch(source.url, { method: 'POST', body: 'x', headers })).status).toBe(200);
    expect(intake.arrivals[0]).toMatchObject({ meta: { 'http.caller': caller }, dedupeKey: `${caller}/k` });
  });

  it.each([
    undefined,
    '',
    'Basic',
    'Basic !!!',
    basic('Aladdin:open sesame'),
    basic('Aladdin'),
    'Bearer new.toke',
    'Bearer new.token2',
    'Bearer open:sesame',
    'Digest new.token',
    'Bearer new.token old.token',
  ])('refuses %s before anything of its body is read', async (authorization) => {
    const { intake, source } = await guarded();
    const peer = await source.connect();
    peer.write(
      post('x'.repeat(100), authorization === undefined ? {} : { Authorization: authorization }).slice(0, -100),
    );
    const [answer] = await peer.answered(1);
    expect(answer).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="weir", charset="UTF-8", Bearer', connection: 'close' },
    });
    expect(intake.arrivals).toEqual([]);
  });

  it('says the same of every path to those it does not know', async () => {
    const { source } = await guarded();
    expect((await fetch(`${source.url}/none`)).status).toBe(401);
  });

  it('never keeps a header with a secret', async () => {
    for (const name of ['Authorization', 'cookie', 'Proxy-Authorization'])
      await expect(runSource(fakeIntake(), { headers: [name] })).rejects.toMatchObject({ code: 'config-invalid' });
  });
});
