import { spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { brief } from '../../clients/http-client/testing/far-end.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { mavenJars } from '../../deploy/services/maven.ts';
import { destinationTo, message } from './testing/destination.ts';

const root = join(import.meta.dirname, '../..');
const interop = join(root, 'test-fixtures/interop-oauth');
const cache = join(root, 'node_modules/.cache/oauth-peer');

const missing = await mavenJars(join(interop, 'pom.xml'), cache).then(
  () => undefined,
  (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))),
);
if (missing && process.env.CI === 'true') throw missing;
if (missing) console.warn(`NOT TESTED AGAINST NIMBUS: ${missing.message.split('\n')[0]}`);

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const keys = {
  RS384: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
};
const algorithms = ['RS384', 'ES384'] as const;

/** Starts it with the public keys that it knows; answers its port and what it says. */
async function authorizationServer() {
  const jars = readdirSync(cache).filter((name) => name.endsWith('.jar'));
  const path = jars.map((name) => join(cache, name)).join(delimiter);
  const known = algorithms.map((kid) =>
    JSON.stringify({ ...keys[kid].publicKey.export({ format: 'jwk' }), kid, use: 'sig' }),
  );
  const child = spawn('java', ['-cp', path, join(interop, 'TokenPeer.java'), ...known], {
    cwd: tmpdir(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  open.defer(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said = async () => (await lines.next()).value as string | undefined;
  return { port: Number(await said()), said };
}

function destination(port: number, privateKey: KeyObject, keyId: string) {
  const login = {
    kind: 'oauth2-client',
    url: `http://127.0.0.1:${port}/token`,
    clientId: 'weir',
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    keyId,
    scope: 'system/*.write',
  } as const;
  const made = destinationTo(`http://127.0.0.1:${port}/fhir`, { auth: { oauth2: 'login' } }, { login });
  open.use(made.destination);
  return () => made.destination.write([message({ resourceType: 'Basic' })], patient);
}

describe.skipIf(missing)(
  'an authorization server of Nimbus, an independent implementation',
  { timeout: 60_000 },
  () => {
    it('knows us by our key, signed as RS384 or ES384, and nobody by another one', async () => {
      const { port, said } = await authorizationServer();
      for (const alg of algorithms) {
        // Each login has an assertion of its own: it refuses one that it has seen.
        for (const _ of [1, 2]) {
          expect(brief(await destination(port, keys[alg].privateKey, alg)())).toEqual(['sent']);
          expect([await said(), await said()]).toEqual([`token ${alg} system/*.write`, 'POST /fhir/Basic 201']);
        }
      }
      const stranger = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
      expect(brief(await destination(port, stranger, 'ES384')())?.[0]).toMatch(/^error /);
      expect(await said()).toBe('refused invalid_client');
    });
  },
);
