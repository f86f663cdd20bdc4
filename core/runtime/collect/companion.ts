import type { ChannelDefinition, DestinationDefinition } from '../../channel.ts';
import { channelOptions } from '../../channel.ts';
import { bytes } from '../../format.ts';
import type { SourceSpec } from '../../source.ts';

/** The channel that sends what a destination collects. No file can have its name: names of files have no dot. */
export function companionName(channel: string, destination: string): string {
  return `${channel}.${destination}`;
}

/** A channel for each destination that collects: its messages are the collections. */
export function companions(definition: ChannelDefinition): readonly ChannelDefinition[] {
  return definition.destinations.filter((each) => each.to.collect).map((each) => companionOf(definition, each));
}

function companionOf(definition: ChannelDefinition, { name, to, options }: DestinationDefinition): ChannelDefinition {
  const { collect: _, ...plain } = to;
  const { content, retention, labels, limits } = definition.options;
  return Object.freeze({
    name: companionName(definition.name, name),
    collectedFrom: definition.name,
    source: collected,
    format: bytes,
    filters: [],
    steps: [],
    ...(definition.deviceProfiles && { deviceProfiles: definition.deviceProfiles }),
    destinations: Object.freeze([
      { name, input: 'transformed' as const, steps: [], format: bytes, to: { ...plain, accepts: undefined }, options },
    ]),
    // A collection that comes again after a crash is the same one.
    options: channelOptions.parse({ duplicates: 'detect', content, retention, labels, limits }),
  });
}

/** Collections are put in by the collector of the other channel; there is nothing to listen for. */
const collected: SourceSpec<Uint8Array> = Object.freeze({
  kind: 'source' as const,
  type: 'collected',
  config: {},
  format: bytes,
  acknowledges: 'never' as const,
  ackPoints: ['stored', 'transformed', 'settled'] as const,
  resources: [],
  create: () => ({
    run: async (_intake, { drain, halt }) => {
      if (drain.aborted || halt.aborted) return;
      await new Promise<void>((resolve) => {
        for (const signal of [drain, halt]) signal.addEventListener('abort', () => resolve(), { once: true });
      });
    },
  }),
} satisfies SourceSpec<Uint8Array>);
