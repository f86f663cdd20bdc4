import { mkdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { loadChannels } from '../core/config/channels-folder.ts';
import { type CodeLoader, sha256 } from '../core/config/code-loader.ts';
import { type Environment, readEnvironment } from '../core/config/environment.ts';
import { KeptChannels } from '../core/config/kept-channels.ts';
import { describeProblem, type Problem } from '../core/config/problem.ts';
import type { ReferenceSources } from '../core/config/references.ts';
import type { Registry } from '../core/config/registry.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { asHubError, type ErrorRecord, errorRecord, HubError } from '../core/errors.ts';
import type { Processing } from '../core/processing.ts';
import type { EndpointSource } from '../core/runtime/create-engine.ts';
import type { Engine } from '../core/runtime/engine.ts';
import type { CsvReader } from '../core/tables/csv-table.ts';
import { reloadTables } from '../core/tables/reload-tables.ts';
import { noTables, type TableSet } from '../core/tables/table-set.ts';
import { UnknownCodes } from '../core/tables/unknown-codes.ts';
import { COMMA_SEPARATED } from '../protocols/delimited/dialect.ts';
import { readDelimited } from '../protocols/delimited/read.ts';
import { type AlertsConfig, defaultAlerts } from './alerts/alerts-config.ts';
import { loadAlerts } from './alerts/alerts-file.ts';
import type { AlertsSource } from './alerts/far-ends.ts';
import { readOrNothing, type Settings } from './settings.ts';
import { weirVersion } from './version.ts';
import { type Wiring, wiringOf } from './wiring.ts';

/** What a deployment did, channel by channel. With problems nothing was changed. */
export interface DeployReport {
  readonly deployed: readonly { readonly channel: string; readonly version: string }[];
  readonly unchanged: readonly string[];
  readonly removed: readonly string[];
  /** Channels that the engine refused; their old definition goes on. */
  readonly refused: readonly { readonly channel: string; readonly error: ErrorRecord }[];
  readonly problems: readonly Problem[];
}

const csv: CsvReader = (text) => readDelimited(text, COMMA_SEPARATED);

/** The channels folder with its environment and its code tables, and how they get into the engine. */
export class Deployment implements EndpointSource, AlertsSource {
  readonly #settings: Settings;
  readonly #registry: Registry;
  readonly #code: CodeLoader;
  #environment: Environment = { endpoints: {} };
  #environmentHash = '';
  /** The file that it was read from. */
  #environmentText: string | undefined;
  /** Codes that the tables in force do not have. A table that changes begins its list anew. */
  readonly unknown = new UnknownCodes();
  #tables: TableSet = noTables;
  #wiring: Wiring = { endpoints: {}, uses: [], holdKey: [] };
  #alerts: AlertsConfig = defaultAlerts();
  #last: Promise<unknown> = Promise.resolve();
  readonly #kept = new KeptChannels();

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

  /** The endpoints and who uses them, as they were last deployed. */
  get wiring(): Wiring {
    return this.#wiring;
  }

  /** What the hub is for, by the environment as it was last deployed. */
  get processing(): Processing | undefined {
    return this.#environment.processing;
  }

  /** The code tables as they were last deployed. */
  get tables(): TableSet {
    return this.#tables;
  }

  /** `alerts.yaml` as it was last deployed. */
  get alerts(): AlertsConfig {
    return this.#alerts;
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
    const { tables, changed, problems: inTables } = await reloadTables(join(directory, 'tables'), csv, this.#tables);
    const { channels, problems } = await loadChannels({
      directory,
      registry: this.#registry,
      code: await this.#code.snapshot(),
      weirVersion,
      tables,
      unknown: this.unknown,
      kept: this.#kept,
      references: this.#references(),
      ...(endpoints && { endpoints }),
      ...(environment.value?.zone !== undefined && { zone: environment.value.zone }),
    });
    const alerts = await loadAlerts(join(directory, 'alerts.yaml'), {
      registry: this.#registry,
      ...(endpoints && { endpoints }),
      // A feed may be in a channel file that has a mistake.
      ...(problems.length === 0 && { channels: channels.map(({ definition }) => definition.name) }),
      timeZone: environment.value?.zone ?? this.#settings.timeZone,
    });
    const inAlerts = alerts.ok ? [] : alerts.problems;
    const all = [...environment.problems, ...inTables, ...problems, ...inAlerts];
    if (all.length > 0 || !environment.value || !alerts.ok)
      return { deployed: [], unchanged: [], removed: [], refused: [], problems: all };
    await makeOwnDirectories(environment.value, this.#settings.stateDir);
    const moved = environment.hash !== this.#environmentHash;
    this.#environment = environment.value;
    this.#environmentHash = environment.hash;
    this.#environmentText = environment.text;
    this.#tables = tables;
    this.#wiring = wiringOf(
      environment.value.endpoints,
      channels.map(({ definition }) => definition),
    );
    this.#alerts = alerts.value;
    for (const table of changed) this.unknown.clear(table);

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

  async #readEnvironment(): Promise<{
    value?: Environment;
    hash: string;
    text?: string;
    problems: readonly Problem[];
  }> {
    const name = join('env', `${this.#settings.environment}.yaml`);
    const path = join(this.#settings.channels, name);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch {
      const message = `the environment ${this.#settings.environment} cannot be read`;
      return { hash: '', problems: [{ file: path, line: 1, column: 1, code: 'file-unreadable', message }] };
    }
    // The files that references name may have changed; the process's own environment cannot.
    if (text === this.#environmentText && !/\$\{file:/.test(text))
      return { value: this.#environment, hash: this.#environmentHash, text, problems: [] };
    const read = readEnvironment(path, path, text, this.#references());
    return read.ok
      ? { value: read.value, hash: sha256(JSON.stringify(read.value)), text, problems: [] }
      : { hash: '', problems: read.problems };
  }

  #references(): ReferenceSources {
    return { environment: process.env, readFile: readOrNothing, stateDir: this.#settings.stateDir };
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
