/**
 * `npm run bench:start` – from starting the server's process to a connection on its listening port: on a new store, and again on the
 * store that was left after messages and a kill.
 */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../core/testing/free-port.ts';
import { Child } from './child.ts';
import { runDirectory } from './disk.ts';
import { runFullSpeed } from './full-speed.ts';
import { report } from './gates.ts';
import { productArguments } from './product-arguments.ts';
import { median, spread } from './statistics.ts';

const ROUNDS = 5;
const LIMIT_MS = 1_500;

const times = { fresh: [] as number[], used: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  await using directory = await runDirectory('start');
  const stored = await freePort();
  const settings = { directory: directory.path, stored, settled: await freePort() };
  for (const store of ['fresh', 'used'] as const) {
    const started = performance.now();
    const server = new Child('discard-server.ts', settings, productArguments);
    await connected(stored);
    times[store].push(performance.now() - started);
    await server.ready;
    if (store === 'fresh')
      await runFullSpeed({ port: stored, connections: 20, fixture: 'adt-a01.hl7', durationMs: 1_000 });
    await server.kill();
  }
}
for (const [store, each] of Object.entries(times)) console.log(`${store} store: ${spread(each)} ms`);
report(
  'bench:start',
  Object.entries(times).map(([store, each]) => ({
    name: `start to listening, ${store} store`,
    figure: median(each),
    limit: LIMIT_MS,
    must: 'stay-within' as const,
    unit: 'ms',
  })),
);

async function connected(port: number): Promise<void> {
  for (;;) {
    const socket = createConnection({ port, host: '127.0.0.1' });
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await sleep(5);
    } finally {
      socket.destroy();
    }
  }
}
