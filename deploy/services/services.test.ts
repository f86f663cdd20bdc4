import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownService } from '../../core/testing/services.ts';
import { dataFolder } from './folder.ts';
import { alone } from './lock.ts';
import { programs } from './packages.ts';
import { portsOf } from './ports.ts';
import { isRunning, isStopped, processId } from './process-id.ts';
import type { StartRecord } from './record.ts';

const main = join(import.meta.dirname, 'main.ts');
const redis = await ownService('redis', import.meta.filename);
const rabbitmq = await ownService('rabbitmq', import.meta.filename);

let folder = '';
let environment: NodeJS.ProcessEnv = {};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-services-'));
  chmodSync(folder, 0o755);
  environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_')));
  environment.WEIR_SERVICES_FOLDER = folder;
  // A Docker engine of this machine would be asked first.
  environment.DOCKER_HOST = 'unix:///nowhere/docker.sock';
  // What is unpacked already need not come again.
  if (existsSync(join(dataFolder, 'packages'))) symlinkSync(join(dataFolder, 'packages'), join(folder, 'packages'));
});

afterEach(async () => {
  await services('down');
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** The command, on a folder of this test's own. */
async function services(...args: readonly string[]) {
  const child = spawn(process.execPath, [main, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await exited) as [number | null];
  return { out, err, code };
}

const record = (name: string) => JSON.parse(readFileSync(join(folder, name, 'run.json'), 'utf8')) as StartRecord;
const addresses = () => JSON.parse(readFileSync(join(folder, 'addresses.json'), 'utf8')) as Record<string, string>;

/** Sends a command of Redis after its password and gives the last line of the answer. */
async function ask(address: string, line: string): Promise<string | undefined> {
  const { port, password } = new URL(address);
  const socket = connect({ host: '127.0.0.1', port: Number(port) });
  socket.end(`AUTH ${password}\r\n${line}\r\nQUIT\r\n`);
  return (await text(socket)).trim().split('\r\n').at(-2);
}

describe.skipIf(redis.missing)('services as processes of this machine', { timeout: 60_000 }, () => {
  it('start once, for callers at the same time and later ones', async () => {
    await Promise.all([services('up', 'redis'), services('up', 'redis')]);
    const [first] = record('redis').processes;
    const later = await services('up', 'redis');
    expect(later).toMatchObject({ code: 0, err: '' });
    expect(record('redis').processes).toEqual([first]);
    expect(await ask(addresses().redis ?? '', 'PING')).toBe('+PONG');
  });

  it('write to the disk before they answer', async () => {
    await services('up', 'redis');
    expect(await ask(addresses().redis ?? '', 'CONFIG GET appendfsync')).toBe('always');
  });

  it('end by their process id, and say so', async () => {
    await services('up', 'redis');
    const [process] = record('redis').processes;
    expect((await services('down', 'redis')).out).toBe('redis      ended\n');
    expect(process && isRunning(process)).toBe(false);
    expect(addresses()).toEqual({});
    expect((await services('status', 'redis')).out).toBe('redis      -\n');
  });

  it('start again after a crash, on the same port with the same data', async () => {
    await services('up', 'redis');
    const before = addresses().redis ?? '';
    await ask(before, 'SET ward 3');
    process.kill(record('redis').processes[0]?.pid ?? 0, 'SIGKILL');
    await services('up', 'redis');
    expect(addresses().redis).toBe(before);
    expect(await ask(before, 'GET ward')).toBe('3');
  });

  it('leave alone a process that got the number of one of theirs', async () => {
    await services('up', 'redis');
    const [own] = record('redis').processes;
    const bystander = spawn('sleep', ['60']);
    const stale = { ...record('redis'), processes: [{ ...own, pid: bystander.pid }] };
    writeFileSync(join(folder, 'redis/run.json'), JSON.stringify(stale));
    expect((await services('down', 'redis')).out).toBe('redis      did not run\n');
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill();
    process.kill(own?.pid ?? 0, 'SIGKILL');
  });

  it('are said to have ended, and where it says why, when nobody had asked them to', async () => {
    await services('up', 'redis');
    process.kill(record('redis').processes[0]?.pid ?? 0, 'SIGKILL');
    await expect
      .poll(async () => (await services('status', 'redis')).out, { timeout: 30_000 })
      .toBe(`redis      -  (redis ended unasked; why is in ${join(folder, 'redis/log')})\n`);
  });

  it('of two checkouts do not meet', async () => {
    await services('up', 'redis');
    const first = addresses().redis ?? '';
    const other = mkdtempSync(join(tmpdir(), 'weir-services-'));
    chmodSync(other, 0o755);
    const [one, own] = [folder, environment];
    [folder, environment] = [other, { ...environment, WEIR_SERVICES_FOLDER: other }];
    if (existsSync(join(one, 'packages'))) symlinkSync(join(one, 'packages'), join(other, 'packages'));
    await services('up', 'redis');
    expect(addresses().redis).not.toBe(first);
    await services('down');
    rmSync(other, { recursive: true, force: true });
    [folder, environment] = [one, own];
    expect(await ask(first, 'PING')).toBe('+PONG');
  });

  it('end with the last test run that uses them', async () => {
    const runs = [spawn('sleep', ['60']), spawn('sleep', ['60'])] as const;
    const [first, second] = runs.map((each) => String(each.pid));
    await services('up', 'redis', '--run', first ?? '');
    await services('up', 'redis', '--run', second ?? '');
    await services('leave', '--run', first ?? '');
    expect((await services('status', 'redis')).out).toContain('redis://');
    runs[1].kill('SIGKILL');
    await once(runs[1], 'exit');
    await services('leave', '--run', first ?? '');
    expect((await services('status', 'redis')).out).toBe('redis      -\n');
    runs[0].kill();
  });

  it('stay after a test run when a person had started them', async () => {
    await services('up', 'redis');
    await services('up', 'redis', '--run', String(process.pid));
    await services('leave', '--run', String(process.pid));
    expect(await ask(addresses().redis ?? '', 'PING')).toBe('+PONG');
  });

  it('are not started where the environment says where they are', async () => {
    environment.WEIR_TEST_REDIS_URL = 'redis://cache.example:6379';
    expect((await services('up', 'redis')).out).toContain('redis://cache.example:6379  (environment');
    expect(existsSync(join(folder, 'redis'))).toBe(false);
    expect(addressesIfAny()).toEqual({});
  });
});

const addressesIfAny = () => (existsSync(join(folder, 'addresses.json')) ? addresses() : {});

describe.skipIf(rabbitmq.missing)('a start that is cut short', { timeout: 60_000 }, () => {
  async function cut(how: NodeJS.Signals) {
    const child = execFile(process.execPath, [main, 'up', 'rabbitmq'], { env: environment });
    const exited = once(child, 'exit');
    const said = child.stderr ? text(child.stderr) : '';
    while (!existsSync(join(folder, 'rabbitmq/run.json'))) await delay(5);
    const begun = record('rabbitmq').processes;
    child.kill(how);
    const [code] = await exited;
    return { begun, code, said: await said };
  }

  it('leaves nothing after Ctrl-C', async () => {
    const { begun, code, said } = await cut('SIGINT');
    expect({ code, said }).toEqual({
      code: 130,
      said: expect.stringMatching(/^rabbitmq {3}NOT AVAILABLE: interrupted$/m),
    });
    expect(begun.length).toBeGreaterThan(0);
    expect(begun.filter(isRunning)).toEqual([]);
    expect(existsSync(join(folder, 'rabbitmq/run.json'))).toBe(false);
  });

  it('is found and ended by the next command after kill -9', async () => {
    const { begun } = await cut('SIGKILL');
    expect(begun.some(isRunning)).toBe(true);
    expect((await services('status', 'rabbitmq')).out).toBe('rabbitmq   -  (its start was cut short)\n');
    await services('down', 'rabbitmq');
    expect(begun.filter(isRunning)).toEqual([]);
  });
});

it('Kafka that runs is not taken for one with more brokers', async () => {
  const broker = spawn('sleep', ['60']);
  const processes = [{ name: 'broker-1', stop: 'SIGTERM', ...processId(broker.pid ?? 0) }];
  mkdirSync(join(folder, 'kafka'));
  const running = { by: 'processes', address: '127.0.0.1:9092', processes, kept: true };
  writeFileSync(join(folder, 'kafka/run.json'), JSON.stringify(running));
  expect(await services('up', 'kafka', '--brokers', '3')).toMatchObject({
    code: 1,
    err: 'kafka      NOT AVAILABLE: it runs with 1 of 3 brokers; end it first: down kafka\n',
  });
  expect((await services('up', 'kafka')).code).toBe(0);
  broker.kill();
});

it('who is alone writes no file: services are ended on a full disk, too', async () => {
  await alone(folder, async () => expect(readdirSync(folder)).not.toContain('lock.sqlite-journal'));
});

it('a port that somebody else listens on is known, whether a server says so or not', async () => {
  const ports = portsOf(folder);
  const server = createServer().listen(await ports.port('epmd'), '127.0.0.1');
  await once(server, 'listening');
  expect(await ports.taken()).toBe(true);
  server.close();
  await once(server, 'close');
  expect(await ports.taken()).toBe(false);
});

describe('services that cannot be had', () => {
  it('are one line with the reason, and exit code 1', async () => {
    environment.PATH = '/nowhere';
    const { code, err } = await services('up', 'kafka');
    expect(code).toBe(1);
    expect(err).toMatch(/^kafka {6}NOT AVAILABLE: running java --version: .*ENOENT\n$/);
  });

  it('name the packages', async () => {
    await expect(programs(folder, ['no-such-package'], ['no-such-program'])).rejects.toThrow(
      /^getting the Debian packages no-such-package: running apt-get/,
    );
    expect(existsSync(join(folder, 'packages/no-such-package'))).toBe(false);
  });

  it('are refused by name', async () => {
    expect(await services('up', 'oracle')).toMatchObject({
      code: 2,
      out: expect.stringContaining('no service oracle'),
    });
  });
});

describe('services by Docker Compose', () => {
  /** Answers as Docker does, and writes down what it was asked. */
  function fakeDocker(answers: string): void {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const script = `#!/bin/sh\necho "$*" >> '${folder}/asked'\ncase "$*" in\n${answers}\nesac\nexit 0\n`;
    writeFileSync(join(bin, 'docker'), script, { mode: 0o755 });
    environment.PATH = `${bin}${delimiter}${environment.PATH ?? ''}`;
  }
  const asked = () => readFileSync(join(folder, 'asked'), 'utf8');

  it('are asked for one at a time, on a port that is known before', async () => {
    fakeDocker('*" ps "*) echo 0123456789ab;;');
    const { code, out } = await services('up', 'kafka');
    expect(code).toBe(0);
    const [, port] = /kafka\s+127\.0\.0\.1:(\d+) {2}\(compose/.exec(out) ?? [];
    expect(readFileSync(join(folder, 'kafka/environment'), 'utf8')).toContain(`PORT=${port}\n`);
    expect(asked()).toMatch(/compose -p weir-services-\w+ --env-file \S+ -f \S+ up -d --no-deps --wait kafka\n/);
    await services('down', 'kafka');
    expect(asked()).toMatch(/ rm --stop --force kafka\n$/);
  });

  it('say what Compose said when one does not start, and take it away', async () => {
    fakeDocker('*" up "*) echo "no such image" >&2; exit 1;;');
    const { code, err } = await services('up', 'redis');
    expect({ code, err }).toEqual({
      code: 1,
      err: 'redis      NOT AVAILABLE: running docker compose: no such image\n',
    });
    expect(asked()).toMatch(/ rm --stop --force redis\n$/);
  });
});

it('a process is known by its number and when it began', () => {
  const own = processId(process.pid);
  expect(own && isRunning(own)).toBe(true);
  expect(own && isRunning({ ...own, began: 'earlier' })).toBe(false);
});

it('a process that is told to stand still does so when all of its threads do', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    await once(child, 'spawn');
    const pid = child.pid!;
    expect(isStopped(pid)).toBe(false);
    child.kill('SIGSTOP');
    while (!isStopped(pid)) await delay(1);
    child.kill('SIGCONT');
    while (isStopped(pid)) await delay(1);
  } finally {
    child.kill('SIGKILL');
  }
});
