import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { shownPath } from '../../../core/config/shown-path.ts';
import { isHl7, laidOutJson } from '../offline/difference.ts';
import { print } from '../output.ts';
import type { TestResult } from './run-case.ts';

/**
 * Writes what was sent where a test expects something else of a file: after a question for each, or without one.
 * @returns how many files were written
 */
export async function updateExpected(results: readonly TestResult[], withoutAsking: boolean): Promise<number> {
  const ask = withoutAsking ? undefined : createInterface({ input: process.stdin, output: process.stdout });
  const written = new Set<string>();
  try {
    for (const { of, unmet } of results) {
      for (const { where, lines, update } of unmet) {
        if (!update || written.has(update.path)) continue;
        print(`\n${of.channel.definition.name} › ${of.name} › ${where}`);
        for (const line of lines) print(`  ${line}`);
        const answer = ask ? await ask.question(`write ${shownPath(update.path)}? [y/N] `) : 'y';
        if (!/^y(?:es)?$/i.test(answer.trim())) continue;
        await mkdir(dirname(update.path), { recursive: true });
        await writeFile(update.path, forPeople(update.actual));
        written.add(update.path);
        print(`${shownPath(update.path)}: written`);
      }
    }
  } finally {
    ask?.close();
  }
  return written.size;
}

/** As editors and version control show it: segments and keys on lines of their own. A test takes no notice of that. */
function forPeople(bytes: Uint8Array): Uint8Array {
  if (isHl7(bytes)) return bytes.includes(10) ? bytes : bytes.map((byte) => (byte === 13 ? 10 : byte));
  const json = laidOutJson(bytes);
  return json === undefined ? bytes : Buffer.from(`${json}\n`);
}
