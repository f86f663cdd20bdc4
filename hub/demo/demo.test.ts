import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

function demo(...options: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'demo.ts'), ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, problems] = [text(child.stdout), text(child.stderr)];
  const ended = once(child, 'exit').then(async ([code]) => ({ code, output: await output, problems: await problems }));
  const says = (wanted: string) =>
    new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => chunk.includes(wanted) && resolve());
    });
  return { child, ended, says };
}

const quick = ['--seconds', '0', '--patients', '15'];

describe('npm run demo', () => {
  it('delivers every sample, a second one beside it too, and exits 0', async () => {
    const both = await Promise.all([demo('--once', ...quick).ended, demo('--once', ...quick).ended]);
    for (const { code, output, problems } of both) {
      expect(output).toContain('every sample was delivered');
      expect(output).toMatch(/of these +valid by FHIR R4 +\d+ +\d+ +all/);
      expect(output).not.toContain('WRONG');
      expect(output).toContain('drained and stopped; nothing was left in flight');
      expect({ code, problems }).toEqual({ code: 0, problems: '' });
    }
  }, 60_000);

  it('drains and ends at Ctrl-C in the middle of the play', async () => {
    const { child, ended, says } = demo();
    await says('playing');
    child.kill('SIGINT');
    const { code, output, problems } = await ended;
    expect(output).toContain('drained and stopped');
    expect({ code, problems }).toEqual({ code: 0, problems: '' });
  }, 60_000);

  it('goes on after the table until Ctrl-C', async () => {
    const { child, ended, says } = demo(...quick);
    await says('until Ctrl-C');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 0, problems: '' });
  }, 60_000);

  it('says in one go how it is called when it is called wrongly', async () => {
    const { code, problems } = await demo('--twice').ended;
    expect(code).toBe(2);
    expect(problems).toContain('--once');
  });
});
