import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { loadChannels } from '../core/config/channels-folder.ts';
import { createCodeLoader } from '../core/config/code-loader.ts';
import { describeProblem } from '../core/config/problem.ts';
import type { Transform } from '../core/define.ts';
import { exit } from '../hub/cli/exit.ts';
import { shippedRegistry } from '../hub/registry.ts';
import { weirVersion } from '../hub/version.ts';
import { type Hl7Message, parse } from '../protocols/hl7v2/message.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

interface Block {
  readonly language: string;
  /** Named in its first line: `# file: …` or `// file: …`. */
  readonly file: string | undefined;
  readonly text: string;
}

const blocks: readonly Block[] = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(
  ([, language = '', text = '']) => ({
    language,
    file: /^(?:#|\/\/) file: (\S+)$/m.exec(text.split('\n', 1)[0] ?? '')?.[1],
    text,
  }),
);

function block(file: string): string {
  const found = blocks.find((each) => each.file === file);
  if (!found) throw new Error(`README.md has no code block for ${file}`);
  return found.text;
}

describe('README.md', () => {
  let folder: string;
  const channelFiles = ['env/demo.yaml', 'adt-to-ris.channel.yaml', 'adt-to-ris-copy.channel.ts'];
  const component = 'transforms/hl7v2-without-notes/hl7v2-without-notes.ts';

  // Inside the repository: so that `weir` and the rooms are found as they are from there.
  beforeAll(async () => {
    await mkdir(join(root, '.weir'), { recursive: true });
    folder = await mkdtemp(join(root, '.weir', 'readme-'));
    for (const file of channelFiles) await write(join('channels', file), block(file));
    await write(component, block(component).replaceAll("'../../", `'../../../../`));
  });

  afterAll(() => rm(folder, { recursive: true }));

  async function write(name: string, text: string): Promise<void> {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }

  it('starts with exactly two commands, and package.json has their scripts', () => {
    const commands = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text.trim());
    expect(commands).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
    const { scripts, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test', 'start', 'weir', 'docs']));
    expect(readme).toContain(`Node ${devDependencies.node} `);
  });

  it('has no YAML or TypeScript that is not checked here', () => {
    const files = blocks.filter(({ language }) => language !== 'sh').map(({ file }) => file);
    expect(files.toSorted()).toEqual([...channelFiles, component].toSorted());
  });

  it('shows channels that load, against the environment it shows', async () => {
    const directory = join(folder, 'channels');
    const endpoints = new Set(Object.keys(parseYaml(block('env/demo.yaml')).endpoints));
    using code = await createCodeLoader({ directory, entry: join(root, 'index.ts') });
    const registry = shippedRegistry();
    const loading = { directory, registry, code: await code.snapshot(), weirVersion, endpoints };
    const { channels, problems } = await loadChannels(loading);
    expect(problems.map(describeProblem)).toEqual([]);
    expect(channels.map(({ definition }) => definition.name).toSorted()).toEqual(['adt-to-ris', 'adt-to-ris-copy']);
  });

  it('shows a component that does what it says', async () => {
    const { hl7v2WithoutNotes } = (await import(pathToFileURL(join(folder, component)).href)) as {
      readonly hl7v2WithoutNotes: Transform<never, Hl7Message, Hl7Message>;
    };
    for (const { config } of hl7v2WithoutNotes.examples) hl7v2WithoutNotes(config);
    const result = parse(readFileSync(join(root, 'test-fixtures', 'hl7v2', 'oru-r01.hl7')));
    const step = hl7v2WithoutNotes({} as never).create();
    const left = step(result, {} as never) as Hl7Message;
    expect([result.has('NTE'), left.has('NTE'), left.has('OBX')]).toEqual([true, false, true]);
  });

  it('shows TypeScript that compiles', async () => {
    const tsconfig = { extends: '../../tsconfig.json', compilerOptions: { types: ['node'] }, include: ['./**/*.ts'] };
    await write('tsconfig.json', JSON.stringify(tsconfig));
    // The compiler that `npm run types` runs.
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const tsc = String(scripts.types).split(' ')[1] ?? '';
    const compiled = await promisify(execFile)(process.execPath, [tsc, '-p', folder], { cwd: root }).catch(
      (failed: { stdout: string; stderr: string }) => failed,
    );
    expect(compiled.stderr).toBe('');
    expect(compiled.stdout).toBe('');
  }, 60_000);

  it('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, target = '']) => target);
    expect(links.filter((target) => !existsSync(join(root, target)))).toEqual([]);
  });

  it('has every room on its map', () => {
    const rooms = [...readme.matchAll(/^\| `([a-z-]+)\/` \|/gm)].map(([, room = '']) => room);
    expect(rooms.filter((room) => !existsSync(join(root, room)))).toEqual([]);
    expect(rooms.length).toBeGreaterThan(8);
  });

  it('tells the exit codes that the command line has', () => {
    const line = /Exit codes:\*\* (.*)$/m.exec(readme)?.[1] ?? '';
    const told = [...line.matchAll(/(\d) [a-z]/g)].map(([, code]) => Number(code));
    expect(told).toEqual(Object.values(exit));
  });
});
