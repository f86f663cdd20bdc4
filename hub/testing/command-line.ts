import { run } from '../cli/program.ts';
import type { Ended } from './hub-process.ts';

/** Runs a command in this process, with what it prints kept. One at a time. */
export async function weirHere(...args: readonly string[]): Promise<Ended> {
  const { stdout, stderr } = process;
  const [toOut, toErr] = [stdout.write, stderr.write];
  let [out, err] = ['', ''];
  stdout.write = ((chunk: string | Uint8Array) => {
    out += Buffer.from(chunk as Uint8Array).toString();
    return true;
  }) as typeof stdout.write;
  stderr.write = ((chunk: string | Uint8Array) => {
    err += Buffer.from(chunk as Uint8Array).toString();
    return true;
  }) as typeof stderr.write;
  try {
    const code = await run(['node', 'weir', ...args]);
    return { code, out, err };
  } finally {
    stdout.write = toOut;
    stderr.write = toErr;
  }
}
