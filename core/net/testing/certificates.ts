import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM files made for one test run: nothing of them is worth keeping, or stealing. */
export interface Certificates extends Disposable {
  readonly caFile: string;
  /** Signed by the authority of `caFile` for the name; writes over an earlier one of that name. */
  issue(name: string): { readonly certFile: string; readonly keyFile: string };
}

/** Why the tests with TLS are skipped, where there is no openssl on the path; with CI=true that is an error. */
export function missingOpenssl(): string | undefined {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return undefined;
  } catch (thrown) {
    if (process.env.CI === 'true') throw thrown;
    return 'NOT TESTED: TLS, there is no openssl on the path';
  }
}

/** Throws where openssl fails. */
export function certificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'weir-tls-'));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: readonly string[]) => void execFileSync('openssl', args, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-subj', '/CN=Test authority', '-keyout', file('ca.key'), '-out', file('ca.pem'));
  writeFileSync(file('names.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  return {
    caFile: file('ca.pem'),
    issue: (name) => {
      const [certFile, keyFile, request] = [file(`${name}.pem`), file(`${name}.key`), file(`${name}.csr`)];
      openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', request);
      const authority = [
        '-CA',
        file('ca.pem'),
        '-CAkey',
        file('ca.key'),
        '-CAcreateserial',
        '-extfile',
        file('names.ext'),
      ];
      openssl('x509', '-req', '-in', request, ...authority, '-days', '2', '-out', certFile);
      return { certFile, keyFile };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
