import type { Clock } from '../../core/component.ts';
import { dial } from '../../core/net/dial.ts';
import { Line } from './line.ts';
import { openPort } from './open-port.ts';
import type { PortSettings } from './port-settings.ts';

export interface OpenOptions {
  readonly clock: Clock;
  /** Milliseconds for a connection to a device server. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Asks a silent device server so soon whether it is still there. */
const keepAliveMs = 10_000;

/** Opens the line that the settings describe. Throws HubError `refused`, transient, scope destination. */
export async function openLine(settings: PortSettings, options: OpenOptions): Promise<Line> {
  const server = deviceServer(settings.path);
  if (!server) return openPort(settings, options.clock);
  const socket = await dial(server, options);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
  return new Line(socket, settings.path, async () => void socket.destroy());
}

/** Where the path is one of a device server: its address. */
export function deviceServer(path: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, host = bracketed, port] = SERVER.exec(path) ?? [];
  return host === undefined ? undefined : { host, port: Number(port) };
}

const SERVER = /^(?:tcp:\/\/)?(?:\[([0-9A-Fa-f:.]+)\]|([^/\\:\s]+)):(\d{1,5})$/;
