import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/**
 * Below those that systems give to outgoing connections (32768 and up on Linux, 49152 elsewhere): until somebody listens on a port
 * nobody else is given it by chance.
 */
const first = 10_000;
const count = 22_000;
/** Processes side by side have numbers side by side: each goes through a stretch of its own. */
const stretch = 61;
let next = process.pid * stretch;

/** A TCP port of this machine that nobody listens on; another one each time. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < count; attempt++) {
    const port = first + (next++ % count);
    if (await isFree(port)) return port;
  }
  throw new Error(`looking for a free port: none from ${first} to ${first + count - 1}`);
}

/** Whether one can listen on this port of 127.0.0.1 now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  const { port: listened } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return listened === port;
}
