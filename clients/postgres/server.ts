import type { ConnectionOptions } from 'node:tls';
import type { TlsClient } from '../../core/endpoint.ts';
import { PemFiles } from '../../core/net/pem-files.ts';

/** Where a database is and how to log in: what an endpoint of kind `postgres` says. */
export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string | undefined;
  /** Without it the connection is plain. */
  readonly tls?: TlsClient | undefined;
}

/** What TLS is opened with; certificate files are read each time, so that a renewed one is taken. Rejects where one can't be read. */
export async function tlsOf({ host, tls }: PostgresServer): Promise<ConnectionOptions | undefined> {
  if (!tls) return undefined;
  const pems = await new PemFiles({ ca: tls.caFile, cert: tls.certFile, key: tls.keyFile }).changed();
  return { ...pems, minVersion: tls.minVersion, servername: tls.serverName ?? host, rejectUnauthorized: true };
}
