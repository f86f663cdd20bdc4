import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HubError } from '../../core/errors.ts';

const content = z.object({ at: z.iso.datetime() });

/** The last tick that was acknowledged, in a file of its own for each channel. */
export class LastTick {
  readonly #path: string;

  constructor(directory: string, channel: string) {
    this.#path = join(directory, `${channel.replaceAll(/[^\w.-]/g, '_')}.schedule.json`);
  }

  /** Milliseconds since the epoch; undefined where there was none yet. Throws HubError `refused`, transient. */
  async read(): Promise<number | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') return undefined;
      throw failed('reading the last tick', thrown);
    }
    const read = content.safeParse(parsed(text));
    return read.success ? Date.parse(read.data.at) : undefined;
  }

  /** Resolves when it is on the disk. Throws HubError `refused`, transient. */
  async write(at: number): Promise<void> {
    try {
      const temporary = `${this.#path}.tmp`;
      const handle = await open(temporary, 'w', 0o640);
      try {
        await handle.writeFile(`${JSON.stringify({ at: new Date(at).toISOString() })}\n`);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#path);
    } catch (thrown) {
      throw failed('noting the last tick', thrown);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function codeOf(thrown: unknown): string {
  return (thrown as NodeJS.ErrnoException).code ?? 'failed';
}

function failed(doing: string, thrown: unknown): HubError {
  return new HubError('refused', 'transient', `${doing}: ${codeOf(thrown)}`, { scope: 'destination', cause: thrown });
}
