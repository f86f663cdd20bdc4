// Over 300 lines: what composes a hub's channels, verbs, jobs and leases, and the order in which they begin and end.
import type { ChannelDefinition } from '../channel.ts';
import { Cluster, type ClusterTimes } from '../cluster/cluster.ts';
import type { Clock, Log } from '../component.ts';
import type { Endpoint } from '../endpoint.ts';
import { describeThrown, HubError } from '../errors.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Meta } from '../format.ts';
import type { Receipt } from '../outcome.ts';
import type { Processing } from '../processing.ts';
import type { SharedRates } from '../rates.ts';
import type { ChannelCounts, MessageStore, Reader } from '../store/message-store.ts';
import { ChannelRuntime } from './channel-runtime.ts';
import type { ChannelServices } from './channel-services.ts';
import { companions } from './collect/companion.ts';
import type { ChannelStatus, ClusterStatus, Engine, StopReport } from './engine.ts';
import { HoldRegistry } from './jobs/holds.ts';
import { JobRecords } from './jobs/job-records.ts';
import { JobRegistry } from './jobs/job-registry.ts';
import { JobsOfLease } from './jobs-of-lease.ts';
import { Listeners } from './listeners.ts';
import { messageIds } from './message-id.ts';
import { channelNotice, destinationNotice, readNotice } from './notices.ts';
import { outageLog } from './outage-log.ts';
import { Pruner } from './pruner.ts';
import { Pumps } from './pumps.ts';
import { Rates } from './rates/rates.ts';
import { channelStatus } from './status.ts';
import { Turns } from './turns.ts';
import { Verbs } from './verbs.ts';
import { WorkOfOne } from './work-of-one.ts';

/** Endpoints by name, as the environment file has them. */
export interface EndpointSource {
  get(name: string): Endpoint | undefined;
  /** What the hub is for; it takes everything where that is not said. */
  readonly processing?: Processing | undefined;
}

export interface EngineOptions {
  readonly store: MessageStore;
  readonly events: EventLog;
  readonly endpoints: EndpointSource;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Channels that are not deployed, and whose messages are pruned all the same. */
  alsoPruned?(): readonly ChannelDefinition[];
  /** Counts the rates of destinations together with other hubs; this hub for itself if not given. */
  readonly rates?: SharedRates | undefined;
  /** Where several hubs share the store; the times that rule 29 is met with if not given. */
  readonly clusterTimes?: ClusterTimes;
}

const runningMark = 'hub/running';
const usageEveryMs = 1_000;

