import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
let folder = '';

/** Below node_modules, where Vitest finds itself and nobody looks for tests. */
beforeEach(() => {
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
  folder = mkdtempSync(join(root, 'node_modules/.cache/weir-run-'));
  chmodSync(folder, 0o755);
  writeFileSync(
    join(folder, 'vitest.config.mjs'),
    `export default { test: { include: ['*.test.ts'], exclude: [], globalSetup: ['${root}/deploy/services/test-run.ts'] } };\n`,
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const needsKafka = `
import { describe, expect, it } from 'vitest';
import { service } from '${root}/core/testing/services.ts';
const kafka = await service('kafka', import.meta.filename);
describe.skipIf(kafka.missing)('with a broker', () => {
  it('publishes', () => expect(kafka.address).not.toBe(''));
  it('consumes', () => expect(kafka.address).not.toBe(''));
});
it('does without', () => expect(true).toBe(true));
`;

/** A test run of its own, on a machine that has no Java; resolves when it has ended. */
async function vitest(more: NodeJS.ProcessEnv) {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(WEIR_|VITEST|CI$|DOCKER_)/.test(name)),
  );
  const env = {
    ...environment,
    PATH: '/nowhere',
    WEIR_SERVICES_FOLDER: join(folder, 'services'),
    NO_COLOR: '1',
    ...more,
  };
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder];
  return await run(process.execPath, args, { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (thrown: { readonly code: number; readonly stdout: string; readonly stderr: string }) => thrown,
  );
}

it('says how many tests were skipped for want of a service, and why', { timeout: 60_000 }, async () => {
  writeFileSync(join(folder, 'broker.test.ts'), needsKafka);
  const { code, stdout, stderr } = await vitest({});
  expect(stdout).toMatch(/1 passed \| 2 skipped/);
  expect(stderr).toMatch(/^SKIPPED: kafka \(running java --version: .*ENOENT\) - 2 tests in 1 files$/m);
  expect(code).toBe(0);
  // It leaves nothing that would make the next run believe that this one runs.
  expect(readdirSync(join(folder, 'services/runs'))).toEqual(['locks']);
});

it('fails in CI when a service cannot be had', { timeout: 60_000 }, async () => {
  writeFileSync(join(folder, 'broker.test.ts'), needsKafka);
  const { code, stderr } = await vitest({ CI: 'true' });
  expect(stderr).toMatch(/this test needs kafka: running java --version/);
  expect(code).toBe(1);
});

it('starts nothing for tests that need nothing', { timeout: 60_000 }, async () => {
  writeFileSync(join(folder, 'plain.test.ts'), "import { it } from 'vitest';\nit('adds', () => {});\n");
  expect(await vitest({})).toMatchObject({ code: 0, stderr: '' });
  expect(existsSync(join(folder, 'services'))).toBe(false);
});
