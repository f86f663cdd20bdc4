import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../core/testing/free-port.ts';

/** What the guide gives the name `weir`. */
const main = join(import.meta.dirname, '../hub/cli/weir.js');
const guide = await readFile(join(import.meta.dirname, 'guide.md'), 'utf8');
const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
  language,
  text,
}));

interface Ran {
  readonly command: string;
  readonly code: number | null;
  readonly printed: string;
}

describe('the guide', { timeout: 120_000 }, () => {
  let folder: string;
  let workplace: string;
  let hub: ChildProcess | undefined;
  let ports: { readonly in: number; readonly admin: number };
  const ran: Ran[] = [];

  beforeAll(async () => {
    folder = workplace = await mkdtemp(join(tmpdir(), 'weir-guide-'));
    ports = { in: await freePort(), admin: await freePort() };
    for (const { language, text } of blocks) {
      if (language === 'yaml') await written(text);
      else if (language === 'sh') for (const line of text.trim().split('\n')) await typed(line);
    }
  }, 120_000);

  afterAll(async () => {
    if (hub && hub.exitCode === null) {
      const ended = once(hub, 'exit');
      hub.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true });
  });

  async function written(text: string): Promise<void> {
    const [first = '', ...rest] = text.split('\n');
    const whole = /^# file: (\S+)$/.exec(first)?.[1];
    if (whole) return writeFile(join(workplace, whole), rest.join('\n'));
    const [, key, file = ''] = /^# under (\w+): of (\S+)$/.exec(first) ?? [];
    const path = join(workplace, file);
    const lines = (await readFile(path, 'utf8')).split('\n');
    lines.splice(lines.indexOf(`${key}:`) + 1, 0, ...rest.slice(0, -1));
    await writeFile(path, lines.join('\n'));
  }

  async function typed(line: string): Promise<void> {
    const [program, ...args] = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word = '']) => quoted ?? word);
    if (program === 'cd') {
      workplace = join(workplace, args[0]!);
      await onFreePorts();
    } else if (args[0] === 'start') hub = await started();
    else {
      const given = args.map((each) => each.replace(':2575', `:${ports.in}`));
      ran.push({ command: line, ...(await ended(given)) });
    }
  }

  /** Other tests may have the ports that the guide names. */
  async function onFreePorts(): Promise<void> {
    const environment = join(workplace, 'channels/env/test.yaml');
    const text = await readFile(environment, 'utf8');
    await writeFile(environment, text.replace('listen: 2575', `listen: ${ports.in}`));
    const settings = join(workplace, 'weir.yaml');
    await writeFile(settings, `${await readFile(settings, 'utf8')}admin: { port: ${ports.admin} }\n`);
  }

  function ended(args: readonly string[]): Promise<{ code: number | null; printed: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, [main, ...args], { cwd: workplace }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, printed: out + err }),
      );
    });
  }

  async function started(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [main, 'start'], { cwd: workplace, stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      printed += chunk;
      if (/up after/.test(printed)) break;
    }
    child.stdout.resume();
    return child;
  }

  const of = (command: string) => ran.find((each) => each.command.startsWith(command));

  it('names the script that is the command', async () => {
    expect(guide).toContain('hub/cli/weir.js\n');
    await expect(access(main, constants.X_OK)).resolves.toBeUndefined();
  });

  it('has only commands that end well', () => {
    expect(ran.filter(({ code }) => code !== 0).map(({ command }) => command)).toEqual(['weir diff test production']);
    expect(ran.length).toBeGreaterThan(15);
  });

  it('ends with a destination more, tested', () => {
    expect(ran.filter(({ command }) => command === 'weir test').map(({ printed }) => printed)).toEqual([
      expect.stringContaining('5 tests passed'),
      expect.stringContaining('6 tests passed'),
    ]);
    expect(of('weir try')?.printed).toContain('pharmacy');
  });

  it('ends with a patient whom the pharmacy knows of and the laboratory is waited for', async () => {
    expect(of('weir find')?.printed).toMatch(/pharmacy\s+sent/);
    expect(of('weir key')?.printed).toContain('lab');
    const [file] = await readdir(join(workplace, 'state/pharmacy'));
    expect(JSON.parse(await readFile(join(workplace, 'state/pharmacy', file!), 'utf8'))).toMatchObject({
      patient: '4711001',
    });
    expect(of('weir diff')?.printed).toContain('pharmacy');
  });
});
