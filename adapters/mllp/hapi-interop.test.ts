import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { mllp as mllpOut } from '../../connectors/mllp/mllp.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { mavenJars } from '../../deploy/services/maven.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { numbered } from './testing/peer.ts';
import { runSource } from './testing/run-source.ts';

const root = join(import.meta.dirname, '../..');
const interop = join(root, 'test-fixtures/interop');
const cache = join(root, 'node_modules/.cache/hapi');
const classes = join(root, 'node_modules/.cache/hapi-peer');

/** The class path with HAPI's jars, or why there is none. */
async function classPath(): Promise<string | Error> {
  try {
    await mavenJars(join(interop, 'pom.xml'), cache);
    const jars = readdirSync(cache).filter((name) => name.endsWith('.jar'));
    const path = [classes, ...jars.map((name) => join(cache, name))].join(delimiter);
    mkdirSync(classes, { recursive: true });
    execFileSync('javac', ['-encoding', 'UTF-8', '-cp', path, '-d', classes, join(interop, 'HapiPeer.java')], {
      stdio: 'pipe',
    });
    return path;
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}

const path = await classPath();
const missing = path instanceof Error ? path : undefined;
if (missing && process.env.CI === 'true') throw missing;
if (missing) console.warn(`NOT TESTED AGAINST HAPI: ${missing.message.split('\n')[0]}`);

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

function hapi(...args: readonly string[]) {
  const flags = ['-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];
  const child = spawn('java', [...flags, '-cp', String(path), 'HapiPeer', ...args], {
    // Its generator of control ids keeps a file in the working directory.
    cwd: tmpdir(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  open.defer(() => void child.kill('SIGKILL'));
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  return address.port;
}

describe.skipIf(missing)('HAPI, an independent MLLP implementation', () => {
  it('sends to our source and understands each answer', async () => {
    const intake = fakeIntake((_, index) =>
      index === 2
        ? {
            outcome: {
              status: 'error',
              error: { code: 'unmatched', kind: 'permanent', scope: 'message', message: '' },
            },
          }
        : positive,
    );
    const source = open.use(await runSource(intake));
    const { lines } = hapi('client', String(source.listener.port), '5');
    const answers: string[] = [];
    for await (const line of lines) answers.push(line);
    expect(answers).toEqual(['AA 1', 'AA 2', 'AR 3', 'AA 4', 'AA 5']);
    expect(intake.arrivals).toHaveLength(5);
    expect(intake.arrivals.map((arrival) => parse(arrival.raw).get('PID-5.1'))).toEqual(Array(5).fill('Muñoz'));
  });

  it('receives from our destination, and its answers decide', async () => {
    const port = await freePort();
    const { child, lines } = hapi('server', String(port));
    expect((await lines.next()).value).toBe('listening');
    const endpoints = { lab: { kind: 'tcp-connect', host: '127.0.0.1', port } } as const;
    const destination = open.use(mllpOut({ endpoint: 'lab' }).create(fakeDestinationContext({ endpoints })));
    const statuses: (string | undefined)[] = [];
    for (const id of ['1', 'BAD-2', '3']) {
      const bytes = Buffer.from(numbered(id));
      const [outcome] =
        (await destination.write([outgoing({ number: 1, payload: parse(bytes), bytes })], patient)) ?? [];
      statuses.push(outcome?.status);
      expect((await lines.next()).value).toBe(`${id} Doe`);
    }
    expect(statuses).toEqual(['sent', 'error', 'sent']);
    child.stdin.end();
    await once(child, 'exit');
  });
});
