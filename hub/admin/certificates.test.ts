import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import type { Wiring } from '../wiring.ts';
import { certificateReports } from './certificates.ts';

const missing = missingOpenssl();
if (missing) console.warn(missing);
const dayMs = 86_400_000;
let made: Certificates;
beforeAll(() => {
  if (!missing) made = certificates();
});
afterAll(() => made?.[Symbol.dispose]());

describe.skipIf(missing)('certificates of endpoints', () => {
  const wiring = (files: { certFile: string; keyFile: string; caFile: string }): Wiring => ({
    endpoints: {
      in: {
        kind: 'tcp-listen',
        ...{ listen: 2575, host: '127.0.0.1' },
        tls: { ...files, clientCertificate: 'required', minVersion: 'TLSv1.2' },
      },
      lab: { kind: 'tcp-connect', host: 'lab', port: 1, tls: { caFile: files.caFile, minVersion: 'TLSv1.2' } },
      plain: { kind: 'tcp-connect', host: 'lab', port: 2 },
    },
    uses: [
      { endpoint: 'in', channel: 'one', type: 'mllp' },
      { endpoint: 'lab', channel: 'one', destination: 'lab', type: 'mllp' },
      { endpoint: 'lab', channel: 'two', destination: 'lab', type: 'mllp' },
    ],
    holdKey: [],
  });

  it('are told with what they are for, until when they are good and who uses them', async () => {
    const files = { ...made.issue('server'), caFile: made.caFile };
    const found = await certificateReports(wiring(files), Date.now());
    expect(found).toHaveLength(2);
    expect(found).toContainEqual({
      ...{ file: files.certFile, status: 'expires-soon', subject: 'CN=server', daysLeft: 1 },
      names: ['DNS:localhost', 'IP Address:127.0.0.1'],
      ...{ notBefore: expect.any(Number), notAfter: expect.any(Number) },
      uses: [{ endpoint: 'in', as: 'own', channels: ['one'] }],
    });
    const authority = found.find(({ file }) => file === made.caFile);
    expect(authority).toMatchObject({ subject: 'CN=Test authority', names: [] });
    expect(authority?.uses).toEqual([
      { endpoint: 'in', as: 'authorities', channels: ['one'] },
      { endpoint: 'lab', as: 'authorities', channels: ['one', 'two'] },
    ]);
  });

  it('warn below 30 days, and say when they have ended or have not begun', async () => {
    const files = { ...made.issue('server'), caFile: made.caFile };
    const status = async (afterMs: number) =>
      new Set((await certificateReports(wiring(files), Date.now() + afterMs)).map((each) => each.status));
    expect(await status(-29 * dayMs)).toEqual(new Set(['not-yet-valid']));
    expect(await status(0)).toEqual(new Set(['expires-soon']));
    expect(await status(3 * dayMs)).toEqual(new Set(['expired']));
  });

  it('are found one by one in a bundle, and a file without one is told as such', async () => {
    const files = { ...made.issue('server'), caFile: join(made.caFile, '..', 'bundle.pem') };
    writeFileSync(files.caFile, `# ours\n${readFileSync(made.caFile, 'utf8')}`);
    appendFileSync(files.caFile, readFileSync(made.issue('other').certFile));
    appendFileSync(files.caFile, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    const found = await certificateReports(wiring(files), Date.now());
    const bundle = found.filter(({ file }) => file === files.caFile);
    expect(bundle.map(({ subject, status }) => subject ?? status).sort()).toEqual([
      'CN=Test authority',
      'CN=other',
      'unreadable',
    ]);
    const gone = { certFile: '/no/such/file', keyFile: files.keyFile, caFile: files.keyFile };
    expect((await certificateReports(wiring(gone), Date.now())).map(({ file, error }) => [file, error])).toEqual([
      ['/no/such/file', 'ENOENT'],
      [files.keyFile, 'it holds no certificate'],
    ]);
  });
});
