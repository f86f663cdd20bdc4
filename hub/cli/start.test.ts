import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../core/testing/free-port.ts';
import {
  type HubProcess,
  hubProcess,
  startArguments,
  type Workplace,
  weir,
  workplace,
} from '../testing/hub-process.ts';

let open: AsyncDisposableStack;
let place: Workplace;
let ports: readonly [number, number, number];
beforeEach(async () => {
  open = new AsyncDisposableStack();
  ports = [await freePort(), await freePort(), await freePort()];
  place = open.use(await workplace(files(ports)));
});
afterEach(() => open.disposeAsync());

const names = ['one', 'two', 'three'] as const;

/** Three channels, each with a port of its own. */
function files(listening: readonly number[]): Record<string, string> {
  const endpoints = names.map((name, index) => `  ${name}-in: { kind: tcp-listen, listen: ${listening[index]} }\n`);
  return {
    'channels/env/test.yaml': `endpoints:\n${endpoints.join('')}`,
    ...Object.fromEntries(
      names.map((name) => [
        `channels/${name}.channel.yaml`,
        `channel: ${name}\nsource: { mllp: { endpoint: ${name}-in } }\ndestinations: { gone: { to: { discard: {} } } }\n`,
      ]),
    ),
  };
}

/** Takes from root what lets it write everywhere. */
const bound = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];

const started = (state?: string) => weir(startArguments(place.directory, state));

async function occupied(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  open.defer(async () => void (await new Promise((resolve) => server.close(resolve))));
}

describe('weir start says in one line why it cannot, and exits with 1', () => {
  it('where another hub has the state folder open', async () => {
    open.use(await hubProcess(place));
    expect(await started()).toEqual({
      code: 1,
      out: '',
      err: `weir: opening the state folder ${join(place.directory, 'state')}: another hub has it open\n`,
    });
  });

  it('where one port is taken', async () => {
    await occupied(ports[1]);
    expect(await started()).toEqual({
      code: 1,
      out: '',
      err: `weir: starting channel two: listening on 127.0.0.1:${ports[1]} (endpoint two-in): another program listens there\n`,
    });
  });

  it('where another hub has every port', async () => {
    open.use(await hubProcess(place));
    const { code, out, err } = await started('other');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      /^weir: starting channel \w+: listening on 127\.0\.0\.1:\d+ \(endpoint \w+-in\): another program listens there \(and 2 other channels could not start\)\n$/,
    );
  });

  it('where the port of the admin API is taken', async () => {
    const port = await freePort();
    await occupied(port);
    expect(await weir([...startArguments(place.directory), '--admin-port', String(port)])).toEqual({
      code: 1,
      out: '',
      err: `weir: opening the admin API on 127.0.0.1:${port}: another program listens there\n`,
    });
  });

  it('where the state folder cannot be made', async () => {
    await place.write({ state: 'a file has its name' });
    expect(await started()).toEqual({
      code: 1,
      out: '',
      err: `weir: making the state folder ${join(place.directory, 'state')}: EEXIST\n`,
    });
  });

  it('where the state folder may not be made', async () => {
    const locked = join(place.directory, 'locked');
    await mkdir(locked);
    await chmod(locked, 0o500);
    const root = process.getuid?.() === 0;
    const { code, err } = await weir(startArguments(place.directory, 'locked/state'), undefined, root ? bound : []);
    expect({ code, err }).toEqual({ code: 1, err: `weir: making the state folder ${join(locked, 'state')}: EACCES\n` });
  });

  it.each([
    [
      'a key that is none',
      'channel: two\nsource: { mllp: { endpoint: two-in } }\ndestinations: { gone: { to: { discard: {} }, oder: none } }\n',
      /two\.channel\.yaml:3:\d+ key-unknown /,
    ],
    ['no YAML', 'channel: two\nsource: { mllp: { endpoint: two-in }\n', /two\.channel\.yaml:\d+:\d+ yaml-syntax /],
  ])('where a channel file has a mistake: %s', async (_what, content, named) => {
    await place.write({ 'channels/two.channel.yaml': content });
    const { code, out, err } = await started();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^weir: /);
    expect(err.split('\n')[0]).toMatch(named);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('where the environment, the channels folder or the settings cannot be read', async () => {
    const { directory } = place;
    const failures = await Promise.all([
      weir([...startArguments(directory), '--env', 'nowhere']),
      weir([...startArguments(directory), '--channels', join(directory, 'nowhere')]),
      weir([...startArguments(directory), '--config', directory]),
    ]);
    for (const { code, out, err } of failures) {
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(new RegExp(`^weir: [^\\n]*${directory}[^\\n]*\\n$`));
    }
  });
});

