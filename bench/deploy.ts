/**
 * `npm run bench:deploy` – a folder of 500 channels: `weir check`, the start of a hub on them, and the redeployment of one of them,
 * while connections to others are open and have to stay so.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { runDirectory } from './disk.ts';
import { Frame } from './frame.ts';
import { report } from './gates.ts';
import { changeChannel, writeChannels } from './many-channels.ts';
import { productArguments } from './product-arguments.ts';
import { Sender } from './sender.ts';
import { median, spread } from './statistics.ts';

const CHANNELS = 500;
/** Senders that stay connected to channels that are not redeployed. */
const OPEN = 50;
const CHECKS = 3;
const REDEPLOYS = 5;
const LIMITS = { checkMs: 5_000, startMs: 10_000, redeployMs: 1_000 };

const main = new URL('../hub/main.ts', import.meta.url).pathname;

await using directory = await runDirectory('deploy');
await using state = await runDirectory('deploy-state');
const ports = await freePorts(CHANNELS);
await writeChannels(directory.path, ports);

const checks: number[] = [];
for (let round = 0; round < CHECKS; round++) {
  const began = performance.now();
  const checked = spawn(process.execPath, [main, 'check', directory.path, '--env', 'bench'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  checked.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const [code] = await once(checked, 'close');
  checks.push(performance.now() - began);
  if (code !== 0) throw new Error(`weir check found mistakes in what was generated:\n${said.slice(0, 2_000)}`);
}

const hub = await start();
const alive = await connected(ports.slice(1, OPEN + 1));
const redeploys: number[] = [];
for (let round = 0; round < REDEPLOYS; round++) {
  await changeChannel(directory.path, 0, round);
  const began = performance.now();
  const deployed = (await (
    await fetch(new URL('/api/deploy', hub.admin), {
      method: 'POST',
      headers: { 'weir-actor': 'bench', 'weir-reason': 'bench' },
    })
  ).json()) as {
    readonly deployed: readonly { readonly channel: string }[];
    readonly problems: readonly unknown[];
  };
  redeploys.push(performance.now() - began);
  if (deployed.deployed.length !== 1)
    throw new Error(`one channel was to be deployed: ${JSON.stringify(deployed).slice(0, 500)}`);
}
const answered = await alive.send();
hub.stop();

console.log(`check of ${CHANNELS} channels: ${spread(checks)} ms`);
console.log(`redeployment of one of ${CHANNELS}: ${spread(redeploys)} ms`);
console.log(
  `${OPEN} connections to other channels: ${alive.lost()} lost, ${answered} answered after ${REDEPLOYS} redeployments`,
);
report('bench:deploy', [
  {
    name: `weir check, ${CHANNELS} channels`,
    figure: median(checks),
    limit: LIMITS.checkMs,
    must: 'stay-within',
    unit: 'ms',
  },
  {
    name: `start to running, ${CHANNELS} channels`,
    figure: hub.startedMs,
    limit: LIMITS.startMs,
    must: 'stay-within',
    unit: 'ms',
  },
  { name: 'redeployment of one', figure: median(redeploys), limit: LIMITS.redeployMs, must: 'stay-within', unit: 'ms' },
  { name: 'connections of others that live on', figure: answered, limit: OPEN, must: 'reach', unit: 'connections' },
]);

/** A hub on the folder, up to the line that says that it runs. */
async function start() {
  const began = performance.now();
  const settings = ['--channels', directory.path, '--env', 'bench', '--state-dir', state.path];
  const child = spawn(
    process.execPath,
    [...productArguments, main, 'start', ...settings, '--admin-port', '0', '--log-format', 'json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  while (!/up after/.test(said)) {
    if (child.exitCode !== null) throw new Error(`the hub did not start:\n${said.slice(-2_000)}`);
    await sleep(5);
  }
  const admin = /admin API on (http:\/\/\S+:\d+)/.exec(said)?.[1] ?? '';
  return { startedMs: performance.now() - began, admin, stop: () => child.kill('SIGKILL') };
}

/** Connections that have brought one message each, and are to bring another one. */
async function connected(to: readonly number[]) {
  let lost = 0;
  let wake = Promise.withResolvers<boolean>();
  const senders: { readonly sender: Sender; readonly frame: Frame }[] = [];
  for (const [index, port] of to.entries()) {
    const frame = new Frame('adt-a01.hl7');
    frame.set(index, 1);
    const events = {
      answered: (positive: boolean) => wake.resolve(positive),
      lost: () => {
        lost += 1;
        wake.resolve(false);
      },
    };
    const sender = new Sender(port, frame, events);
    await sender.connected;
    senders.push({ sender, frame });
  }
  const send = async (n: number) => {
    let positive = 0;
    for (const [index, { sender, frame }] of senders.entries()) {
      wake = Promise.withResolvers();
      frame.set(index, n);
      sender.send();
      if (await wake.promise) positive += 1;
    }
    return positive;
  };
  const first = await send(1);
  if (first !== to.length)
    throw new Error(`${first} of ${to.length} connections were answered before any redeployment`);
  return { send: () => send(2), lost: () => lost };
}

/** Ports of this machine that nobody listens on, found by listening on all of them at once. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  for (let n = 0; n < count; n++) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
  }
  const found = servers.map((server) => (server.address() as { readonly port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return found;
}
