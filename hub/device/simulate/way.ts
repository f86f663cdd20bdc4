import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Line } from '../../../clients/serial-port/line.ts';
import { openLine } from '../../../clients/serial-port/open-line.ts';
import type { PortSettings } from '../../../clients/serial-port/port-settings.ts';
import { HubError } from '../../../core/errors.ts';
import { systemClock } from '../../system-clock.ts';

/** How a hub and a played device come together. */
export type Way =
  /** The hub connects, to this port of 127.0.0.1; 0 for any that is free. */
  | { readonly kind: 'listen'; readonly port: number }
  /** The device connects to `host:port`, or has the other end of a serial port. */
  | { readonly kind: 'connect'; readonly settings: PortSettings };

const connectTimeoutMs = 10_000;

/**
 * Hands every line to `serve` until `signal` aborts: one that connects, or one that is opened. Throws HubError where the port is taken or
 * the far end is not there.
 * @param ready told once where the device is to be reached
 */
export async function eachLine(
  way: Way,
  serve: (line: Line) => void,
  ready: (where: string, port: number | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  if (way.kind === 'connect') {
    const line = await openLine(way.settings, { clock: systemClock, timeoutMs: connectTimeoutMs, signal });
    ready(way.settings.path, undefined);
    serve(line);
    const ended = Promise.withResolvers<void>();
    const end = (): void => ended.resolve();
    for (const each of [line.lost, signal]) each.addEventListener('abort', end, { once: true });
    if (line.lost.aborted || signal.aborted) end();
    await ended.promise;
    await line.close();
    if (!signal.aborted) throw line.lost.reason;
    return;
  }
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.setNoDelay(true);
    serve(new Line(socket, `127.0.0.1:${way.port}`, async () => void socket.destroy()));
  });
  server.listen(way.port, '127.0.0.1');
  await once(server, 'listening').catch((thrown: NodeJS.ErrnoException) => {
    const why = thrown.code === 'EADDRINUSE' ? 'somebody listens there already' : String(thrown.code);
    throw new HubError('refused', 'transient', `listening on port ${way.port}: ${why}`, { cause: thrown });
  });
  const { port } = server.address() as AddressInfo;
  ready(`127.0.0.1:${port}`, port);
  if (!signal.aborted) await once(signal, 'abort');
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
}
