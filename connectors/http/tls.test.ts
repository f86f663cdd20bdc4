import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answering, brief, farEnd } from '../../clients/http-client/testing/far-end.ts';
import { type Certificates, certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { destinationTo, message } from './testing/destination.ts';

const missing = missingOpenssl();
if (missing) console.warn(missing);
let made: Certificates;
let server: ReturnType<Certificates['issue']>;
let client: ReturnType<Certificates['issue']>;
beforeAll(() => {
  if (missing) return;
  made = certificates();
  server = made.issue('server');
  client = made.issue('client');
});
afterAll(() => made?.[Symbol.dispose]());

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function pair(tls: Readonly<Record<string, unknown>> | undefined, requestCert = false, host = '127.0.0.1') {
  const options = {
    cert: readFileSync(server.certFile),
    key: readFileSync(server.keyFile),
    ca: readFileSync(made.caFile),
  };
  const secured = createServer({ ...options, requestCert, rejectUnauthorized: requestCert });
  secured.on('tlsClientError', () => undefined);
  const far = open.use(await farEnd(answering(), secured, 'secureConnection'));
  const api = { kind: 'http', url: `https://${host}:${far.port}`, ...(tls && { tls }) } as const;
  const { destination } = destinationTo('', {}, { api });
  open.use(destination);
  return { far, destination };
}

const refused = ['error refused transient destination'];

describe.skipIf(missing)('an HTTP destination with TLS', () => {
  it.each(['127.0.0.1', 'localhost'])('sends to %s, whose certificate its authority signed', async (host) => {
    const { far, destination } = await pair({ caFile: made.caFile }, false, host);
    expect(brief(await destination.write([message(1)], patient))).toEqual(['sent']);
    expect(brief(await destination.write([message(2)], patient))).toEqual(['sent']);
    expect(far.requests[0]!.headers.host).toBe(`${host}:${far.port}`);
    expect(far.connections).toBe(1);
  });

  it('sends nothing to a server it does not trust, and says that of the destination', async () => {
    const { far, destination } = await pair(undefined);
    expect(brief(await destination.write([message(1)], patient))).toEqual(refused);
    expect(far.requests).toEqual([]);
  });

  it('sends nothing to a server of another name', async () => {
    const { far, destination } = await pair({ caFile: made.caFile, serverName: 'lab.example' });
    expect(brief(await destination.write([message(1)], patient))).toEqual(refused);
    expect(far.requests).toEqual([]);
  });

  it('shows its own certificate where the server asks for one', async () => {
    const { destination } = await pair({ caFile: made.caFile, ...client }, true);
    expect(brief(await destination.write([message(1)], patient))).toEqual(['sent']);
  });

  it('says that of the destination too where it has none and the server asks for one', async () => {
    const { far, destination } = await pair({ caFile: made.caFile }, true);
    const [outcome] = brief(await destination.write([message(1)], patient));
    // TLS 1.3 tells the client of its missing certificate only after the handshake: the message may be on its way by then.
    expect(outcome).toMatch(/^(error|uncertain) .* destination$/);
    expect(far.requests).toEqual([]);
  });
});
