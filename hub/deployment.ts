import { join } from 'node:path';
import type { ChannelDefinition } from '../core/channel.ts';
import { type LoadedChannel, loadChannels } from '../core/config/channels-folder.ts';
import type { CodeLoader, CodeSnapshot } from '../core/config/code-loader.ts';
import type { Environment } from '../core/config/environment.ts';
import { KeptChannels } from '../core/config/kept-channels.ts';
import { describeProblem, type Problem } from '../core/config/problem.ts';
import type { Registry } from '../core/config/registry.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { asHubError, type ErrorRecord, errorRecord, HubError } from '../core/errors.ts';
import type { Processing } from '../core/processing.ts';
import { companions } from '../core/runtime/collect/companion.ts';
import type { EndpointSource } from '../core/runtime/create-engine.ts';
import type { Engine } from '../core/runtime/engine.ts';
import { unkeyedAt } from '../core/runtime/jobs/holds.ts';
import type { CsvReader } from '../core/tables/csv-table.ts';
import { reloadTables } from '../core/tables/reload-tables.ts';
import { noTables, type TableSet } from '../core/tables/table-set.ts';
import { UnknownCodes } from '../core/tables/unknown-codes.ts';
import { COMMA_SEPARATED } from '../protocols/delimited/dialect.ts';
import { readDelimited } from '../protocols/delimited/read.ts';
import { type AlertsConfig, defaultAlerts } from './alerts/alerts-config.ts';
import { loadAlerts } from './alerts/alerts-file.ts';
import type { AlertsSource } from './alerts/far-ends.ts';
import { type Chosen, type DeployReport, nothingDeployed, type RefusedTables } from './deploy-report.ts';
import { EnvironmentInForce } from './environment-in-force.ts';
import { HeldBackChannels } from './held-back-channels.ts';
import { makeOwnDirectories } from './own-directories.ts';
import type { Settings } from './settings.ts';
import { type TablesReload, versionsOf } from './tables-watch.ts';
import { doneAmong } from './undeploy.ts';
import { UndeployedChannels } from './undeployed.ts';
import { weirVersion } from './version.ts';
import { type Wiring, wiringOf } from './wiring.ts';

const csv: CsvReader = (text) => readDelimited(text, COMMA_SEPARATED);

/** The channels folder with its environment and its code tables, and how they get into the engine. */
export class Deployment implements EndpointSource, AlertsSource {
  readonly #settings: Settings;
  readonly #registry: Registry;
  readonly #code: CodeLoader;
  readonly #environment: EnvironmentInForce;
  /** The hash of the environment that each channel was deployed with last. */
  readonly #deployedWith = new Map<string, string>();
  /** What people have undeployed. */
  readonly undeployed = new UndeployedChannels();
  /** Codes that the tables in force do not have. A table that changes begins its list anew. */
  readonly unknown = new UnknownCodes();
  #tables: TableSet = noTables;
  readonly #heldBack = new HeldBackChannels();
  #wiring: Wiring = { endpoints: {}, uses: [], holdKey: [] };
  #alerts: AlertsConfig = defaultAlerts();
  #channels: readonly LoadedChannel[] = [];
  #last: Promise<unknown> = Promise.resolve();
  readonly #kept = new KeptChannels();

  constructor(settings: Settings, registry: Registry, code: CodeLoader) {
    this.#settings = settings;
    this.#environment = new EnvironmentInForce(settings);
    this.#registry = registry;
    this.#code = code;
  }

  /** An endpoint of the environment as it was last deployed. */
  get(name: string): Endpoint | undefined {
    const { endpoints } = this.#environment.value;
    return Object.hasOwn(endpoints, name) ? endpoints[name] : undefined;
  }

  /** The endpoints and who uses them, as they were last deployed. */
  get wiring(): Wiring {
    return this.#wiring;
  }

  /** What the hub is for, by the environment as it was last deployed. */
  get processing(): Processing | undefined {
    return this.#environment.value.processing;
  }

  /** The code tables as they were last deployed. */
  get tables(): TableSet {
    return this.#tables;
  }

  /** Changed tables that are not in force, because something is wrong with them. */
  get refusedTables(): RefusedTables | undefined {
    return this.#heldBack.refused;
  }