/** Opens the runtime on a store and an event log. Both stay the caller's to close. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { store, events, endpoints, clock, random } = options;
  const { shared } = store;
  const outage = shared && outageLog(options.log, clock);
  const log = outage?.log ?? options.log;
  const cluster = shared && new Cluster({ store: shared, clock, log, times: options.clusterTimes });
  await cluster?.open();
  // With several hubs a lease says how whoever had the channel before has ended.
  const cleanStart = cluster !== undefined || (await store.state(runningMark)) !== 'yes';
  if (!cluster) await store.setState(runningMark, 'yes');
  const listeners = new Listeners((name) => endpoints.get(name));
  const channels = new Map<string, ChannelRuntime>();
  let full = false;
  let closed = false;
  const newId = messageIds(() => clock.now(), random);
  const holds = new HoldRegistry({ store, newId, now: () => clock.now(), channel: (name) => channels.get(name) });
  await holds.load();

  const services: ChannelServices = {
    store,
    events,
    clock,
    random,
    log,
    cleanStart,
    cluster,
    newId,
    endpoint: (name) => endpoints.get(name),
    listen: (name) => listeners.listen(name),
    unlisten: (names) => listeners.unlisten(names),
    storeFull: () => full,
    processing: () => endpoints.processing,
    inject: async (name, message) => void (await channelNamed(name).inject(message)),
    give: async (name, message) => {
      const channel = channels.get(name);
      const later = (code: 'not-found' | 'store-full', what: string) =>
        new HubError(code, 'transient', `giving a message to channel ${name}: ${what}`, { scope: 'destination' });
      if (!channel) throw later('not-found', 'no channel has this name');
      if (channel.busy === 'full') throw later('store-full', 'it is full');
      await channel.inject(message);
    },
    remember: (name, value) => store.setState(name, value),
    recall: (name) => store.state(name),
    pumps: new Pumps(clock),
    rates: new Rates({ clock, log, shared: options.rates, hubs: () => cluster?.keeper.hubs.length ?? 1 }),
    holds: (name, destination) => holds.at(name, destination),
  };

  let cancelUsage: (() => void) | undefined;
  const watchUsage = async () => {
    try {
      const usage = await store.usage();
      if (full !== (usage.full === true))
        log[usage.full ? 'error' : 'info'](
          { bytes: usage.bytes, free: usage.diskFree },
          usage.full ? 'the message store is full' : 'the message store has room again',
        );
      full = usage.full === true;
      outage?.answered();
    } catch {
      // The store says what is wrong to whoever writes to it.
    }
    for (const channel of channels.values()) channel.intake.wake();
    if (!closed) cancelUsage = clock.timer(usageEveryMs, () => void watchUsage());
  };
  await watchUsage();
  const prunedChannels = () => {
    const away = (options.alsoPruned?.() ?? []).filter(({ name }) => !channels.has(name));
    return [...[...channels.values()].map((each) => each.definition), ...away];
  };
  let pruner: Pruner | undefined;
  const startPruner = async () => {
    if (closed) return;
    pruner = new Pruner(store, clock, log, prunedChannels);
    pruner.start();
  };
  const stopPruner = async () => {
    await pruner?.stop();
    pruner = undefined;
  };
  const ofOne = new WorkOfOne(cluster, log);
  await ofOne.share('pruning', { begin: startPruner, end: stopPruner });

  const channelNamed = (name: string): ChannelRuntime => {
    const channel = channels.get(name);
    if (!channel) throw new HubError('not-found', 'permanent', `looking for channel ${name}: no channel has this name`);
    return channel;
  };
  const desired = (name: string) => `channel/${name}`;
  const act = async (by: Reader, action: string, subject: string) =>
    store.audit({ ...by, action, subject, at: clock.now() });
  // Deploys and state changes of one channel never overlap.
  const turns = new Turns();

  const claim = (definition: ChannelDefinition) => {
    for (const other of channels.values()) {
      if (other.name === definition.name || other.state === 'stopped') continue;
      const shared = other.definition.source.resources.find((each) => definition.source.resources.includes(each));
      if (shared)
        throw new HubError(
          'config-invalid',
          'permanent',
          `deploying ${definition.name}: ${shared} belongs to channel ${other.name}`,
        );
    }
  };

  const deploy = async (definition: ChannelDefinition, version: string): Promise<void> => {
    // What sends collections is there before any is made, and goes after the last.
    const beside = companions(definition);
    for (const companion of beside) await turns.take(companion.name, () => deploy(companion, version));
    await deployOne(definition, version);
    for (const { name, definition: other } of [...channels.values()])
      if (other.collectedFrom === definition.name && !beside.some((each) => each.name === name))
        await turns.take(name, () => undeploy(name));
  };

  const deployOne = async (definition: ChannelDefinition, version: string): Promise<void> => {
    claim(definition);
    const running = channels.get(definition.name);
    if (running && running.state !== 'failed') {
      await running.replace(definition, version);
      return;
    }
    if (running) await running.stop(0);
    const channel = new ChannelRuntime(definition, version, services);
    channels.set(definition.name, channel);
    const wish = await store.state(desired(definition.name));
    if (wish !== 'stopped') await channel.start(wish === 'paused');
  };

  const undeploy = async (name: string): Promise<void> => {
    const channel = channelNamed(name);
    const all = [name, ...companions(channel.definition).map((each) => each.name)];
    const open = (await store.counts()).filter((each) => all.includes(each.channel)).reduce(unsettled, 0);
    if (open > 0)
      throw new HubError('not-allowed', 'permanent', `undeploying ${name}: ${open} messages are not settled`);
    for (const each of all) {
      const { limits } = channelNamed(each).definition.options;
      await channelNamed(each).stop(limits.drainMs);
      channels.delete(each);
    }
  };

  const stop = async (name: string, by: Reader, deadlineMs: number | undefined): Promise<StopReport> => {
    const channel = channelNamed(name);
    await act(by, deadlineMs === 0 ? 'halt' : 'stop', name);
    await store.setState(desired(name), 'stopped');
    await cluster?.announce(channelNotice(name));
    const left = await channel.stop(deadlineMs ?? channel.definition.options.limits.drainMs);
    return { left, channels: left > 0 ? { [name]: left } : {} };
  };

  const verbs = new Verbs(store, clock, newId, channelNamed);
  const newJobs = () =>
    new JobRegistry({
      ...{ store, clock, log, verbs, holds, newId },
      records: new JobRecords(store),
      now: () => clock.now(),
      channel: (name) => channels.get(name),
    });
  const jobs = new JobsOfLease(() => ofOne.hubOf('jobs'));
  await ofOne.share('jobs', {
    begin: async () => (closed ? undefined : await jobs.begin(newJobs())),
    end: () => jobs.end(),
  });

  /** Brings a channel into the state that another hub was asked for. */
  const wishChanged = async (name: string) => {
    const channel = channels.get(name);
    if (!channel || closed) return;
    const wish = await store.state(desired(name));
    const { limits } = channel.definition.options;
    if (wish === 'stopped') await channel.stop(limits.drainMs);
    else if (wish === 'paused') await (channel.state === 'stopped' ? channel.start(true) : channel.pause());
    else if (channel.state === 'stopped' || channel.state === 'paused') await channel.start(false);
  };
  const noticed = async (subjects: readonly string[] | undefined) => {
    if (subjects === undefined)
      for (const channel of channels.values()) {
        await turns.take(channel.name, () => wishChanged(channel.name));
        for (const { name } of channel.definition.destinations) await channel.switchChanged(name);
        channel.queuesChanged();
      }
    for (const subject of subjects ?? []) {
      const notice = readNotice(subject);
      const channel = notice && channels.get(notice.channel);
      if (!notice || !channel) continue;
      if (notice.about === 'channel') void turns.take(channel.name, () => wishChanged(channel.name)).catch(logFailed);
      else if (notice.about === 'destination') await channel.switchChanged(notice.destination);
      else if (!channel.isElsewhere) channel.rowsChanged(notice.destination, [notice]);
    }
  };
  const logFailed = (thrown: unknown) =>
    log.error({ error: describeThrown(thrown) }, 'doing what another hub was asked for failed');
  let lastHolds = await store.state('holds');
  const lookAtHolds = async () => {
    const text = await store.state('holds');
    if (text === lastHolds) return;
    lastHolds = text;
    const before = holds.list();
    if (text === JSON.stringify(before)) return;
    await holds.load();
    // What is being released here is ahead of what was written down.
    for (const { id, upTo } of before) holds.advance(id, upTo);
    for (const channel of channels.values()) channel.holdsChanged();
  };
  cluster?.start({
    foreignWanted: () => [...channels.values()].filter((each) => each.wantsForeign).map((each) => each.name),
    foreignStored: (names) => {
      for (const name of names) channels.get(name)?.foreignStored();
    },
    noticed: async (subjects) => {
      await lookAtHolds();
      if (subjects === undefined || subjects.length > 0) await noticed(subjects);
    },
  });

  const engine: Engine = {
    store,
    events,
    deploy: (definition, version) => turns.take(definition.name, () => deploy(definition, version)),
    undeploy: (name) => turns.take(name, () => undeploy(name)),
    start: (name, by) =>
      turns.take(name, async () => {
        const channel = channelNamed(name);
        claim(channel.definition);
        await act(by, 'start', name);
        await store.setState(desired(name), 'running');
        await cluster?.announce(channelNotice(name));
        await channel.start(false);
      }),
    stop: (name, by) => turns.take(name, () => stop(name, by, undefined)),
    // A halt does not wait its turn behind a drain: it ends it.
    halt: (name, by) => stop(name, by, 0),
    pause: (name, by) =>
      turns.take(name, async () => {
        const channel = channelNamed(name);
        await act(by, 'pause', name);
        await store.setState(desired(name), 'paused');
        await cluster?.announce(channelNotice(name));
        if (channel.state === 'stopped') await channel.start(true);
        else await channel.pause();
      }),
    startDestination: async (name, destination, by) => {
      await act(by, 'start-destination', `${name}/${destination}`);
      await channelNamed(name).switchDestination(destination, true);
      await cluster?.announce(destinationNotice(name, destination));
    },
    stopDestination: async (name, destination, by) => {
      await act(by, 'stop-destination', `${name}/${destination}`);
      await channelNamed(name).switchDestination(destination, false);
      await cluster?.announce(destinationNotice(name, destination));
    },
    status: async (): Promise<readonly ChannelStatus[]> => {
      const counts = new Map((await store.counts()).map((each) => [each.channel, each]));
      return Promise.all(
        [...channels.values()].map((channel) =>
          channelStatus(channel, store, counts.get(channel.name), clock, services),
        ),
      );
    },
    send: async (name, raw, meta: Meta, by): Promise<Receipt> => {
      const channel = channelNamed(name);
      await act(by, 'send', name);
      const delivery = await channel.intake.accept(
        [{ raw, meta: { ...meta, 'sent.by': by.actor } }],
        AbortSignal.timeout(channel.definition.options.ackTimeoutMs),
      );
      const [receipt] = await delivery.receipts(channel.definition.options.ackAfter);
      return receipt!;
    },
    retry: (id, by, options) => verbs.retry(id, by, options ?? {}),
    replay: (id, by, options) => verbs.replay(id, by, options ?? {}),
    skip: (id, by, options) => verbs.skip(id, by, options ?? {}),
    jobs,
    holds,
    ofOne,
    cluster: () => cluster && clusterStatus(cluster),
    findings: (name) => channelNamed(name).findings.list(),
    close: async (deadlineMs) => {
      if (closed) return { left: 0, channels: {} };
      closed = true;
      cancelUsage?.();
      await jobs.end();
      await stopPruner();
      const left: Record<string, number> = {};
      await Promise.all(
        [...channels.values()].map(async (channel) => {
          const count = await channel.stop(Math.min(deadlineMs, channel.definition.options.limits.drainMs));
          if (count > 0) left[channel.name] = count;
        }),
      );
      await listeners.close();
      if (cluster) await cluster.stop();
      else await store.setState(runningMark, 'no');
      return { left: Object.values(left).reduce((sum, each) => sum + each, 0), channels: left };
    },
    [Symbol.asyncDispose]: async () => void (await engine.close(0)),
  };
  return engine;
}

function clusterStatus({ keeper, fencedWrites, foreignMessages, maybeTwice }: Cluster): ClusterStatus {
  const { hub, hubs, held, takeovers } = keeper;
  return { hub, hubs, leases: held, takeovers, fencedWrites, foreignMessages, maybeTwice };
}

function unsettled(sum: number, { unrouted, destinations }: ChannelCounts): number {
  return sum + unrouted + destinations.reduce((queued, each) => queued + each.queued, 0);
}
