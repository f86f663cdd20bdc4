/** Two containers of one host name: process ids say nothing from one to the other. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, expect, it } from 'vitest';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';

const container = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const;
const [command, ...flags] = container;
const mayUnshare = spawnSync(command, [...flags, 'true']).status === 0;

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

/** Opens the store, says how that went, and keeps it open. */
const program = `
  import { openPostgresStore } from ${JSON.stringify(new URL('./postgres-store.ts', import.meta.url).href)};
  const options = { ...JSON.parse(process.env.OPTIONS), hub: 'one', now: Date.now };
  try {
    await openPostgresStore(options);
    console.log('open as process', process.pid);
    setInterval(() => undefined, 1_000);
  } catch (thrown) {
    console.log(thrown.code, 'for process', process.pid);
    process.exit();
  }
`;

/** Numbers of processes are those of threads, too: a hub that is process 1 has the next dozen. */
const hundredProcesses = 'i=0; while [ $i -lt 100 ]; do (:); i=$((i+1)); done';

/** A hub in a container of its own, as its first process or as a later one. Resolves with what it says. */
async function hubInContainer(as: 'first' | 'later', leaseMs: number) {
  const hub = [process.execPath, '--input-type=module', '-e', program];
  const inShell = as === 'first' ? hub : ['sh', '-c', `${hundredProcesses}; "$@"; exit`, 'sh', ...hub];
  const env = { ...process.env, OPTIONS: JSON.stringify({ server: database.server, leaseMs }) };
  const child = spawn(command, [...flags, ...inShell], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const exited = once(child, 'exit');
  const end = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  open.defer(end);
  const [says] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { says: String(says).trim(), end };
}

// Making a namespace of processes takes a right that not everybody has.
it.skipIf(database.missing || !mayUnshare)(
  'a hub in another container is alive though its process is not to be seen here, and its name is free after its lease',
  async () => {
    const holder = await hubInContainer('later', 1_500);
    const [, holding] = /^open as process (\d+)$/.exec(holder.says) ?? [];
    // It takes its time: the holder may be slow to show that it lives.
    const other = await hubInContainer('first', 60_000);
    expect(other.says).toBe('store-locked for process 1');
    // In the other container there is none of that number.
    expect(Number(holding)).toBeGreaterThan(100);
    await holder.end();
    const next = await hubInContainer('first', 1_500);
    expect(next.says).toBe('open as process 1');
  },
  120_000,
);