  /** Those that are not there because somebody has undeployed them, with what sends their collections. */
  get undeployedDefinitions(): readonly ChannelDefinition[] {
    const away = this.#channels.filter(({ definition: { name } }) => this.undeployed.has(name));
    return away.flatMap(({ definition }) => [definition, ...companions(definition)]);
  }

  /** The channel of that name as the folder was last read. */
  channel(name: string): LoadedChannel | undefined {
    return this.#channels.find(({ definition }) => definition.name === name);
  }

  /** `alerts.yaml` as it was last deployed. */
  get alerts(): AlertsConfig {
    return this.#alerts;
  }

  /**
   * Reads the folder anew and deploys what changed, or what is chosen. Two calls go one after the other, the second then finds
   * nothing to do. Throws HubError `not-found` for a chosen channel that no file defines.
   */
  deploy(engine: Engine, chosen?: Chosen): Promise<DeployReport> {
    return this.inTurn(() => this.#deploy(engine, chosen));
  }

  /** What is done in turn never overlaps with a deployment. */
  inTurn<R>(run: () => Promise<R>): Promise<R> {
    const turn = this.#last.then(run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #deploy(engine: Engine, chosen: Chosen | undefined): Promise<DeployReport> {
    const directory = this.#settings.channels;
    const environment = await this.#environment.read();
    const endpoints = environment.value && new Set(Object.keys(environment.value.endpoints));
    const { tables, changed, problems: inTables } = await reloadTables(join(directory, 'tables'), csv, this.#tables);
    const code = await this.#code.snapshot();
    const { channels, problems } = await this.#loadChannels(code, tables, environment.value);
    const alerts = await loadAlerts(join(directory, 'alerts.yaml'), {
      registry: this.#registry,
      ...(endpoints && { endpoints }),
      // A feed may be in a channel file that has a mistake.
      ...(problems.length === 0 && { channels: channels.map(({ definition }) => definition.name) }),
      timeZone: environment.value?.zone ?? this.#settings.timeZone,
    });
    const inAlerts = alerts.ok ? [] : alerts.problems;
    const all = [...environment.problems, ...inTables, ...problems, ...inAlerts];
    if (all.length > 0 || !environment.value || !alerts.ok) return { ...nothingDeployed, problems: all };
    const missing = chosen?.channels.find((name) => !channels.some(({ definition }) => definition.name === name));
    if (missing !== undefined)
      throw new HubError('not-found', 'permanent', `deploying ${missing}: no channel file defines it`);
    await makeOwnDirectories(environment.value, this.#settings.stateDir);
    this.#environment.put(environment.value, environment);
    this.#tables = tables;
    this.#alerts = alerts.value;
    for (const table of changed) this.unknown.clear(table);

    const status = await engine.status();
    const comesBack = (chosen?.channels ?? []).flatMap((name) => this.undeployed.get(name) ?? []);
    await this.#forgetUndeployed(channels, status, comesBack);
    const definitions = channels.map(({ definition }) => definition);
    this.#channels = channels;
    const away = await doneAmong(this.undeployed, definitions, engine.store);
    this.#wiring = wiringOf(
      environment.value.endpoints,
      channels.flatMap(({ definition }) => (away.has(definition.name) ? [] : [definition])),
      this.#registry,
    );

    // Channels that send what a destination collects come and go with the channel that collects.
    const running = new Map(
      status.flatMap(({ channel, version, collectedFrom }) =>
        collectedFrom === undefined ? [[channel, version]] : [],
      ),
    );
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
    for (const channel of chosen ? [] : running.keys()) {
      if (!wanted.has(channel) && (await attempt(channel, () => engine.undeploy(channel)))) removed.push(channel);
    }
    for (const { definition, version } of channels) {
      const { name } = definition;
      if (away.has(name) || (chosen && !chosen.channels.includes(name))) continue;
      const isSame = running.get(name) === version && this.#deployedWith.get(name) === environment.hash;
      // One that is on its way out goes on as it is.
      if (isSame || (this.undeployed.has(name) && running.has(name))) unchanged.push(name);
      else if (await attempt(name, () => engine.deploy(definition, version))) {
        deployed.push({ channel: name, version });
        this.#deployedWith.set(name, environment.hash);
      }
    }
    for (const { channel, before } of comesBack)
      if (chosen && before === 'running') await attempt(channel, () => engine.start(channel, chosen.by));
    const undeployed = this.undeployed.list().map(({ channel }) => channel);
    // Those go on with the tables before until they are deployed.
    const done = new Set([...deployed, ...removed.map((channel) => ({ channel }))].map(({ channel }) => channel));
    this.#heldBack.only(
      this.#heldBack.channels.filter(({ channel }) => wanted.has(channel) && !done.has(channel)),
      0,
    );
    const notes = definitions.flatMap((definition) =>
      done.has(definition.name) ? engine.holds.list().flatMap((hold) => unkeyedAt(definition, hold)) : [],
    );
    return { deployed, unchanged, removed, undeployed, refused, problems: [], notes };
  }

  #loadChannels(code: CodeSnapshot, tables: TableSet, environment: Environment | undefined) {
    return loadChannels({
      directory: this.#settings.channels,
      registry: this.#registry,
      code,
      weirVersion,
      tables,
      unknown: this.unknown,
      kept: this.#kept,
      references: this.#environment.references,
      ...(environment && { endpoints: new Set(Object.keys(environment.endpoints)) }),
      ...(environment?.zone !== undefined && { zone: environment.zone }),
    });
  }

