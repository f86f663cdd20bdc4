import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, '../main.ts');
const fixtures = join(import.meta.dirname, '../../test-fixtures/hl7v2');

let directory: string;
let hub: ChildProcess;
let printed = '';
let admin: string;
let port: number;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return free;
}

/** Runs the command line to its end. */
async function weir(...args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WEIR_ADMIN: admin },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, out, err };
}

function startArgs(state: string): readonly string[] {
  return [
    'start',
    '--channels',
    join(directory, 'channels'),
    '--env',
    'test',
    '--state-dir',
    join(directory, state),
    '--admin-port',
    '0',
    '--log-format',
    'json',
  ];
}

const channel = (word: string) => `import { adapters, connectors, defineChannel } from 'weir';
import { wanted } from './shared/wanted.ts';
// ${word}
export default defineChannel('one').from(adapters.mllp({ endpoint: 'in' })).filter(wanted).to('gone', connectors.discard({}));
`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-cli-'));
  await mkdir(join(directory, 'channels/env'), { recursive: true });
  await mkdir(join(directory, 'channels/shared'));
  port = await freePort();
  await writeFile(
    join(directory, 'channels/env/test.yaml'),
    `endpoints:\n  in: { kind: tcp-listen, listen: ${port} }\n`,
  );
  await writeFile(join(directory, 'channels/one.channel.ts'), channel('first'));
  await writeFile(join(directory, 'channels/shared/wanted.ts'), 'export const wanted = () => true;\n');
  hub = spawn(process.execPath, [main, ...startArgs('state')], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    hub.once('exit', () => reject(new Error(`the hub ended: ${printed}`)));
    hub.stdout!.on('data', (chunk) => {
      printed += chunk;
      if (/up after/.test(printed)) resolve();
    });
  });
  admin = /http:\/\/\S+:\d+/.exec(printed)![0];
});

afterAll(async () => {
  if (hub.exitCode === null) {
    const exited = new Promise((resolve) => hub.once('exit', resolve));
    hub.kill('SIGKILL');
    await exited;
  }
  await rm(directory, { recursive: true });
});

describe('the command line', () => {
  it('says what listens where', () => {
    expect(printed).toMatch(/^one +running +mllp endpoint:in$/m);
    expect(printed).toMatch(/^admin API on http:\/\/127\.0\.0\.1:\d+, up after \d+ ms$/m);
  });

  it('sends a file, and finds and shows what came of it', async () => {
    const sent = await weir('send', join(fixtures, 'adt-a08.hl7'), '--to', `127.0.0.1:${port}`);
    expect(sent).toMatchObject({ code: 0, err: '' });
    expect(sent.out).toMatch(/^1 of 1 sent in .*\nacknowledgements: CA 1\nlatency: p50 /);
    const { messages } = JSON.parse((await weir('messages', '--channel', 'one', '--json')).out);
    expect(messages).toHaveLength(1);
    const shown = await weir('show', messages[0].id, '--raw', '--reason', 'test');
    expect(shown.out).toBe(await readFile(join(fixtures, 'adt-a08.hl7'), 'utf8'));
    expect(await weir('show', messages[0].id)).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
    expect((await weir('channels')).out).toMatch(/running +one +[0-9a-f]{8} .* 1 +0 +0 +1 +0 +mllp /);
  });

  it('rule 24: deploys a changed helper file, and nothing when a file has a mistake', async () => {
    expect(await weir('deploy')).toMatchObject({ code: 0, out: '0 deployed, 1 unchanged, 0 removed\n' });
    await writeFile(join(directory, 'channels/shared/wanted.ts'), 'export const wanted = () => false;\n');
    expect((await weir('deploy')).out).toMatch(/^one: deployed [0-9a-f]{8}\n1 deployed/);
    await weir('send', join(fixtures, 'adt-a08.hl7'), '--to', `127.0.0.1:${port}`);
    const { messages } = JSON.parse((await weir('messages', '--status', 'filtered', '--json')).out);
    expect(messages).toHaveLength(1);

    await cp(join(directory, 'channels/one.channel.ts'), join(directory, 'channels/two.channel.ts'));
    await writeFile(
      join(directory, 'channels/three.channel.yaml'),
      'channel: three\nsource: { mllp: { endpoint: nowhere } }\n',
    );
    const failed = await weir('deploy');
    expect(failed).toMatchObject({ code: 1, out: 'nothing was deployed\n' });
    expect(failed.err).toMatch(/three\.channel\.yaml:2:29 endpoint-unknown /);
    expect(failed.err).toMatch(/two\.channel\.ts:1:1 name-taken /);
    await rm(join(directory, 'channels/two.channel.ts'));
    await rm(join(directory, 'channels/three.channel.yaml'));
  });

  it('places a mistake in TypeScript at its line', async () => {
    await writeFile(
      join(directory, 'channels/two.channel.ts'),
      `import { defineChannel } from 'weir';\n\nexport default defineChannel('NOT A NAME');\n`,
    );
    const { err } = await weir('deploy');
    expect(err).toMatch(/two\.channel\.ts:3:16 wiring-invalid defining channel NOT A NAME: /);
    expect(err).not.toMatch(/\n\s+at /);
    await rm(join(directory, 'channels/two.channel.ts'));
  });

  it('ends with the code of what went wrong', async () => {
    expect(await weir('channels', 'nosuch')).toMatchObject({ code: 4, err: 'weir: there is no channel nosuch\n' });
    expect(await weir('status')).toMatchObject({ code: 0 });
    expect(await weir('status', '--admin', 'http://127.0.0.1:1')).toMatchObject({ code: 3 });
    expect(await weir('send', 'x')).toMatchObject({ code: 2 });
    expect(await weir('start', '--config', '/no/such/weir.yaml')).toMatchObject({
      code: 1,
      err: 'weir: reading /no/such/weir.yaml: there is no such file\n',
    });
  });

  it('says in one line that the store is open elsewhere, or a port is taken', async () => {
    const locked = await weir(...startArgs('state'));
    expect(locked).toMatchObject({ code: 1, out: '' });
    expect(locked.err).toMatch(/^weir: .*another hub has it open\n$/);
    const taken = await weir(...startArgs('other'));
    expect(taken).toMatchObject({ code: 1, out: '' });
    expect(taken.err).toMatch(new RegExp(`^weir: one: port-in-use .*${port}.*\\n$`));
  });

  it('rule 25: drains on a signal, even one that comes twice through a wrapper, and says what is left', async () => {
    const exited = new Promise((resolve) => hub.once('exit', resolve));
    hub.kill('SIGINT');
    hub.kill('SIGINT');
    expect(await exited).toBe(0);
    expect(printed).toMatch(/^stopped; nothing was left in flight$/m);
  });
});
