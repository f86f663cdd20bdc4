import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { allowList } from '../../core/net/allow-list.ts';
import { TlsGate } from '../../core/net/tls-gate.ts';
import type { Source, SourceContext } from '../../core/source.ts';
import { BufferBudget } from './buffered.ts';
import type { ListeningConfig } from './config.ts';
import { Connection } from './connection.ts';
import type { Shared } from './exchange.ts';
import { Room } from './room.ts';
import type { HttpService } from './service.ts';

/** How often the connections are looked at. */
const LOOK_MS = 1_000;

export interface HttpServer {
  /** What the names of its counters begin with. */
  readonly counters: string;
  readonly config: ListeningConfig;
  readonly context: SourceContext;
  readonly service: HttpService;
}

/** A source that is an HTTP server. The listening socket belongs to the runtime; the connections live as long as the source. */
export function httpServerSource({ counters, config, context, service }: HttpServer): Source {
  const endpoint = context.endpoint('tcp-listen', config.endpoint);
  const allowed = allowList(endpoint.allow);
  return {
    run: async (intake, life) => {
      const shared: Shared = {
        ...{ service, config, counters, context, intake, life },
        room: new Room(),
        budget: new BufferBudget(config.maxBufferedBytes),
      };
      const connections = new Map<Socket, Connection>();
      const server = parserOf(config, connections);
      const report = () => context.report(connections.size > 0 ? 'connected' : 'idle', connections.size);
      const open = (socket: Socket) => {
        const peer = socket.remoteAddress;
        if (peer === undefined || life.drain.aborted || !makeRoom(connections, shared)) {
          return refuse(socket, shared);
        }
        const connection = new Connection(socket, peer, shared);
        connections.set(socket, connection);
        report();
        void connection.closed.then(() => {
          connections.delete(socket);
          report();
        });
        server.emit('connection', socket);
        socket.resume();
      };
      const gate = endpoint.tls && (await TlsGate.open(endpoint.tls, { context, counters, admit: open }));
      const admit = (socket: Socket) => {
        if (!allowed(socket.remoteAddress ?? '') || (gate?.shaking ?? 0) >= config.maxConnections)
          refuse(socket, shared);
        else if (gate) void gate.secure(socket);
        else open(socket);
      };
      const listener = await context.listen(config.endpoint);
      const handling = listener.handle(admit);
      report();
      let cancel = () => {};
      const look = () => {
        for (const connection of connections.values()) connection.look();
        cancel = context.clock.timer(LOOK_MS, look);
      };
      look();
      await until(life.drain, life.halt);
      handling[Symbol.dispose]();
      gate?.close();
      for (const connection of connections.values()) connection.drain();
      const closed = Promise.all([...connections.values()].map((connection) => connection.closed));
      await Promise.race([closed, until(life.halt)]);
      for (const connection of connections.values()) connection.destroy();
      cancel();
      context.report('stopped', 0);
    },
  };
}

/** A server that never listens: it parses what comes on the sockets that it is given. */
function parserOf(config: ListeningConfig, connections: ReadonlyMap<Socket, Connection>): Server {
  const server = createServer({
    maxHeaderSize: config.maxHeaderBytes,
    keepAliveTimeout: config.idleTimeoutMs,
    requireHostHeader: false,
  });
  // Beyond the limit headers are dropped without a word; the size of the head bounds them already.
  server.maxHeadersCount = 0;
  server.on('request', (request, response) => connections.get(request.socket)?.take(request, response, false));
  server.on('checkContinue', (request, response) => connections.get(request.socket)?.take(request, response, true));
  server.on('clientError', (error, socket) => connections.get(socket as Socket)?.malformed(error));
  return server;
}

function refuse(socket: Socket, { context, counters }: Shared): void {
  context.count(`${counters}_refused_connections_total`);
  socket.on('error', () => undefined);
  socket.destroy();
}

/** Closes the oldest idle connection where there are too many; false where none is idle. */
function makeRoom(connections: Map<Socket, Connection>, { config, context, counters }: Shared): boolean {
  if (connections.size < config.maxConnections) return true;
  for (const [socket, connection] of connections) {
    if (!connection.idle) continue;
    context.count(`${counters}_evicted_total`);
    connections.delete(socket);
    connection.destroy();
    return true;
  }
  return false;
}

/** Resolves when one of the signals has aborted. */
function until(...signals: readonly AbortSignal[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const any = AbortSignal.any([...signals]);
  if (any.aborted) resolve();
  else any.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