  /**
   * Puts code tables in force that have changed, and nothing else: a channel whose files are not those that run takes them with its next
   * deployment. Where a table, or a channel with it, has a mistake, those before stay in force. The report is undefined where no
   * table has changed.
   */
  reloadTables(engine: Engine, now: number): Promise<TablesReload & { readonly report?: DeployReport }> {
    return this.inTurn(() => this.#reloadTables(engine, now));
  }

  async #reloadTables(engine: Engine, now: number): Promise<TablesReload & { readonly report?: DeployReport }> {
    const refuse = (problems: readonly Problem[]) => {
      this.#heldBack.mistake(problems, now);
      return { changed: [], problems };
    };
    const before = this.#tables;
    const directory = join(this.#settings.channels, 'tables');
    const { tables, changed, problems } = await reloadTables(directory, csv, before);
    if (problems.length > 0) return refuse(problems);
    if (changed.length === 0) {
      this.#heldBack.only(this.#heldBack.channels, now);
      return { changed: [], problems };
    }
    const code = await this.#code.snapshot();
    const asBefore = await this.#loadChannels(code, before, this.#environment.value);
    const next = await this.#loadChannels(code, tables, this.#environment.value);
    const old = new Set(asBefore.problems.map(describeProblem));
    const wrong = next.problems.filter((each) => !old.has(describeProblem(each)));
    if (wrong.length > 0) return refuse(wrong);
    this.#tables = tables;
    for (const table of changed) this.unknown.clear(table);

    const running = new Map((await engine.status()).map(({ channel, version }) => [channel, version]));
    // Only the tables are others: read with those before, it is what runs.
    const unchanged = new Map(
      asBefore.channels.flatMap(({ definition: { name }, version }) =>
        running.get(name) === version && !this.undeployed.has(name) ? [[name, version]] : [],
      ),
    );
    const deployed: { channel: string; version: string }[] = [];
    const refused: { channel: string; error: ErrorRecord }[] = [];
    for (const { definition, version } of next.channels) {
      const { name: channel } = definition;
      if (!unchanged.has(channel) || unchanged.get(channel) === version) continue;
      try {
        await engine.deploy(definition, version);
        deployed.push({ channel, version });
      } catch (thrown) {
        refused.push({ channel, error: errorRecord(asHubError(thrown, 'config-invalid', `deploying ${channel}`)) });
      }
    }
    const fine = new Set([...deployed, ...refused].map(({ channel }) => channel));
    this.#heldBack.only([...this.#heldBack.channels.filter(({ channel }) => !fine.has(channel)), ...refused], now);
    const report = { ...nothingDeployed, deployed, refused };
    return { changed: versionsOf(changed, tables), problems: [], refused, report };
  }

  /** Those that come back, and those whose file is gone. */
  async #forgetUndeployed(
    channels: readonly { readonly definition: ChannelDefinition }[],
    status: readonly { readonly channel: string }[],
    comesBack: readonly { readonly channel: string }[],
  ): Promise<void> {
    const known = new Set([
      ...channels.map(({ definition }) => definition.name),
      ...status.map((each) => each.channel),
    ]);
    const all = this.undeployed.isShared ? [] : this.undeployed.list();
    const gone = all.filter(({ channel }) => !known.has(channel));
    await this.undeployed.remove([...comesBack, ...gone].map(({ channel }) => channel));
  }
}
