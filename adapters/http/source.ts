import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { allowList } from '../../core/net/allow-list.ts';
import { TlsGate } from '../../core/net/tls-gate.ts';
import type { Source, SourceContext } from '../../core/source.ts';
import { Answers } from './answers.ts';
import { BufferBudget } from './buffered.ts';
import { callersOf } from './callers.ts';
import type { HttpSourceConfig } from './config.ts';
import { Connection } from './connection.ts';
import type { Shared } from './exchange.ts';
import { Room } from './room.ts';

/** How often the connections are looked at. */
const LOOK_MS = 1_000;

/** The listening socket belongs to the runtime; the connections live as long as the source. */
export function httpSource(config: HttpSourceConfig, context: SourceContext): Source {
  const endpoint = context.endpoint('tcp-listen', config.endpoint);
  const allowed = allowList(endpoint.allow);
  const callers = callersOf(config.auth, context);
  return {
    run: async (intake, life) => {
      const shared: Shared = {
        ...{ config, context, intake, life, callers },
        answers: new Answers(config, context),
        room: new Room(),
        budget: new BufferBudget(config.maxBufferedBytes),
      };
      const connections = new Map<Socket, Connection>();
      const server = parserOf(config, connections);
      const report = () => context.report(connections.size > 0 ? 'connected' : 'idle', connections.size);
      const open = (socket: Socket) => {
        const peer = socket.remoteAddress;
        if (peer === undefined || life.drain.aborted || !makeRoom(connections, context, config.maxConnections)) {
          return refuse(socket, context);
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
      const gate = endpoint.tls && (await TlsGate.open(endpoint.tls, { context, counters: 'http', admit: open }));
      const admit = (socket: Socket) => {
        if (!allowed(socket.remoteAddress ?? '') || (gate?.shaking ?? 0) >= config.maxConnections)
          refuse(socket, context);
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
function parserOf(config: HttpSourceConfig, connections: ReadonlyMap<Socket, Connection>): Server {
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

function refuse(socket: Socket, context: SourceContext): void {
  context.count('http_refused_connections_total');
  socket.on('error', () => undefined);
  socket.destroy();
}

/** Closes the oldest idle connection where there are too many; false where none is idle. */
function makeRoom(connections: Map<Socket, Connection>, context: SourceContext, most: number): boolean {
  if (connections.size < most) return true;
  for (const [socket, connection] of connections) {
    if (!connection.idle) continue;
    context.count('http_evicted_total');
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
