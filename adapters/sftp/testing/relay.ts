import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP relay in front of a server: a network that a test can break. */
export interface Relay extends AsyncDisposable {
  readonly port: number;
  /** Connections made so far. */
  readonly connections: number;
  /** Resets what is connected now. */
  reset(): void;
  /** Resets each connection after the server has sent that many bytes on it; undefined lets them be. */
  resetAfter(bytes: number | undefined): void;
  /** Passes nothing on, either way, until `flow`. */
  stall(): void;
  flow(): void;
  /** Accepts no connections until the result is called. */
  away(): () => void;
}

export async function relay(target: number): Promise<Relay> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let connections = 0;
  let limit: number | undefined;
  let stalled = false;
  let absent = false;
  const server = createServer((near) => {
    if (absent) {
      near.resetAndDestroy();
      return;
    }
    connections++;
    const far = connect(target, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    let passed = 0;
    const end = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on('error', end).on('close', end);
    far.on('error', end).on('close', end);
    near.on('data', (chunk) => far.write(chunk));
    far.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      if (limit !== undefined && passed > limit) near.resetAndDestroy();
      else near.write(chunk);
    });
    if (stalled) for (const socket of pair) socket.pause();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  return {
    port: address.port,
    get connections() {
      return connections;
    },
    reset: () => {
      for (const [near] of pairs) near.resetAndDestroy();
    },
    resetAfter: (bytes) => void (limit = bytes),
    stall: () => {
      stalled = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    flow: () => {
      stalled = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    away: () => {
      absent = true;
      for (const [near] of pairs) near.resetAndDestroy();
      return () => void (absent = false);
    },
    async [Symbol.asyncDispose]() {
      for (const [near] of pairs) near.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
