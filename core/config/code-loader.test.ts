import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { channelVersion } from './code-loader.ts';

let directory: string;
let host: ChildProcess;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-code-'));
  await mkdir(join(directory, 'channels', 'shared'), { recursive: true });
  await write('entry.ts', 'export const installed = "this installation";');
  const script = join(import.meta.dirname, 'code-loader.host.ts');
  host = fork(script, [join(directory, 'channels'), join(directory, 'entry.ts')], { execArgv: [] });
  await once(host, 'message');
});

afterEach(async () => {
  const exited = once(host, 'exit');
  host.disconnect();
  await exited;
  await rm(directory, { recursive: true });
});

function write(path: string, text: string): Promise<void> {
  return writeFile(join(directory, path), text);
}

interface Answer {
  readonly value?: unknown;
  /** Equal for one and the same object. */
  readonly instance?: number;
  readonly files?: readonly string[];
  readonly version?: string;
  readonly error?: string;
}

/** Takes one snapshot and loads from it. */
async function load(...names: readonly string[]): Promise<readonly Answer[]> {
  const answered = once(host, 'message');
  host.send(names);
  const [answers] = await answered;
  return answers as readonly Answer[];
}

describe('the loader of channel code', () => {
  it('rule 24: a changed helper file takes effect, however deep it is imported', async () => {
    await write('channels/a.channel.ts', 'export { default } from "./shared/middle.ts";');
    await write(
      'channels/shared/middle.ts',
      'import { word } from "./leaf.ts"; export default "said " + (word as string);',
    );
    await write('channels/shared/leaf.ts', 'export const word: string = "one";');
    const [first] = await load('a.channel.ts');
    await write('channels/shared/leaf.ts', 'export const word: string = "two";');
    const [second] = await load('a.channel.ts');
    expect([first?.value, second?.value]).toEqual(['said one', 'said two']);
    expect(second?.files).toEqual(['a.channel.ts', 'shared/leaf.ts', 'shared/middle.ts']);
    expect(first?.version).not.toBe(second?.version);
  });

  it('rule 6: the version of a channel is that of its own files, not of its neighbours', async () => {
    await write('channels/a.channel.ts', 'export default 1;');
    await write('channels/b.channel.ts', 'export default 1;');
    const [before] = await load('a.channel.ts');
    await write('channels/b.channel.ts', 'export default 2;');
    const [after, other] = await load('a.channel.ts', 'b.channel.ts');
    expect(other?.value).toBe(2);
    expect(after?.version).toBe(before?.version);
  });

  it('rule 6: the version of a channel changes with Weir’s own', () => {
    const files = new Map([['a.channel.ts', '00']]);
    expect(channelVersion('2', files)).not.toBe(channelVersion('1', files));
  });

  it('loads unchanged code once, so that deploying it again costs no memory', async () => {
    await write('channels/a.channel.ts', 'export default {};');
    expect((await load('a.channel.ts'))[0]?.instance).toBe((await load('a.channel.ts'))[0]?.instance);
  });

  it('gives one module to two channels that import it', async () => {
    await write('channels/shared/table.ts', 'export default {};');
    await write('channels/a.channel.ts', 'export { default } from "./shared/table.ts";');
    await write('channels/b.channel.ts', 'export { default } from "./shared/table.ts";');
    const [a, b] = await load('a.channel.ts', 'b.channel.ts');
    expect(a?.instance).toBe(b?.instance);
    expect(b?.files).toEqual(['b.channel.ts', 'shared/table.ts']);
  });

  it('leads imports of weir to the running installation', async () => {
    await write('channels/a.channel.ts', 'export { installed as default } from "weir";');
    expect((await load('a.channel.ts'))[0]?.value).toBe('this installation');
  });

  it('loads a file that was mended after it had failed', async () => {
    await write('channels/a.channel.ts', 'export default (;');
    expect((await load('a.channel.ts'))[0]?.error).toBe('SyntaxError');
    await write('channels/a.channel.ts', 'export default 3;');
    expect((await load('a.channel.ts'))[0]?.value).toBe(3);
  });
});
