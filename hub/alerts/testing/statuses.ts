import type { ChannelStatus, DestinationStatus } from '../../../core/runtime/engine.ts';

/** A channel as it stands when all is well, with what is different. */
export function channelStatus(
  channel: string,
  different: Partial<Omit<ChannelStatus, 'counts'>> & { readonly counts?: Partial<ChannelStatus['counts']> } = {},
): ChannelStatus {
  const { counts, ...others } = different;
  const zero = { received: 0, filtered: 0, queued: 0, sent: 0, errored: 0, openErrors: 0, duplicates: 0 };
  return {
    channel,
    state: 'running',
    version: 'v1',
    deployedAt: 0,
    labels: {},
    source: { type: 'mllp', resources: [], state: 'connected', connections: 1 },
    inFlight: 0,
    counts: { ...zero, ...counts },
    destinations: [],
    counters: {},
    ...others,
  };
}

export function destinationStatus(destination: string, different: Partial<DestinationStatus> = {}): DestinationStatus {
  const zero = { queued: 0, heldKeys: 0, holds: 0, filtered: 0, sent: 0, errored: 0, openErrors: 0 };
  return {
    ...{ destination, type: 'mllp', enabled: true, connection: { state: 'connected' }, circuit: 'closed' },
    ...zero,
    ...different,
  };
}

export const away = {
  circuit: 'open',
  error: { code: 'refused', kind: 'transient', scope: 'destination', message: 'connecting: refused' },
} as const satisfies Partial<DestinationStatus>;
