import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Wiring } from '../wiring.ts';

/** A certificate in a file that endpoints name; of a file that cannot be read, one without a subject. */
export interface CertificateReport {
  readonly file: string;
  readonly status: 'valid' | 'expires-soon' | 'expired' | 'not-yet-valid' | 'unreadable';
  /** Why it is unreadable. */
  readonly error?: string;
  readonly subject?: string;
  /** Subject alternative names: `DNS:lab.example`. */
  readonly names?: readonly string[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** Whole days until notAfter, negative after it. */
  readonly daysLeft?: number;
  readonly uses: readonly CertificateUse[];
}

export interface CertificateUse {
  readonly endpoint: string;
  /** `own` is what the endpoint shows the far end, `authorities` what it checks the far end against. */
  readonly as: 'own' | 'authorities';
  readonly channels: readonly string[];
}

export const soonDays = 30;
const dayMs = 86_400_000;
const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Every certificate of the files that endpoints of the environment name, those that end first before the others. */
export async function certificateReports(wiring: Wiring, now: number): Promise<readonly CertificateReport[]> {
  const files = [...filesOf(wiring)].map(([file, uses]) => reportsOf(file, uses, now));
  const end = ({ status, notAfter = 0 }: CertificateReport) => (status === 'unreadable' ? 0 : notAfter);
  return (await Promise.all(files)).flat().sort((a, b) => end(a) - end(b));
}

function filesOf({ endpoints, uses }: Wiring): ReadonlyMap<string, CertificateUse[]> {
  const files = new Map<string, CertificateUse[]>();
  for (const [endpoint, config] of Object.entries(endpoints)) {
    if (!('tls' in config) || !config.tls) continue;
    const channels = [...new Set(uses.filter((use) => use.endpoint === endpoint).map(({ channel }) => channel))];
    const named = [
      ['own', config.tls.certFile],
      ['authorities', config.tls.caFile],
    ] as const;
    for (const [as, file] of named)
      if (file !== undefined) files.set(file, [...(files.get(file) ?? []), { endpoint, as, channels }]);
  }
  return files;
}

async function reportsOf(
  file: string,
  uses: readonly CertificateUse[],
  now: number,
): Promise<readonly CertificateReport[]> {
  let text: string;
  try {
    text = await readFile(file, 'latin1');
  } catch (thrown) {
    const error = (thrown as NodeJS.ErrnoException).code ?? 'it cannot be read';
    return [{ file, status: 'unreadable', error, uses }];
  }
  const found = text.match(pem) ?? [];
  if (found.length === 0) return [{ file, status: 'unreadable', error: 'it holds no certificate', uses }];
  return found.map((each) => reportOf(file, each, uses, now));
}

function reportOf(file: string, text: string, uses: readonly CertificateUse[], now: number): CertificateReport {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(text);
  } catch {
    return { file, status: 'unreadable', error: 'a certificate in it is damaged', uses };
  }
  const notBefore = certificate.validFromDate.getTime();
  const notAfter = certificate.validToDate.getTime();
  const daysLeft = Math.floor((notAfter - now) / dayMs);
  return {
    file,
    status: statusOf(notBefore, notAfter, daysLeft, now),
    subject: certificate.subject.replaceAll('\n', ', '),
    names: certificate.subjectAltName?.split(', ') ?? [],
    ...{ notBefore, notAfter, daysLeft, uses },
  };
}

function statusOf(notBefore: number, notAfter: number, daysLeft: number, now: number): CertificateReport['status'] {
  if (now > notAfter) return 'expired';
  if (now < notBefore) return 'not-yet-valid';
  return daysLeft < soonDays ? 'expires-soon' : 'valid';
}
