import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { WriteOutcome } from '../../../core/destination.ts';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers one request; what it does not answer stays unanswered. */
export type Respond = (response: ServerResponse, request: Received) => void;

/** A server under a test's control. */
export interface FarEnd extends AsyncDisposable {
  readonly port: number;
  readonly requests: readonly Received[];
  readonly sockets: ReadonlySet<Socket>;
  /** Connections made so far. */
  readonly connections: number;
  respond: Respond;
}

export const answering =
  (status = 200, body = '', headers: Readonly<Record<string, string>> = {}): Respond =>
  (response) =>
    void response.writeHead(status, headers).end(body);

/** A node:http server on a free port unless one is given; `server` is another one (TLS) in its place. */
export async function farEnd(
  respond: Respond = answering(),
  server: Server = createServer(),
  event = 'connection',
  port = 0,
): Promise<FarEnd> {
  const sockets = new Set<Socket>();
  const requests: Received[] = [];
  let connections = 0;
  server.on(event, (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const received = { method, url, headers, body: Buffer.concat(chunks).toString() };
      requests.push(received);
      far.respond(response, received);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  const far: FarEnd = {
    port: address.port,
    requests,
    sockets,
    get connections() {
      return connections;
    },
    respond,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
  return far;
}

/** The outcomes in short: `sent`, or status, code, kind and scope. */
export function brief(outcomes: readonly WriteOutcome[] | void): readonly string[] {
  return (outcomes ?? []).map((outcome) => {
    if (outcome.status === 'sent' || outcome.status === 'untried') return outcome.status;
    const { code, kind, scope } = outcome.error;
    return `${outcome.status} ${code} ${kind} ${scope}`;
  });
}
