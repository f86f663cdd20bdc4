import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { EndpointOf } from '../../core/endpoint.ts';
import { dataFolder } from '../../deploy/services/folder.ts';
import { programs } from '../../deploy/services/packages.ts';
import type { Way } from '../device/simulate/way.ts';
import { installation } from '../version.ts';
import { freePort } from './demo-hub.ts';
import type { Screen } from './screen.ts';

/** How the devices of the ward and the hub come together on this machine. */
export interface Ways extends AsyncDisposable {
  /** Absent where no broker can be had. */
  readonly broker: EndpointOf<'mqtt'> | undefined;
  readonly oximeter: {
    readonly name: string;
    /** What the profile says. */
    readonly host: string;
    readonly device: Way;
  };
}

const openWithinMs = 5_000;
const servicesMain = fileURLToPath(new URL('deploy/services/main.ts', installation));

/** A broker as tests get it, and a pair of terminals where socat can be had; what cannot is told. */
export async function openWays(screen: Screen): Promise<Ways> {
  await using opening = new AsyncDisposableStack();
  const broker = await openBroker(opening, screen);
  const oximeter = await openTerminals(opening, screen);
  const opened = opening.move();
  return { broker, oximeter, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** One of our own: another demo beside this one has other monitors of the same names. It ends with this process, however that ends. */
async function openBroker(opened: AsyncDisposableStack, screen: Screen): Promise<EndpointOf<'mqtt'> | undefined> {
  const args = [servicesMain, 'own', 'mosquitto', '--brokers', '1', '--settings', '{}'];
  // A Ctrl-C of the terminal is for us: the hub ends before its broker does.
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  opened.defer(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const first = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (first.done) {
    screen.line(`NO MONITORS: an MQTT broker is needed, and cannot be had (${said.trim() || 'it ended'})`);
    return undefined;
  }
  const { address } = z.looseObject({ address: z.string() }).parse(JSON.parse(first.value));
  const { hostname, port, username, password } = new URL(address);
  return {
    ...{ kind: 'mqtt', host: hostname, port: Number(port || 1883) },
    ...(username !== '' && { user: decodeURIComponent(username), password: decodeURIComponent(password) }),
  } as EndpointOf<'mqtt'>;
}

async function openTerminals(opened: AsyncDisposableStack, screen: Screen): Promise<Ways['oximeter']> {
  try {
    const socat = await programs(dataFolder, ['socat'], ['socat']);
    const folder = mkdtempSync(join(tmpdir(), 'weir-ward-'));
    opened.defer(() => rmSync(folder, { recursive: true, force: true }));
    const [host, device] = [join(folder, 'host'), join(folder, 'device')];
    const end = (path: string) => `pty,raw,echo=0,link=${path}`;
    const child = spawn(socat.path('socat'), [end(device), end(host)], {
      env: { ...process.env, ...socat.env },
      stdio: 'ignore',
    });
    opened.defer(() => ended(child));
    for (const begun = performance.now(); !existsSync(host) || !existsSync(device); await sleep(5))
      if (child.exitCode !== null || performance.now() - begun > openWithinMs)
        throw new Error('socat makes no terminals');
    const settings = { path: device, baud: 9_600, dataBits: 8, parity: 'none', stopBits: 1 } as const;
    return { name: 'serial line', host, device: { kind: 'connect', settings } };
  } catch (thrown) {
    screen.line(`the oximeter speaks over TCP: socat cannot be had (${(thrown as Error).message})`);
    const port = await freePort(0);
    return { name: 'serial over TCP', host: `127.0.0.1:${port}`, device: { kind: 'listen', port } };
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exit;
}
