import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { weirHere } from '../../testing/command-line.ts';
import { type Workplace, workplace } from '../../testing/hub-process.ts';

let place: Workplace;
let config: string;
beforeAll(async () => {
  place = await workplace();
  config = join(place.directory, 'weir.yaml');
  expect(await weirHere('init', place.directory)).toMatchObject({ code: 0, err: '' });
});
afterAll(() => place[Symbol.asyncDispose]());

describe('weir init', () => {
  it('writes a repository that is right, and whose tests pass', async () => {
    expect(await weirHere('check', place.directory)).toMatchObject({ code: 0, out: '1 channel is right\n' });
    expect(await weirHere('check', place.directory, '--env', 'production')).toMatchObject({ code: 0 });
    const { code, out } = await weirHere('test', place.directory);
    expect(out).toMatch(/5 tests passed\n$/);
    expect(code).toBe(0);
  });

  it('maps its schemas for editors', async () => {
    const settings = JSON.parse(await readFile(join(place.directory, '.vscode/settings.json'), 'utf8'));
    const files = Object.keys(settings['yaml.schemas']);
    expect(files).toContain('./schemas/channel.schema.json');
    for (const file of files)
      expect(JSON.parse(await readFile(join(place.directory, file), 'utf8'))).toHaveProperty('$schema');
  });

  it('overwrites nothing', async () => {
    expect(await weirHere('init', place.directory)).toMatchObject({
      code: 5,
      out: '',
      err: expect.stringContaining('nothing was written'),
    });
  });

  it('has commands in its README that are there', async () => {
    const readme = await readFile(join(place.directory, 'README.md'), 'utf8');
    const { out } = await weirHere('--help');
    for (const [, command] of readme.matchAll(/^weir (\w+)/gm))
      expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  });
});

describe('weir new', () => {
  it('writes what passes check and test as it is', async () => {
    for (const kind of ['channel', 'profile', 'mapping', 'table']) {
      const { code, err } = await weirHere('new', kind, `my-${kind}`, '--config', config);
      expect(err).toBe('');
      expect(code).toBe(0);
    }
    const { code, out } = await weirHere('check', place.directory);
    expect(out).toBe('2 channels are right\n');
    expect(code).toBe(0);
    expect((await weirHere('test', place.directory)).out).toMatch(/6 tests passed\n$/);
  });

  it('overwrites nothing, and takes no name that a file could not have', async () => {
    expect(await weirHere('new', 'table', 'my-table', '--config', config)).toMatchObject({ code: 5 });
    expect(await weirHere('new', 'table', '../x', '--config', config)).toMatchObject({ code: 2 });
  });
});

describe('weir diff', () => {
  it('says by channel what a promotion changes', async () => {
    const { code, out } = await weirHere('diff', 'test', 'production', '--config', config);
    expect(out).toMatch(/^adt-fanout +ris-adt +host +127\.0\.0\.1 +ris\.hospital\.example$/m);
    expect(code).toBe(1);
    expect(out).toMatch(/production has no endpoint my-channel-in, which my-channel needs/);
  });

  it('shows references of secrets, and never a secret', async () => {
    await place.write({
      'channels/env/a.yaml': `endpoints:\n  web: { kind: bearer-token, token: '\${env:A}' }\n`,
      'channels/env/b.yaml': 'endpoints:\n  web: { kind: bearer-token, token: hunter2 }\n',
    });
    const { out } = await weirHere('diff', 'a', 'b', '--config', config);
    expect(out).toMatch(/web +token +\$\{env:A\} +\(a value that is no reference\)/);
    expect(out).not.toContain('hunter2');
  });
});
