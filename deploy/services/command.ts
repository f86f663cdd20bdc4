import { execFile } from 'node:child_process';
import { promisify, stripVTControlCharacters } from 'node:util';
import { interrupted } from './interrupted.ts';
import type { Place } from './service.ts';

const run = promisify(execFile);

interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly timeoutMs?: number;
  /** False for what has to be done although this process is asked to end. */
  readonly interruptible?: boolean;
}

/** Runs a program to its end and gives what it printed. Rejects with its name and the last lines of what it said. */
export async function command(
  program: string,
  args: readonly string[],
  { env = {}, directory, timeoutMs = 300_000, interruptible = true }: CommandOptions = {},
  user?: Place['user'],
): Promise<string> {
  try {
    const { stdout } = await run(program, args, {
      env: { ...process.env, LC_ALL: 'C', ...env },
      ...(directory !== undefined && { cwd: directory }),
      ...user,
      timeout: timeoutMs,
      ...(interruptible && { signal: interrupted }),
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  } catch (cause) {
    const {
      stderr = '',
      stdout = '',
      message,
    } = cause as Error & { readonly stderr?: string; readonly stdout?: string };
    const [errors, output] = [stderr, stdout].map((text) => stripVTControlCharacters(text).trim());
    const said = (errors || output || message).split('\n').slice(0, 4).join(' / ');
    throw new Error(`running ${program} ${args[0] ?? ''}: ${said}`, { cause });
  }
}
