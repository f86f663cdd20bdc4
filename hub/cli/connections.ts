import type { CertificateList, ConnectionList } from '../admin/analyst-routes.ts';
import type { CertificateReport } from '../admin/certificates.ts';
import type { ConnectionReport } from '../admin/connections.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { type ExitCode, exit } from './exit.ts';
import { age, print, printJson, table, when } from './output.ts';

const connectionColumns = [
  { title: 'Channel' },
  { title: 'Destination' },
  { title: 'Type' },
  { title: 'Endpoint' },
  { title: 'Address' },
  { title: 'State' },
  { title: 'Open', align: 'right' },
  { title: 'Last message' },
  { title: 'Error' },
] as const;

/** `weir conns`: every endpoint in use, and how the connection there stands. */
export async function connections(options: ClientOptions): Promise<ExitCode> {
  const told = await call<ConnectionList>(options, '/api/connections');
  if (options.json) printJson(told);
  else
    print(
      told.connections.length === 0
        ? 'no endpoint is in use'
        : table(connectionColumns, told.connections.map(connectionRow)),
    );
  return exit.done;
}

function connectionRow(each: ConnectionReport): readonly string[] {
  const {
    channel,
    destination = '(source)',
    type,
    endpoint,
    address,
    state,
    connections: count,
    lastMessageAt,
    error,
  } = each;
  const reason = error ? `${error.code}: ${error.message}` : '';
  return [
    channel,
    destination,
    type,
    endpoint,
    address,
    state,
    count === undefined ? '' : String(count),
    lastMessageAt === undefined ? '-' : age(Math.max(0, Date.now() - lastMessageAt)),
    reason,
  ];
}

const certificateColumns = [
  { title: 'Warning' },
  { title: 'Days left', align: 'right' },
  { title: 'Until' },
  { title: 'From' },
  { title: 'Subject' },
  { title: 'Names' },
  { title: 'Endpoints' },
  { title: 'File' },
] as const;

const warnings: Record<CertificateReport['status'], string> = {
  valid: '',
  'expires-soon': 'soon',
  expired: 'EXPIRED',
  'not-yet-valid': 'NOT YET VALID',
  unreadable: 'UNREADABLE',
};

/** `weir certs`: 1 when a certificate has expired, is not valid yet or cannot be read, else 0. */
export async function certificates(options: ClientOptions): Promise<ExitCode> {
  const told = await call<CertificateList>(options, '/api/certificates');
  if (options.json) printJson(told);
  else
    print(
      told.certificates.length === 0
        ? 'no endpoint names a certificate'
        : table(certificateColumns, told.certificates.map(certificateRow)),
    );
  const bad = told.certificates.some(({ status }) => status !== 'valid' && status !== 'expires-soon');
  return bad ? exit.failed : exit.done;
}

function certificateRow(each: CertificateReport): readonly string[] {
  const { file, status, error, subject = '', names = [], notBefore, notAfter, daysLeft, uses } = each;
  const endpoints = uses.map(({ endpoint, as }) => (as === 'own' ? endpoint : `${endpoint} (CA)`));
  const days = daysLeft === undefined ? '' : String(daysLeft);
  const warning = error ? `${warnings[status]}: ${error}` : warnings[status];
  return [
    warning,
    days,
    when(notAfter),
    when(notBefore),
    subject,
    names.join(' '),
    [...new Set(endpoints)].join(' '),
    file,
  ];
}
