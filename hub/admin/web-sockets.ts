import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Express } from 'express';
import { type WebSocket, WebSocketServer } from 'ws';

/** The one that is chosen where a client offers it; the others that it offers stand for headers. */
const protocolName = 'weir.live.v1';
/** Of clients nothing is read but that they are there. */
const maxMessageBytes = 1024;
const goingAway = 1001;

const asked = new WeakMap<IncomingMessage, () => Promise<WebSocket | undefined>>();

/** `shouldUpgradeCallback` of a server: what else is offered (h2c) is answered as if it were not. */
export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * The WebSocket (RFC 6455) that a request asks for; undefined where nothing came of it, and the connection is at its end. Until then
 * such a request is guarded, routed and refused as any other; from then on nothing of it is answered by HTTP.
 */
export async function webSocketOf(request: IncomingMessage): Promise<WebSocket | undefined> {
  return await asked.get(request)?.();
}

/** Gives requests for a WebSocket to an application; disposing of it ends those that are open. */
export function acceptWebSockets(server: Server, app: Express): Disposable {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(protocolName) ? protocolName : false),
  });
  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    const lost = (): void => void connection.destroy();
    connection.on('error', lost);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    response.once('finish', () => connection.end());
    asked.set(request, async () => {
      response.detachSocket(request.socket);
      const { promise, resolve } = Promise.withResolvers<WebSocket | undefined>();
      connection.once('close', () => resolve(undefined));
      if (connection.destroyed) return undefined;
      sockets.handleUpgrade(request, connection, head, resolve);
      const socket = await promise;
      socket?.on('error', () => socket.terminate());
      return socket;
    });
    if (isFromElsewhere(request)) {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 'origin-refused', message: 'a page of another origin may not look' }));
      return;
    }
    headersFromProtocols(request);
    app(request, response);
  });
  return {
    [Symbol.dispose]: () => {
      for (const socket of sockets.clients) {
        socket.close(goingAway);
        socket.terminate();
      }
    },
  };
}

/** Browsers let every page open a WebSocket to anywhere, and say in Origin which page it is. */
function isFromElsewhere({ headers: { origin, host } }: IncomingMessage): boolean {
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}

/** A page cannot set headers on a WebSocket. What it can name is protocols: `bearer.…`, `actor.…`, `reason.…`, percent-encoded. */
function headersFromProtocols({ headers }: IncomingMessage): void {
  for (const protocol of headers['sec-websocket-protocol']?.split(',') ?? []) {
    const [, name, value = ''] = /^(bearer|actor|reason|ticket)\.(.+)$/.exec(protocol.trim()) ?? [];
    if (name === 'bearer') headers.authorization ??= `Bearer ${decoded(value)}`;
    else if (name !== undefined) headers[`weir-${name}`] ??= value;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
