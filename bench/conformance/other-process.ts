import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * The digests of what the messages of these files become in a process of its own: in another time zone and another language.
 * Rejects where that process ends otherwise than well.
 */
export async function digestsElsewhere(paths: readonly string[]): Promise<readonly string[]> {
  const child = spawn(process.execPath, [new URL('same-bytes.ts', import.meta.url).pathname], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TZ: 'Pacific/Chatham', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
  });
  const ended = once(child, 'close');
  child.stdin.end(`${paths.join('\n')}\n`);
  const digests: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) digests.push(line);
  const [code] = await ended;
  if (code !== 0 || digests.length < paths.length)
    throw new Error(`converting in another process: it ended with ${code} after ${digests.length} messages`);
  return digests;
}
