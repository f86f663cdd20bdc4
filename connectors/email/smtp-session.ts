import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Clock } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { describeThrown, HubError } from '../../core/errors.ts';
import { dial } from '../../core/net/dial.ts';
import type { Mail } from './mail.ts';

type SmtpEndpoint = EndpointOf<'smtp'>;

/** How the server took one mail. `begun`: the mail itself was on its way, so that without an answer nobody knows. */
export type Sending =
  | { readonly answer: 'taken'; readonly refused: readonly unknown[]; readonly accepted: number }
  | { readonly answer: 'refused'; readonly error: unknown; readonly begun: boolean };

const destination = { scope: 'destination' } as const;
/** What is closed early says nothing that anybody waits for. */
const ignored = (): void => undefined;

/** One connection to a mail server (RFC 5321), with TLS and logged in as the endpoint says. */
export class SmtpSession {
  readonly #connection: SMTPConnection;

  private constructor(connection: SMTPConnection) {
    this.#connection = connection;
  }

  /** Throws HubError `refused`, transient, scope destination, whatever goes wrong. */
  static async open(
    endpoint: SmtpEndpoint,
    timeoutMs: number,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<SmtpSession> {
    const { host, port } = endpoint;
    const tls = await tlsOptions(endpoint);
    const socket = await dial({ host, port }, { clock, timeoutMs, signal });
    const connection = new SMTPConnection({
      connection: socket,
      host,
      port,
      secure: endpoint.security === 'tls',
      requireTLS: endpoint.security === 'starttls',
      ignoreTLS: endpoint.security === 'none',
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      maxResponseSize: 64 * 1024,
      tls,
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const refuse = (what: string, cause?: unknown): void =>
      reject(
        new HubError('refused', 'transient', `connecting to ${host}:${port}: ${what}`, {
          ...destination,
          ...(cause !== undefined && { cause }),
        }),
      );
    const cancel = clock.timer(timeoutMs, () => refuse(`no session within ${timeoutMs} ms`));
    const given = (): void => refuse('given up');
    signal.addEventListener('abort', given, { once: true });
    connection.on('error', (error) => refuse(reasonOf(error), error));
    connection.on('end', () => refuse('the server closed the connection'));
    connection.connect((error) => {
      if (error) return refuse(reasonOf(error), error);
      const { user, password } = endpoint;
      if (user === undefined) return resolve();
      connection.login({ user, pass: password ?? '' }, (failed) =>
        failed ? refuse(`logging in with user and password, ${reasonOf(failed)}`, failed) : resolve(),
      );
    });
    try {
      await promise;
    } catch (thrown) {
      connection.removeAllListeners('error');
      connection.on('error', ignored);
      connection.close();
      socket.destroy();
      throw thrown;
    } finally {
      cancel();
      signal.removeEventListener('abort', given);
    }
    return new SmtpSession(connection);
  }

  /** Resolves with what the server says; the time and the signal end it as if the connection had broken. */
  send(mail: Mail, timeoutMs: number, clock: Clock, signal: AbortSignal): Promise<Sending> {
    const { promise, resolve } = Promise.withResolvers<Sending>();
    const { bytes } = mail;
    let begun = false;
    // Read only once the server has said 354: before that it cannot have taken the mail.
    const content = new Readable({
      read() {
        begun = true;
        this.push(bytes);
        this.push(null);
      },
    });
    const broken = (code: 'connection-lost' | 'reply-timeout', what: string): void => {
      resolve({
        answer: 'refused',
        begun,
        error: new HubError(code, 'transient', `sending a mail: ${what}`, destination),
      });
      this.close();
    };
    const cancel = clock.timer(timeoutMs, () => broken('reply-timeout', `not done within ${timeoutMs} ms`));
    const abort = (): void => broken('connection-lost', 'given up');
    signal.addEventListener('abort', abort, { once: true });
    const envelope = { from: mail.from, to: [...mail.recipients], size: bytes.length };
    this.#connection.send(envelope, content, (error, info) =>
      resolve(
        error || !info
          ? { answer: 'refused', error, begun }
          : { answer: 'taken', refused: info.rejectedErrors ?? info.rejected, accepted: info.accepted.length },
      ),
    );
    return promise.finally(() => {
      cancel();
      signal.removeEventListener('abort', abort);
    });
  }

  /** Says goodbye; what is under way ends. */
  quit(): void {
    this.#connection.removeAllListeners('end');
    this.#connection.quit();
  }

  close(): void {
    this.#connection.close();
  }
}

async function tlsOptions({ tls, host }: SmtpEndpoint) {
  const read = async (path: string | undefined): Promise<Buffer | undefined> => {
    try {
      return path === undefined ? undefined : await readFile(path);
    } catch (thrown) {
      throw new HubError('refused', 'transient', `reading a certificate file: ${describeThrown(thrown)}`, {
        ...destination,
        cause: thrown,
      });
    }
  };
  const [ca, cert, key] = await Promise.all([read(tls.caFile), read(tls.certFile), read(tls.keyFile)]);
  // RFC 6066 §3: an address is no server name; the certificate is checked against it all the same.
  const servername = tls.serverName ?? (isIP(host) === 0 ? host : undefined);
  return {
    host,
    minVersion: tls.minVersion,
    ...(servername && { servername }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  };
}

/** The server's code, or the library's: its text stays out, servers repeat in it what they were told. */
function reasonOf(error: unknown): string {
  const { responseCode, code } = error as { responseCode?: unknown; code?: unknown };
  return typeof responseCode === 'number'
    ? `the server says ${responseCode}`
    : typeof code === 'string'
      ? code
      : describeThrown(error);
}
