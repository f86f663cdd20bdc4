import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { ownFolder } from './folder.ts';
import { type ServiceName, serviceNames } from './service.ts';

const main = join(import.meta.dirname, 'main.ts');
const runs = join(ownFolder, 'runs');

interface Skip {
  readonly name: ServiceName;
  readonly why: string;
  readonly testFile: string;
}

/**
 * Set-up of a test run. Services that the files of this run name are started side by side while the first tests run already; each
 * test waits for its own only. A run whose files name none starts none. In the end it says what was skipped for want of a service,
 * and ends what it started, unless another run uses it. What its processes have compiled they share: a hub starts in half the time.
 */
export default function setUp({ vitest }: TestProject): () => Promise<void> {
  const run = String(process.pid);
  process.env.WEIR_TEST_RUN = run;
  const compiled = mkdtempSync(join(tmpdir(), 'weir-compiled-'));
  process.env.NODE_COMPILE_CACHE = compiled;
  const wanted = servicesIn(vitest.state.getPaths());
  const starting = wanted.length > 0 ? command(['up', ...wanted, '--run', run]) : undefined;
  return async () => {
    await starting;
    if (existsSync(join(runs, `${run}.began`))) {
      for (const line of skipped(run, vitest)) process.stderr.write(`${line}\n`);
      await command(['leave', '--run', run]);
    }
    // At its end a process writes what it has compiled, and makes the folder for it.
    rmSync(compiled, { recursive: true, force: true });
  };
}

/** Those that test files ask for by name. One that is asked for elsewhere starts when it is asked for. */
function servicesIn(files: readonly string[]): readonly ServiceName[] {
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const named = new Set([...text.matchAll(/\bservice\('(\w+)'/g)].map((match) => match[1]));
  return serviceNames.filter((name) => named.has(name));
}

/** In a group of its own: Ctrl-C at the terminal is not for it, and what it ends, it ends. */
async function command(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
  await once(child, 'exit');
}

function skipped(run: string, vitest: TestProject['vitest']): readonly string[] {
  const file = join(runs, `${run}.skipped`);
  if (!existsSync(file)) return [];
  const skips = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Skip);
  return serviceNames.flatMap((name) => {
    const own = skips.filter((skip) => skip.name === name);
    const files = new Set(own.map((skip) => skip.testFile));
    const modules = vitest.state.getTestModules().filter((module) => files.has(module.moduleId));
    const tests = modules.reduce((sum, module) => sum + [...module.children.allTests('skipped')].length, 0);
    return own[0] ? [`SKIPPED: ${name} (${own[0].why.split('\n')[0]}) - ${tests} tests in ${files.size} files`] : [];
  });
}
