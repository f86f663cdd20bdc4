import { mkdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { loadChannels } from '../core/config/channels-folder.ts';
import { type CodeLoader, sha256 } from '../core/config/code-loader.ts';
import { type Environment, readEnvironment } from '../core/config/environment.ts';
import { describeProblem, type Problem } from '../core/config/problem.ts';
import type { Registry } from '../core/config/registry.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { asHubError, type ErrorRecord, errorRecord, HubError } from '../core/errors.ts';
import type { EndpointSource } from '../core/runtime/create-engine.ts';
import type { Engine } from '../core/runtime/engine.ts';
import { readOrNothing, type Settings } from './settings.ts';
import { weirVersion } from './version.ts';

/** What a deployment did, channel by channel. With problems nothing was changed. */
export interface DeployReport {
  readonly deployed: readonly { readonly channel: string; readonly version: string }[];
  readonly unchanged: readonly string[];
  readonly removed: readonly string[];
  /** Channels that the engine refused; their old definition goes on. */
  readonly refused: readonly { readonly channel: string; readonly error: ErrorRecord }[];
  readonly problems: readonly Problem[];
}

/** The channels folder and its environment, and how they get into the engine. */
export class Deployment implements EndpointSource {
  readonly #settings: Settings;
  readonly #registry: Registry;
  readonly #code: CodeLoader;
  #environment: Environment = { endpoints: {} };
  #environmentHash = '';
  #last: Promise<unknown> = Promise.resolve();

  constructor(settings: Settings, registry: Registry, code: CodeLoader) {
    this.#settings = settings;
    this.#registry = registry;
    this.#code = code;
  }

  /** An endpoint of the environment as it was last deployed. */
  get(name: string): Endpoint | undefined {
    const { endpoints } = this.#environment;
    return Object.hasOwn(endpoints, name) ? endpoints[name] : undefined;
  }

  /** Reads the folder anew and deploys what changed. Two calls go one after the other, the second then finds nothing to do. */
  deploy(engine: Engine): Promise<DeployReport> {
    const run = this.#last.then(() => this.#deploy(engine));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #deploy(engine: Engine): Promise<DeployReport> {
    const directory = this.#settings.channels;
    const environment = await this.#readEnvironment();
    const endpoints = environment.value && new Set(Object.keys(environment.value.endpoints));
    const { channels, problems } = await loadChannels({
      directory,
      registry: this.#registry,
      code: await this.#code.snapshot(),
      weirVersion,
      ...(endpoints && { endpoints }),
    });
    const all = [...environment.problems, ...problems];
    if (all.length > 0 || !environment.value)
      return { deployed: [], unchanged: [], removed: [], refused: [], problems: all };
    await makeOwnDirectories(environment.value, this.#settings.stateDir);
    const moved = environment.hash !== this.#environmentHash;
    this.#environment = environment.value;
    this.#environmentHash = environment.hash;

    const running = new Map((await engine.status()).map(({ channel, version }) => [channel, version]));
    const deployed: { channel: string; version: string }[] = [];
    const unchanged: string[] = [];
    const removed: string[] = [];
    const refused: { channel: string; error: ErrorRecord }[] = [];
    const attempt = async (channel: string, action: () => Promise<void>) => {
      try {
        await action();
        return true;
      } catch (thrown) {
        refused.push({ channel, error: errorRecord(asHubError(thrown, 'config-invalid', `deploying ${channel}`)) });
        return false;
      }
    };
    const wanted = new Set(channels.map(({ definition }) => definition.name));
    for (const channel of running.keys()) {
      if (!wanted.has(channel) && (await attempt(channel, () => engine.undeploy(channel)))) removed.push(channel);
    }
    for (const { definition, version } of channels) {
      const { name } = definition;
      if (!moved && running.get(name) === version) unchanged.push(name);
      else if (await attempt(name, () => engine.deploy(definition, version))) deployed.push({ channel: name, version });
    }
    return { deployed, unchanged, removed, refused, problems: [] };
  }

  async #readEnvironment(): Promise<{ value?: Environment; hash: string; problems: readonly Problem[] }> {
    const name = join('env', `${this.#settings.environment}.yaml`);
    const path = join(this.#settings.channels, name);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch {
      const message = `the environment ${this.#settings.environment} cannot be read`;
      return { hash: '', problems: [{ file: path, line: 1, column: 1, code: 'file-unreadable', message }] };
    }
    const { stateDir } = this.#settings;
    const read = readEnvironment(path, path, text, { environment: process.env, readFile: readOrNothing, stateDir });
    return read.ok
      ? { value: read.value, hash: sha256(JSON.stringify(read.value)), problems: [] }
      : { hash: '', problems: read.problems };
  }
}

/** Directories under the hub's own state are made where they are missing; any other may be a mount that is not there yet. */
async function makeOwnDirectories({ endpoints }: Environment, stateDir: string): Promise<void> {
  for (const endpoint of Object.values(endpoints)) {
    if (endpoint.kind === 'directory' && endpoint.path.startsWith(stateDir + sep))
      await mkdir(endpoint.path, { recursive: true });
  }
}

/**
 * Throws HubError when anything was not deployed: `config-invalid` with a line for each problem; else the error of the first
 * channel that was refused, in one line that says how many others there are.
 */
export function assertDeployed({ problems, refused }: DeployReport): void {
  if (problems.length > 0) throw new HubError('config-invalid', 'permanent', problems.map(describeProblem).join('\n'));
  const [first] = refused;
  if (!first) return;
  const { code, kind, message } = first.error;
  const others = refused.length - 1;
  const more = others === 0 ? '' : ` (and ${others} other ${others === 1 ? 'channel' : 'channels'} could not start)`;
  throw new HubError(code, kind, `starting channel ${first.channel}: ${message}${more}`);
}
