import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { missingSshd, sshd } from '../../../adapters/sftp/testing/sshd.ts';
import { mailServer } from '../../../connectors/email/testing/mail-server.ts';
import { endpointKinds } from '../../../core/endpoint.ts';
import { certificates, missingOpenssl } from '../../../core/net/testing/certificates.ts';
import { openEndpoints } from './connect.ts';

const noSshd = missingSshd();
const noOpenssl = missingOpenssl();
for (const missing of [noSshd, noOpenssl]) if (missing) console.warn(missing);

type Kind = 'sftp' | 'smtp';

async function opened(kind: Kind, endpoint: object) {
  const [found] = await openEndpoints({ far: { kind, ...endpointKinds[kind].parse(endpoint) } as never }, '/', 5_000);
  return found!;
}

describe.skipIf(noSshd)('weir check --connect with an SFTP server', () => {
  it('logs in, and says which of user and host key is wrong', async () => {
    await using server = await sshd();
    const { kind: _, ...right } = server.endpoint() as { readonly kind: 'sftp' };
    expect(await opened('sftp', right)).toMatchObject({
      result: 'ok',
      detail: expect.stringMatching(/^logged in to 127\.0\.0\.1:\d+ as \S+, \d+ ms$/),
    });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const stranger = { ...right, privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }) };
    expect(await opened('sftp', stranger)).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining('does not accept the user, or its password or key'),
    });
    const unknown = { ...right, hostKeys: [`SHA256:${'A'.repeat(43)}`] };
    expect(await opened('sftp', unknown)).toMatchObject({
      result: 'failed',
      detail: expect.stringMatching(/its host key is SHA256:\S{43}, which is none of the endpoint’s hostKeys/),
    });
  });
});

describe.skipIf(noOpenssl)('weir check --connect with a mail server', () => {
  it('logs in, and says that the password is wrong', async () => {
    using made = certificates();
    await using server = await mailServer(made.issue('mail'));
    const endpoint = { host: '127.0.0.1', port: server.port, tls: { caFile: made.caFile }, user: 'weir' };
    expect(await opened('smtp', { ...endpoint, password: server.password })).toMatchObject({
      result: 'ok',
      detail: expect.stringMatching(/takes mail with TLS, logged in as weir, \d+ ms$/),
    });
    const wrong = await opened('smtp', { ...endpoint, password: 'wrong' });
    expect(wrong).toMatchObject({ result: 'failed', detail: expect.stringMatching(/user|password/) });
    expect(wrong.detail).not.toContain('wrong');
    expect(server.mails).toEqual([]);
  });
});
