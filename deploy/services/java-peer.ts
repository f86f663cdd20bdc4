import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { mavenJars } from './maven.ts';

const caches = join(import.meta.dirname, '../../node_modules/.cache');
const flags = ['-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'];

/** A program of tests in Java that speaks with ours. */
export interface JavaPeer {
  /** Why it cannot be had on this machine: `describe.skipIf(peer.missing)`. */
  readonly missing: string | undefined;
  /** Starts it; disposing of `open` ends it. */
  start(
    open: AsyncDisposableStack,
    ...args: readonly string[]
  ): { readonly child: ChildProcessWithoutNullStreams; readonly lines: AsyncIterableIterator<string> };
}

/** Compiles a file beside a pom.xml, whose jars are kept under `name`. Where it cannot be had that is said; with CI=true it throws. */
export async function javaPeer(file: string, name: string): Promise<JavaPeer> {
  const program = basename(file, '.java');
  const [jars, classes] = [join(caches, name), join(caches, `${name}-peer`)];
  try {
    await mavenJars(join(dirname(file), 'pom.xml'), jars);
    const names = readdirSync(jars).filter((jar) => jar.endsWith('.jar'));
    const path = [classes, ...names.map((jar) => join(jars, jar))].join(delimiter);
    mkdirSync(classes, { recursive: true });
    execFileSync('javac', ['-encoding', 'UTF-8', '-cp', path, '-d', classes, file], { stdio: 'pipe' });
    const start: JavaPeer['start'] = (open, ...args) => {
      // Some keep a file in the working directory.
      const child = spawn('java', [...flags, '-cp', path, program, ...args], { cwd: tmpdir() });
      child.stderr.pipe(process.stderr);
      open.defer(() => void child.kill('SIGKILL'));
      return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
    };
    return { missing: undefined, start };
  } catch (thrown) {
    if (process.env.CI === 'true') throw thrown;
    const missing = (thrown as Error).message.split('\n')[0] ?? '';
    process.stderr.write(`NOT TESTED AGAINST ${program}: ${missing}\n`);
    const start = () => {
      throw thrown;
    };
    return { missing, start };
  }
}