describe('rule 25: a signal', () => {
  /** A hub with a message on its way to a far end that takes it and never answers. */
  async function busy(stopMs: number): Promise<HubProcess> {
    const silent = createServer((socket) => socket.on('error', () => undefined));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    open.defer(() => void silent.close());
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
    const reached = once(silent, 'connection');
    const environment = files(ports)['channels/env/test.yaml'];
    await place.write({
      'channels/env/test.yaml': `${environment}  lab: { kind: tcp-connect, host: 127.0.0.1, port: ${address.port} }\n`,
      'channels/one.channel.yaml':
        'channel: one\nsource: { mllp: { endpoint: one-in } }\ndestinations: { lab: { to: { mllp: { endpoint: lab } } } }\n',
      'weir.yaml': `stopMs: ${stopMs}\n`,
    });
    const hub = open.use(await hubProcess(place));
    const message = join(import.meta.dirname, '../../test-fixtures/hl7v2/adt-a08.hl7');
    expect(await weir(['send', message, '--to', `127.0.0.1:${ports[0]}`])).toMatchObject({ code: 0 });
    const [socket] = await reached;
    open.defer(() => void socket.destroy());
    return hub;
  }

  it('drains an idle hub, even one that comes twice through a wrapper, and exits with 0', async () => {
    const hub = open.use(await hubProcess(place));
    hub.process.kill('SIGINT');
    hub.process.kill('SIGINT');
    expect(await hub.exited).toBe(0);
    expect(hub.printed()).toMatch(/^stopped; nothing was left in flight$/m);
  });

  it('lets a busy hub wait for its deadline and say what is left, which goes on at the next start', async () => {
    const hub = await busy(1_500);
    const begun = performance.now();
    hub.process.kill('SIGTERM');
    await hub.printing(/^stopping: waiting up to 1\.5 s for what is in flight; again to stop now$/m);
    expect(await hub.exited).toBe(0);
    expect(performance.now() - begun).toBeGreaterThan(1_400);
    expect(hub.printed()).toMatch(/^stopped; 1 messages? (was|were) in flight and goe?s? on .*: one 1$/m);
    const again = open.use(await hubProcess(place));
    const { channels } = await again.get<{
      channels: { channel: string; inFlight: number; counts: { queued: number } }[];
    }>('/api/channels');
    const [one] = channels.filter(({ channel }) => channel === 'one');
    expect(Math.max(one!.inFlight, one!.counts.queued)).toBe(1);
  });

  it('that comes again during the drain ends the hub at once with 1', async () => {
    const hub = await busy(60_000);
    hub.process.kill('SIGINT');
    await hub.printing(/^stopping: /m);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const begun = performance.now();
    hub.process.kill('SIGINT');
    expect(await hub.exited).toBe(1);
    expect(performance.now() - begun).toBeLessThan(30_000);
    expect(hub.printed()).toMatch(/^stopped now: what was in flight goes on from the store at the next start$/m);
  });
});

// It can be seen under /proc only.
it.skipIf(process.platform !== 'linux')(
  'weir start as it is installed gives V8 the memory limit of npm start, in one process',
  async () => {
    const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    const [limit] = /--max-semi-space-size=\d+/.exec(scripts.start)!;
    const command = [join(import.meta.dirname, 'weir.js'), ...startArguments(place.directory)];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = once(child, 'exit');
    const problems = text(child.stderr);
    let printed = '';
    for await (const chunk of child.stdout) {
      printed += chunk;
      if (/up after/.test(printed)) break;
    }
    expect(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0')).toContain(limit);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(await problems).toBe('');
  },
);
