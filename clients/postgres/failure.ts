import { describeThrown } from '../../core/errors.ts';

/** What went wrong at the server or on the way to it, without any value: which setting it is about, and whether waiting helps. */
export interface PostgresFailure {
  /** The connection is gone, or never was; the database may be back in a moment. */
  readonly connection: boolean;
  readonly kind: 'transient' | 'permanent';
  /** SQLSTATE, or the code of the system's error. */
  readonly code: string | undefined;
  /** For a HubError's message. Names settings, tables and columns, never a value, a password or a payload. */
  readonly what: string;
}

/** SQLSTATEs (PostgreSQL, appendix A) and system errors that a setting is the reason of. */
const settings: Readonly<Record<string, string>> = {
  '28P01': 'the server does not accept `user` and `password`',
  '28000': 'the server does not let `user` in from here; it may ask for `tls`, or refuse it (pg_hba.conf)',
  '3D000': 'the server has no such `database`',
  '42501': '`user` lacks a right that is needed',
  '3F000': 'the database has no such `schema`',
  '0LP01': '`user` lacks a right that is needed',
  ENOTFOUND: '`host` has no address',
  EAI_AGAIN: '`host` cannot be looked up at the moment',
  ECONNREFUSED: 'nothing listens at `host` and `port`',
  EHOSTUNREACH: '`host` cannot be reached',
  ENETUNREACH: '`host` cannot be reached',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the server’s certificate is for another name (`tls.serverName`)',
  SELF_SIGNED_CERT_IN_CHAIN: 'the server’s certificate is from an unknown authority (`tls.caFile`)',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the server’s certificate is from an unknown authority (`tls.caFile`)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the server’s certificate is from an unknown authority (`tls.caFile`)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the server’s certificate is from an unknown authority (`tls.caFile`)',
  CERT_HAS_EXPIRED: 'the server’s certificate has expired',
  ENOENT: 'a certificate file of `tls` is not there',
  EACCES: 'a certificate file of `tls` cannot be read',
};

const meanings: Readonly<Record<string, string>> = {
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ETIMEDOUT: '`host` does not answer',
  '53100': 'the disk of the database is full',
  '53200': 'the database has no memory left',
  '53300': 'the database has no connection left',
  '57014': 'the database gave the statement up',
  '57P01': 'the database is stopping',
  '57P02': 'the database has crashed',
  '57P03': 'the database is starting or stopping',
  '57P05': 'the database has ended the idle connection',
  '25006': 'the database is read-only; a standby, maybe',
  '40001': 'the database could not put the transaction in order',
  '40P01': 'the database ended a deadlock',
  '55P03': 'a lock was not to be had in time',
  '25P03': 'the database has ended the idle transaction',
};

/** PgBouncer answers a login with one code (08P01) for everything, and says in words what PostgreSQL has a code for. */
const pooled: readonly (readonly [RegExp, string])[] = [
  [/authentication failed/, '28P01'],
  [/^no such user/, '28P01'],
  [/^no such database|^database ".*" does not exist/, '3D000'],
];

const permanent = new Set(['28P01', '28000', '3D000', '42501', '3F000', '0LP01', 'ENOENT', 'EACCES']);

/** Reads what `pg`, the socket or the server threw. */
export function failureOf(thrown: unknown): PostgresFailure {
  const { code, message = '', severity } = (thrown ?? {}) as { code?: unknown; message?: string; severity?: string };
  const known = typeof code === 'string' ? stateOf(code, message) : undefined;
  if (known === undefined) return { ...withoutCode(message, thrown), code: known };
  const setting = settings[known];
  const meaning = setting ?? meanings[known];
  // Five letters are an error of the system: EPIPE.
  const isState = /^(?=.*\d)[0-9A-Z]{5}$/.test(known);
  const connection = !isState || severity === 'FATAL' || /^(08|57P)/.test(known);
  const tls = !isState && setting?.includes('certificate') === true;
  const kind = permanent.has(known) || tls || (isState && /^(42|22|23)/.test(known)) ? 'permanent' : 'transient';
  return { connection, kind, code: known, what: `${meaning ?? 'unexpected failure'} (${known})` };
}

function stateOf(code: string, message: string): string {
  return (code === '08P01' && pooled.find(([pattern]) => pattern.test(message))?.[1]) || code;
}

/** Errors that `pg` makes itself have a text and no code. */
function withoutCode(message: string, thrown: unknown): Omit<PostgresFailure, 'code'> {
  if (message.includes('does not support SSL')) {
    return { connection: true, kind: 'permanent', what: 'the server does not speak TLS, and `tls` asks for it' };
  }
  if (/password must be a (non-empty )?string/.test(message)) {
    return { connection: true, kind: 'permanent', what: 'the server asks for a `password`' };
  }
  if (/[Cc]onnection terminated|not queryable|Client was closed|timeout/.test(message)) {
    const what = message.includes('timeout') ? 'no connection in time' : 'the connection broke';
    return { connection: true, kind: 'transient', what };
  }
  return { connection: false, kind: 'permanent', what: describeThrown(thrown) };
}
