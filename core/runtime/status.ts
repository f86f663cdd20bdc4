import type { Clock } from '../component.ts';
import type { ChannelCounts, MessageStore } from '../store/message-store.ts';
import type { ChannelRuntime } from './channel-runtime.ts';
import type { ChannelServices } from './channel-services.ts';
import type { ChannelStatus, DestinationStatus } from './engine.ts';

/** How a channel stands, with its totals from the store. */
export async function channelStatus(
  channel: ChannelRuntime,
  store: MessageStore,
  counts: ChannelCounts | undefined,
  clock: Clock,
  { holds, rates }: Pick<ChannelServices, 'holds' | 'rates'>,
): Promise<ChannelStatus> {
  const destinations = await Promise.all(
    channel.definition.destinations.map(async (definition): Promise<DestinationStatus> => {
      const { name, options } = definition;
      const dispatcher = channel.dispatchers.get(name);
      const totals = counts?.destinations.find((each) => each.destination === name);
      const queued = totals?.queued ?? 0;
      const { oldest } = queued > 0 ? await store.queueState(channel.name, name, 0) : { oldest: undefined };
      return {
        destination: name,
        type: definition.to.type,
        enabled: dispatcher?.enabled ?? channel.isElsewhere,
        connection: channel.connections.get(name) ?? {
          state: dispatcher || channel.isElsewhere ? 'idle' : 'stopped',
        },
        circuit: dispatcher?.circuit ?? 'closed',
        ...(options.rate && {
          rate: {
            perSecond: options.rate.perSecond,
            limited: dispatcher?.limited ?? false,
            ...(rates.isAlone && { alone: true as const }),
          },
        }),
        queued,
        ...(oldest !== undefined && { queuedAgeMs: Math.max(0, clock.now() - oldest) }),
        heldKeys: dispatcher?.heldKeys ?? 0,
        holds: holds(channel.name, name).length,
        filtered: totals?.filtered ?? 0,
        sent: totals?.sent ?? 0,
        errored: totals?.errored ?? 0,
        openErrors: totals?.openErrors ?? 0,
        ...(dispatcher?.lastSentAt !== undefined && { lastSentAt: dispatcher.lastSentAt }),
        ...(dispatcher?.error && { error: dispatcher.error }),
      };
    }),
  );
  const sum = (of: (each: DestinationStatus) => number) => destinations.reduce((total, each) => total + of(each), 0);
  return {
    channel: channel.name,
    ...(channel.definition.collectedFrom !== undefined && { collectedFrom: channel.definition.collectedFrom }),
    state: channel.state,
    ...(channel.hub !== undefined && { hub: channel.hub }),
    version: channel.compiled.version,
    deployedAt: channel.deployedAt,
    labels: channel.definition.options.labels,
    source: { type: channel.definition.source.type, resources: channel.definition.source.resources, ...channel.source },
    ...(channel.error && { error: channel.error }),
    ...(channel.lastReceivedAt !== undefined && { lastReceivedAt: channel.lastReceivedAt }),
    inFlight: channel.inFlight,
    counts: {
      received: counts?.received ?? 0,
      filtered: sum((each) => each.filtered) + (counts?.filtered ?? 0),
      queued: sum((each) => each.queued) + (counts?.unrouted ?? 0),
      sent: sum((each) => each.sent),
      errored: sum((each) => each.errored) + (counts?.errored ?? 0),
      openErrors: sum((each) => each.openErrors) + (counts?.openErrors ?? 0),
      duplicates: counts?.duplicates ?? 0,
    },
    destinations,
    counters: Object.fromEntries(channel.counters),
  };
}
