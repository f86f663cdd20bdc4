import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataFolder } from '../../../deploy/services/folder.ts';
import { type Programs, programs } from '../../../deploy/services/packages.ts';

/**
 * Pairs of terminals, each the other's far end, made by socat: what stands for a serial cable. Where socat cannot be had, `missing`
 * says why and it is told loudly; with CI=true it throws.
 */
export async function ptys(): Promise<{ readonly missing: string | undefined; pair(): Promise<PtyPair> }> {
  let socat: Programs | undefined;
  let missing: string | undefined;
  try {
    socat = await programs(dataFolder, ['socat'], ['socat']);
  } catch (thrown) {
    if (process.env.CI === 'true') throw thrown;
    missing = (thrown as Error).message;
    process.stderr.write(`SKIPPED: nothing is tested over serial lines (${missing})\n`);
  }
  return { missing, pair: () => PtyPair.open(socat!) };
}

/** `device` is the end to write to and read from as the device does, `host` the port that a hub opens. */
export class PtyPair {
  readonly #socat: Programs;
  readonly #folder = mkdtempSync(join(tmpdir(), 'weir-pty-'));
  #child: ChildProcess | undefined;

  private constructor(socat: Programs) {
    this.#socat = socat;
  }

  static async open(socat: Programs): Promise<PtyPair> {
    const pair = new PtyPair(socat);
    await pair.plug();
    return pair;
  }

  get host(): string {
    return join(this.#folder, 'host');
  }

  get device(): string {
    return join(this.#folder, 'device');
  }

  /** Makes the pair, on the same paths again after `unplug`. */
  async plug(): Promise<void> {
    const end = (path: string): string => `pty,raw,echo=0,link=${path}`;
    const { path, env } = this.#socat;
    const child = spawn(path('socat'), [end(this.device), end(this.host)], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    this.#child = child;
    while (!existsSync(this.host) || !existsSync(this.device)) {
      if (child.exitCode !== null) throw new Error(`socat ended with ${child.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Both ends hang up and their paths are gone, as when a USB adapter is pulled. */
  async unplug(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    for (const path of [this.host, this.device]) rmSync(path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unplug();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
