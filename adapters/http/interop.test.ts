import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { http as httpOut } from '../../connectors/http/http.ts';
import { certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { type Config, runSource } from './testing/run-source.ts';

const noCurl = spawnSync('curl', ['--version']).status !== 0 && 'NOT TESTED: there is no curl on the path';
const noTls = missingOpenssl();
for (const missing of [noCurl, noTls]) if (missing) console.warn(missing);

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function running(config: Config = {}, options: Parameters<typeof runSource>[2] = {}) {
  const intake = fakeIntake((_, index) => (index === 1 ? negative : positive));
  const source = open.use(await runSource(intake, config, options));
  return { intake, source };
}

function fileOf(content: string | Buffer, name = 'body'): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-http-curl-'));
  open.defer(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** What curl says of the answer: its status, and its body. */
async function curl(...args: readonly string[]) {
  const { stdout } = await promisify(execFile)('curl', ['-sS', '-m', '10', '-w', '\n%{http_code}', ...args]);
  const at = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(at + 1)), body: stdout.slice(0, at) };
}

describe.skipIf(noCurl)('curl, an independent HTTP client', () => {
  it('sends to our source and understands each answer', async () => {
    const { source, intake } = await running();
    const first = await curl('--data-binary', 'one', source.url);
    expect(JSON.parse(first.body)).toEqual({ id: 'a-message', status: 'sent' });
    expect([first.status, (await curl('--data-binary', 'two', source.url)).status]).toEqual([200, 422]);
    expect(intake.arrivals.map(({ raw }) => Buffer.from(raw).toString())).toEqual(['one', 'two']);
  });

  it('uploads a large file, waiting for 100 Continue, and in chunks', async () => {
    const { source, intake } = await running();
    const path = fileOf(Buffer.alloc(20 * 1024 ** 2, 'x'));
    expect(
      (await curl('-T', path, '-H', 'Expect: 100-continue', `${source.url}/`, '--request-target', '/')).status,
    ).toBe(200);
    await curl('-T', path, '-H', 'Transfer-Encoding: chunked', source.url, '--request-target', '/');
    expect(intake.arrivals.map(({ raw }) => raw.length)).toEqual([20 * 1024 ** 2, 20 * 1024 ** 2]);
  });

  it('reads the refusal of a body that it has not sent to its end', async () => {
    const { source, intake } = await running({ maxBodyBytes: '1MB' });
    const path = fileOf(Buffer.alloc(20 * 1024 ** 2, 'x'));
    expect((await curl('-T', path, '-H', 'Expect:', source.url, '--request-target', '/')).status).toBe(413);
    expect(intake.arrivals).toEqual([]);
  });

  it('uploads by a form', async () => {
    const { source, intake } = await running({ multipart: {} });
    const path = fileOf('a report', 'report.txt');
    await curl('-F', 'note=field', '-F', `report=@${path};type=text/plain`, source.url);
    expect(intake.arrivals).toMatchObject([{ meta: { 'http.part': 'report', 'http.part.filename': 'report.txt' } }]);
    expect(Buffer.from(intake.arrivals[0]!.raw).toString()).toBe('a report');
  });

  it('says who it is', async () => {
    const endpoints = { ehr: { kind: 'basic-auth', user: 'ehr', password: 'only a test' } } as const;
    const { source, intake } = await running({ auth: [{ basic: 'ehr' }] }, { endpoints });
    expect((await curl('--data-binary', 'x', source.url)).status).toBe(401);
    expect((await curl('--anyauth', '-u', 'ehr:only a test', '--data-binary', 'x', source.url)).status).toBe(200);
    expect(intake.arrivals).toHaveLength(1);
  });

  it.skipIf(noTls)('speaks TLS with a certificate of its own', async () => {
    const made = open.use(certificates());
    const [server, client] = [made.issue('server'), made.issue('client')];
    const tls = { ...server, clientCertificate: 'required', caFile: made.caFile };
    const { source } = await running({}, { listen: { tls } });
    const url = source.url.replace('http:', 'https:');
    const certificate = ['--cert', client.certFile, '--key', client.keyFile];
    expect((await curl('--cacert', made.caFile, ...certificate, '--data-binary', 'x', url)).status).toBe(200);
  });
});

describe('our own destination', () => {
  it('sends to our source, and the answers mean the same to both', async () => {
    const endpoints = { token: { kind: 'bearer-token', token: 'abc' } } as const;
    const { source, intake } = await running({ path: '/in', auth: [{ bearer: 'token' }] }, { endpoints });
    const context = fakeDestinationContext({ endpoints: { api: { kind: 'http', url: source.url }, ...endpoints } });
    const destination = open.use(httpOut({ endpoint: 'api', path: '/in', auth: { bearer: 'token' } }).create(context));
    const write = async (number: number) => {
      const message = outgoing({ number, payload: undefined, bytes: Buffer.from(`message ${number}`) });
      return ((await destination.write([message], patient)) ?? [])[0];
    };
    expect(await write(0)).toMatchObject({ status: 'sent' });
    expect(await write(1)).toMatchObject({ status: 'error', error: { kind: 'permanent', scope: 'message' } });
    source.drain();
    await source.ended;
    expect(intake.arrivals).toMatchObject([{ dedupeKey: expect.stringMatching(/^token\/.*\/out\/0$/) }, {}]);
  });
});
