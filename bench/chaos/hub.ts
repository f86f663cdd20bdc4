import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startArguments } from '../../hub/testing/hub-process.ts';
import { productArguments } from '../product-arguments.ts';

const main = join(import.meta.dirname, '../../hub/main.ts');
const AGAIN_MS = 500;
const LOOK_MS = 100;

interface Running {
  readonly process: ChildProcess;
  /** Address of its admin API. */
  readonly admin: string;
}

/** A hub under a supervisor that starts it again whenever it has ended, as systemd would. Its output is in a file for each life. */
export class Hub implements AsyncDisposable {
  readonly name: string;
  readonly #directory: string;
  readonly #logs: string;
  readonly #say: (text: string) => void;
  readonly #supervised: Promise<void>;
  #child: ChildProcess | undefined;
  #running: Running | undefined;
  #up = Promise.withResolvers<Running>();
  /** While it stays down on purpose. */
  #down: Promise<unknown> | undefined;
  #killed = false;
  #stopped = false;
  #lives = 0;
  /** How often it ended, once it was up, although nobody had killed it. */
  endings = 0;

  /** `directory` has its `weir.yaml` and its channels; `logs` gets what it says. */
  constructor(name: string, directory: string, logs: string, say: (text: string) => void) {
    this.name = name;
    this.#directory = directory;
    this.#logs = logs;
    this.#say = say;
    this.#supervised = this.#supervise();
  }

  /** Resolves once it runs. */
  async up(): Promise<void> {
    await this.#whenUp();
  }

  /** JSON of its admin API. */
  async get<A>(path: string): Promise<A> {
    const { admin } = await this.#whenUp();
    return (await (await fetch(new URL(path, admin))).json()) as A;
  }

  /** kill −9, and so long until it is started again. Resolves once it runs again. */
  async kill(downMs: number): Promise<void> {
    const { process } = await this.#whenUp();
    this.#killed = true;
    this.#down = sleep(downMs);
    this.#running = undefined;
    this.#up = Promise.withResolvers();
    process.kill('SIGKILL');
    await this.up();
  }

  /** SIGSTOP for so long. */
  async freeze(ms: number): Promise<void> {
    const { process } = await this.#whenUp();
    process.kill('SIGSTOP');
    await sleep(ms);
    process.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#child?.kill('SIGKILL');
    await this.#supervised;
  }

  async #whenUp(): Promise<Running> {
    return this.#running ?? (await this.#up.promise);
  }

  async #supervise(): Promise<void> {
    while (!this.#stopped) {
      await this.#down;
      this.#down = undefined;
      this.#killed = false;
      const wasUp = await this.#live();
      if (this.#killed || this.#stopped) continue;
      if (wasUp) this.endings++;
      this.#say(`HUB ${this.name} ${wasUp ? 'ENDED BY ITSELF' : 'DID NOT START, and is started again'}`);
      await sleep(AGAIN_MS);
    }
  }

  /** One life, to its end. Resolves with whether it was ever up. */
  async #live(): Promise<boolean> {
    const logFile = join(this.#logs, `${this.name}-${++this.#lives}.log`);
    const log = openSync(logFile, 'w');
    const args = [...productArguments, main, ...startArguments(this.#directory)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', log, log], cwd: this.#directory });
    closeSync(log);
    this.#child = child;
    let ended = false;
    const exited = once(child, 'exit').then(() => void (ended = true));
    let admin: string | undefined;
    while (!ended && admin === undefined) {
      await Promise.race([exited, sleep(LOOK_MS)]);
      admin = /admin API on (http:\/\/\S+:\d+), up after/.exec(readFileSync(logFile, 'utf8'))?.[1];
    }
    if (admin !== undefined && !this.#killed) {
      this.#running = { process: child, admin };
      this.#up.resolve(this.#running);
    }
    await exited;
    if (this.#running) {
      this.#running = undefined;
      this.#up = Promise.withResolvers();
    }
    return admin !== undefined;
  }
}
