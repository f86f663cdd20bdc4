import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import { outcomesOf } from '../../core/testing/destination-suite.ts';
import { destinationTo, message, sent } from './testing/destination.ts';
import { mailServer } from './testing/mail-server.ts';

const missing = missingOpenssl();
if (missing) console.warn(missing);

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

describe.skipIf(missing)('over TLS', () => {
  let made: Certificates;
  let keys: ReturnType<Certificates['issue']>;
  beforeAll(() => {
    made = certificates();
    keys = made.issue('mail');
  });
  afterAll(() => made[Symbol.dispose]());
  const login = { user: 'weir', password: 'open sesame' };

  it.for([
    'starttls',
    'tls',
  ] as const)('with %s, a mail is sent after the login, neither in the clear', async (security) => {
    const server = open.use(await mailServer(keys, security === 'tls'));
    const { destination } = destinationTo(server, {}, { security, tls: { caFile: made.caFile }, ...login });
    expect(await outcomesOf(destination, [message(1)])).toEqual([sent]);
    expect(server.mails).toMatchObject([{ secured: true, user: 'weir' }]);
  });

  it('it is the default, and a server that offers none gets nothing', async () => {
    const server = open.use(await mailServer());
    const { destination } = destinationTo(server, {}, { security: undefined, ...login });
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([
      { status: 'error', error: { code: 'refused', kind: 'transient', scope: 'destination' } },
    ]);
    expect(server.commands.join()).not.toMatch(/AUTH|MAIL/);
  });

  it.for([
    ['of another authority', {}],
    ['of another name', { serverName: 'another.example' }],
  ] as const)('a certificate %s ends it before the login', async ([, { ...tls }]) => {
    for (const security of ['starttls', 'tls'] as const) {
      const server = open.use(await mailServer(keys, security === 'tls'));
      const own = 'serverName' in tls ? { caFile: made.caFile, ...tls } : tls;
      const { destination } = destinationTo(server, {}, { security, tls: own, ...login });
      expect(await outcomesOf(destination, [message(1)])).toMatchObject([
        { status: 'error', error: { code: 'refused', kind: 'transient', scope: 'destination' } },
      ]);
      expect(server.commands.join()).not.toMatch(/AUTH|MAIL/);
    }
  });

  it('rule 15: a password that is not accepted is an error of the destination, and is never said', async () => {
    const server = open.use(await mailServer(keys));
    server.password = 'a new one';
    const endpoint = { security: 'starttls', tls: { caFile: made.caFile }, ...login };
    const { destination, context } = destinationTo(server, {}, endpoint);
    const outcomes = await outcomesOf(destination, [message(1)]);
    expect(outcomes).toMatchObject([
      {
        status: 'error',
        error: { code: 'refused', kind: 'transient', scope: 'destination', message: expect.stringContaining('535') },
      },
    ]);
    expect(JSON.stringify([outcomes[0]?.status === 'error' && outcomes[0].error.message, context.logged])).not.toMatch(
      /sesame|not you/,
    );
    server.password = 'open sesame';
    expect(await outcomesOf(destination, [message(1)])).toEqual([sent]);
  });

  it('a certificate file that is missing is an error of the destination', async () => {
    const server = open.use(await mailServer(keys));
    const { destination } = destinationTo(server, {}, { security: 'starttls', tls: { caFile: '/no/such.pem' } });
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([
      { status: 'error', error: { code: 'refused', scope: 'destination', message: expect.stringContaining('ENOENT') } },
    ]);
  });
});
