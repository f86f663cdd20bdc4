import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Client, SFTPWrapper } from 'ssh2';
import type { Clock } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { dial } from '../../core/net/dial.ts';

export interface SessionOptions {
  /** Milliseconds for the TCP connection, and again for what follows until files can be asked for. */
  readonly connectTimeoutMs: number;
  /** Milliseconds for each answer of the server; after it the connection is given up. */
  readonly replyTimeoutMs: number;
  /** Milliseconds between questions whether the server is still there; 0 asks never. */
  readonly keepAliveMs: number;
}

const destination = { scope: 'destination' } as const;
const unansweredKeepAlives = 3;

/**
 * One SSH connection with its SFTP channel (draft-ietf-secsh-filexfer-02). Every call is answered, refused with a status, or
 * rejects because the connection is gone: then all do, and the session is of no use any more.
 */
export class SftpSession {
  readonly #client: Client;
  readonly #sftp: SFTPWrapper;
  readonly #clock: Clock;
  readonly #replyTimeoutMs: number;
  readonly #waiting = new Set<(why: string, code: 'connection-lost' | 'reply-timeout') => void>();
  #usable = true;

  private constructor(client: Client, sftp: SFTPWrapper, clock: Clock, replyTimeoutMs: number) {
    this.#client = client;
    this.#sftp = sftp;
    this.#clock = clock;
    this.#replyTimeoutMs = replyTimeoutMs;
    // What broke is told by 'error', that it broke by 'close'; a channel may end before its connection does.
    sftp.on('error', () => this.destroy());
    sftp.on('close', () => this.destroy());
    client.on('error', () => this.destroy());
    client.on('close', () => this.destroy());
  }

  /**
   * Connects, checks the host key before anything secret is sent, and logs in. Throws HubError `refused`, transient, scope
   * destination, whatever goes wrong.
   */
  static async open(
    endpoint: EndpointOf<'sftp'>,
    options: SessionOptions,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<SftpSession> {
    // 40 ms that a hub without SFTP does not spend at its start.
    const { default: ssh2 } = await import('ssh2');
    const { host, port } = endpoint;
    const socket = await dial({ host, port }, { clock, timeoutMs: options.connectTimeoutMs, signal });
    // Questions are smaller than a packet: with Nagle's algorithm each would wait 40 ms for the server's delayed acknowledgement.
    socket.setNoDelay(true);
    const client = new ssh2.Client();
    try {
      const sftp = await loggedIn(client, socket, endpoint, options, clock, signal);
      return new SftpSession(client, sftp, clock, options.replyTimeoutMs);
    } catch (thrown) {
      client.on('error', () => undefined);
      client.destroy();
      socket.destroy();
      throw thrown;
    }
  }

  /** False once it can carry nothing any more. */
  get usable(): boolean {
    return this.#usable;
  }

  /**
   * One question to the server. Rejects with the status that it answered (see `statusOf`), or with HubError `reply-timeout` or
   * `connection-lost`, transient, scope destination.
   */
  call<T>(
    doing: string,
    ask: (sftp: SFTPWrapper, answered: (error: Error | null | undefined, value: T) => void) => void,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (why: string, code: 'connection-lost' | 'reply-timeout'): void =>
      reject(new HubError(code, 'transient', `${doing}: ${why}`, destination));
    if (!this.#usable) {
      fail('the connection is gone', 'connection-lost');
      return promise;
    }
    this.#waiting.add(fail);
    const cancel = this.#clock.timer(this.#replyTimeoutMs, () => {
      fail(`no answer within ${this.#replyTimeoutMs} ms`, 'reply-timeout');
      this.destroy();
    });
    try {
      ask(this.#sftp, (error, value) => {
        if (!error) resolve(value);
        else if (statusOf(error) !== undefined) reject(error);
        else this.destroy();
      });
    } catch (thrown) {
      // What it throws at once was not sent: an extension that the server has not announced.
      reject(Object.assign(new Error(`${doing}: not supported`, { cause: thrown }), { code: notSupported }));
    }
    return promise.finally(() => {
      cancel();
      this.#waiting.delete(fail);
    });
  }

  /** Every call under way rejects. May be called more than once. */
  destroy(): void {
    if (!this.#usable) return;
    this.#usable = false;
    for (const fail of this.#waiting) fail('the connection broke', 'connection-lost');
    this.#client.destroy();
  }
}

const notSupported = 8;
const statusNames: Readonly<Record<number, string>> = {
  2: 'no such file',
  3: 'permission denied',
  4: 'failure',
  5: 'bad message',
  [notSupported]: 'not supported',
};

/** The status that a server refused a call with: 2 no such file, 3 permission denied, 4 failure …; undefined for all else. */
export function statusOf(thrown: unknown): number | undefined {
  const code =
    thrown instanceof Error && !(thrown instanceof HubError) ? (thrown as { code?: unknown }).code : undefined;
  return typeof code === 'number' ? code : undefined;
}

/** A status in words of our own: those of the server may hold the name of a file, and that a patient's. */
export function statusText(status: number): string {
  return statusNames[status] ?? `status ${status}`;
}

function loggedIn(
  client: Client,
  socket: Socket,
  endpoint: EndpointOf<'sftp'>,
  options: SessionOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<SFTPWrapper> {
  const { host, port, user, password, privateKey, passphrase, hostKeys } = endpoint;
  const { promise, resolve, reject } = Promise.withResolvers<SFTPWrapper>();
  const refuse = (what: string, cause?: unknown): void =>
    reject(
      new HubError('refused', 'transient', `logging in to ${host}:${port}: ${what}`, {
        ...destination,
        ...(cause !== undefined && { cause }),
      }),
    );
  const aborted = (): void => refuse('given up');
  const cancel = clock.timer(options.connectTimeoutMs, () => refuse(`not done within ${options.connectTimeoutMs} ms`));
  signal.addEventListener('abort', aborted, { once: true });
  client.on('error', (error) => {
    const level = 'level' in error ? error.level : undefined;
    refuse(
      level === 'client-authentication'
        ? 'the server does not accept the user, or its password or key'
        : 'the handshake failed',
      error,
    );
  });
  client.on('close', () => refuse('the connection was closed'));
  client.on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) =>
    answer(prompts.map((prompt) => (prompt.echo ? '' : (password ?? '')))),
  );
  client.on('ready', () =>
    client.sftp((error, sftp) => (error ? refuse('the server offers no SFTP', error) : resolve(sftp))),
  );
  try {
    client.connect({
      sock: socket,
      username: user,
      readyTimeout: 0,
      keepaliveInterval: options.keepAliveMs,
      keepaliveCountMax: unansweredKeepAlives,
      hostVerifier: (key: Buffer) => {
        const shown = fingerprint(key);
        if (hostKeys.includes(shown)) return true;
        refuse(`its host key is ${shown}, which is none of the endpoint’s hostKeys`);
        return false;
      },
      ...(password !== undefined && { password, tryKeyboard: true }),
      ...(privateKey !== undefined && { privateKey: `${privateKey}\n` }),
      ...(passphrase !== undefined && { passphrase }),
    });
  } catch (thrown) {
    refuse('privateKey cannot be read: it is no private key, or passphrase does not open it', thrown);
  }
  return promise.finally(() => {
    cancel();
    signal.removeEventListener('abort', aborted);
    for (const event of ['error', 'close', 'keyboard-interactive', 'ready']) client.removeAllListeners(event);
  });
}

/** As `ssh-keygen -l` shows it. */
function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
