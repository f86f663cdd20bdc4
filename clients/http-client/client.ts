import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { dial } from '../../core/net/dial.ts';

export interface ClientOptions {
  readonly clock: Clock;
  readonly connections: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Told of every connection that opens or closes. */
  readonly changed?: (open: number) => void;
}

export interface Request {
  readonly method: string;
  /** Path and query, behind the path of the endpoint. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Limits {
  readonly timeoutMs: number;
  readonly maxReplyBytes: number;
  readonly signal: AbortSignal;
  /** Asked when the connection is there and nothing is written yet. */
  readonly mayBegin: () => boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As much of it as `maxReplyBytes` allows. */
  readonly body: Buffer;
}

/** `unwritten`: not a byte of the request has left. `lost`: it may have had its effect. */
export type Exchanged =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'unwritten'; readonly error?: HubError }
  | { readonly kind: 'lost' | 'silent'; readonly error: HubError };

const UNTRIED: Exchanged = { kind: 'unwritten' };

/** The requests to one server, on connections that are kept. Certificate files are read for each connection anew. */
export class Client implements Disposable {
  readonly #options: ClientOptions;
  readonly #agent: Agent;
  readonly #host: string;
  readonly #prefix: string;
  readonly #closing = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #open = 0;

  constructor(endpoint: Pick<EndpointOf<'http'>, 'url' | 'tls'>, options: ClientOptions) {
    const url = new URL(endpoint.url);
    const secure = url.protocol === 'https:';
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
    const tls = secure ? { tls: endpoint.tls ?? { minVersion: 'TLSv1.2' as const } } : {};
    this.#options = options;
    this.#free = options.connections;
    this.#host = url.host;
    this.#prefix = url.pathname;
    const { clock, connectTimeoutMs: timeoutMs, idleTimeoutMs: timeout } = options;
    this.#agent = new Agent({ keepAlive: true, timeout });
    this.#agent.createConnection = (_, connected) => {
      dial({ host, port, ...tls }, { clock, timeoutMs, signal: this.#closing.signal }).then(
        (socket) => connected?.(null, this.#counted(socket)),
        (thrown: Error) => connected?.(thrown, undefined as never),
      );
      return undefined;
    };
  }

  /** Connections that are open. */
  get open(): number {
    return this.#open;
  }

  /** Makes one request, when a connection is free for it. Never throws; resolves soon after an abort. */
  async send(request: Request, limits: Limits): Promise<Exchanged> {
    // The agent's own bound does not count connections that are still being made.
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return limits.mayBegin()
        ? await exchanged(this.#begun(request), request.body, limits, this.#options.clock)
        : UNTRIED;
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#agent.destroy();
  }

  #begun({ method, path, headers, body }: Request): ClientRequest {
    return httpRequest({
      agent: this.#agent,
      method,
      path: path.startsWith('/') ? this.#prefix.replace(/\/$/, '') + path : this.#prefix + path,
      headers: { host: this.#host, 'content-length': body.length, ...headers },
    });
  }

  #counted(socket: Socket): Socket {
    socket.setNoDelay(true);
    this.#changed(1);
    socket.once('close', () => this.#changed(-1));
    return socket;
  }

  #changed(by: number): void {
    this.#open += by;
    if (!this.#closing.signal.aborted) this.#options.changed?.(this.#open);
  }
}

function exchanged(
  request: ClientRequest,
  body: Uint8Array,
  { timeoutMs, maxReplyBytes, signal, mayBegin }: Limits,
  clock: Clock,
): Promise<Exchanged> {
  const { promise, resolve } = Promise.withResolvers<Exchanged>();
  let cancel = () => {};
  let written = () => false;
  let done = false;
  const finish = (result: Exchanged, reusable = false) => {
    if (done) return;
    done = true;
    cancel();
    signal.removeEventListener('abort', abort);
    if (!reusable) request.destroy();
    resolve(result);
  };
  const fail = (error: HubError) => finish(written() ? { kind: 'lost', error } : { kind: 'unwritten', error });
  const abort = () => finish(written() ? { kind: 'lost', error: lost('given up') } : UNTRIED);
  signal.addEventListener('abort', abort, { once: true });
  request.on('socket', (socket: Socket) => {
    if (signal.aborted || !mayBegin()) return finish(UNTRIED);
    const before = socket.bytesWritten;
    written = () => socket.bytesWritten > before;
    cancel = clock.timer(timeoutMs, () => {
      const error = new HubError('reply-timeout', 'transient', `awaiting the answer: none within ${timeoutMs} ms`);
      finish({ kind: 'silent', error });
    });
    request.end(body);
  });
  request.on('response', (response) => {
    collect(response, maxReplyBytes, (answer, whole) => {
      if (answer) finish({ kind: 'answer', answer }, whole && request.writableFinished);
      else fail(lost('the connection was closed within it'));
    });
  });
  request.on('error', (error: NodeJS.ErrnoException) => fail(errorOf(error)));
  request.on('close', () => fail(lost('the connection was closed')));
  return promise;
}

function collect(
  response: IncomingMessage,
  maxBytes: number,
  done: (answer: Answer | undefined, whole: boolean) => void,
): void {
  const { statusCode: status = 0, headers } = response;
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length <= maxBytes) return;
    response.removeAllListeners('data').pause();
    done({ status, headers, body: Buffer.concat(chunks).subarray(0, maxBytes) }, false);
  });
  response.on('end', () => done({ status, headers, body: Buffer.concat(chunks, length) }, true));
  response.on('error', () => done(undefined, false));
  response.on('close', () => done(undefined, false));
}

function errorOf(error: NodeJS.ErrnoException): HubError {
  if (error instanceof HubError) return error;
  const code = error.code ?? error.name;
  if (!code.startsWith('HPE_')) return lost(code);
  return new HubError('reply-invalid', 'transient', `reading the answer: it is not HTTP (${code})`);
}

function lost(what: string): HubError {
  return new HubError('connection-lost', 'transient', `awaiting the answer: ${what}`, { scope: 'destination' });
}
