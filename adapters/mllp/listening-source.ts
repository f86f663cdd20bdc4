import type { Socket } from 'node:net';
import { allowList } from '../../core/net/allow-list.ts';
import { TlsGate } from '../../core/net/tls-gate.ts';
import type { Source, SourceContext } from '../../core/source.ts';
import { until } from '../../core/until.ts';
import type { MllpSourceConfig } from './config.ts';
import { Connection } from './connection.ts';
import { sharedBy } from './shared.ts';

/** A source that senders connect to. The listening socket belongs to the runtime; the connections live as long as the source. */
export function listeningSource(name: string, config: MllpSourceConfig, context: SourceContext): Source {
  const endpoint = context.endpoint('tcp-listen', name);
  const allowed = allowList(endpoint.allow);
  return {
    run: async (intake, life) => {
      const shared = sharedBy(config, context, intake, life.halt);
      const connections = new Set<Connection>();
      const report = () => context.report(connections.size > 0 ? 'connected' : 'idle', connections.size);
      const open = (socket: Socket) => {
        const peer = socket.remoteAddress;
        if (peer === undefined || life.drain.aborted || !makeRoom(connections, peer, context, config.maxConnections)) {
          context.count('mllp_refused_total');
          socket.on('error', () => undefined);
          socket.destroy();
          return;
        }
        const connection = new Connection(socket, peer, shared);
        connections.add(connection);
        report();
        void connection.closed.then(() => {
          connections.delete(connection);
          report();
        });
      };
      const gate = endpoint.tls && (await TlsGate.open(endpoint.tls, { context, counters: 'mllp', admit: open }));
      const admit = (socket: Socket) => {
        if (!allowed(socket.remoteAddress ?? '') || (gate?.shaking ?? 0) >= config.maxConnections) {
          context.count('mllp_refused_total');
          socket.on('error', () => undefined);
          socket.destroy();
        } else if (gate) void gate.secure(socket);
        else open(socket);
      };
      const listener = await context.listen(name);
      const handling = listener.handle(admit);
      report();
      await until(life.drain, life.halt);
      handling[Symbol.dispose]();
      gate?.close();
      for (const connection of connections) connection.drain();
      const closed = Promise.all([...connections].map((connection) => connection.closed));
      await Promise.race([closed, until(life.halt)]);
      for (const connection of connections) connection.destroy();
      context.report('stopped', 0);
    },
  };
}

/** Closes the same peer's oldest connection where there are too many; false where it has none to give. */
function makeRoom(connections: Set<Connection>, peer: string, context: SourceContext, most: number): boolean {
  if (connections.size < most) return true;
  for (const connection of connections) {
    if (connection.peer !== peer) continue;
    context.count('mllp_evicted_total');
    connections.delete(connection);
    connection.destroy();
    return true;
  }
  return false;
}
