import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { acking, destinationTo, farEnd, order } from './testing/far-end.ts';

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

async function pair(tls: Readonly<Record<string, unknown>>, requestCert = false) {
  const options = {
    cert: readFileSync(server.certFile),
    key: readFileSync(server.keyFile),
    ca: readFileSync(made.caFile),
  };
  const secured = createServer({ ...options, requestCert, rejectUnauthorized: requestCert });
  secured.on('tlsClientError', () => undefined);
  const far = open.use(await farEnd(acking(), secured, 'secureConnection'));
  const { destination } = destinationTo(far.port, {}, { tls });
  open.use(destination);
  return { far, destination };
}

describe.skipIf(missing)('an MLLP destination with TLS', () => {
  it('sends to a server whose certificate its authority signed', async () => {
    const { destination } = await pair({ caFile: made.caFile });
    expect(await destination.write([order(1)], patient)).toMatchObject([{ status: 'sent' }]);
  });

  it('sends nothing to a server it does not trust, and says that of the destination', async () => {
    const { far, destination } = await pair({});
    expect(await destination.write([order(1)], patient)).toMatchObject([
      { status: 'error', error: { code: 'refused', kind: 'transient', scope: 'destination' } },
    ]);
    expect(far.received).toEqual([]);
  });

  it('sends nothing to a server of another name', async () => {
    const { far, destination } = await pair({ caFile: made.caFile, serverName: 'lab.example' });
    expect(await destination.write([order(1)], patient)).toMatchObject([
      { status: 'error', error: { code: 'refused' } },
    ]);
    expect(far.received).toEqual([]);
  });

  it('shows its own certificate where the server asks for one', async () => {
    const { destination } = await pair({ caFile: made.caFile, ...client }, true);
    expect(await destination.write([order(1)], patient)).toMatchObject([{ status: 'sent' }]);
  });

  it('says that of the destination too where it has none and the server asks for one', async () => {
    const { far, destination } = await pair({ caFile: made.caFile }, true);
    const [outcome] = (await destination.write([order(1)], patient)) ?? [];
    // TLS 1.3 tells the client of its missing certificate only after the handshake: the message may be on its way by then.
    expect(outcome).toMatchObject({
      status: expect.stringMatching(/error|uncertain/),
      error: { scope: 'destination' },
    });
    expect(far.received).toEqual([]);
  });
});
