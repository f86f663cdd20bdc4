import type { ErrorRecord } from '../../core/errors.ts';
import type { ChannelStatus, DestinationStatus } from '../../core/runtime/engine.ts';
import type { Lane, LanePart } from '../../core/store/lane.ts';
import type { Wiring } from '../wiring.ts';

/**
 * Why the first part of a lane has not been sent:
 * - `nothing-queued`: there are dead letters only
 * - `not-deployed`, `channel-stopped`, `destination-stopped`
 * - `circuit-open`: the far end is away; `error` says how
 * - `retry`: it failed and goes again at `retryAt`
 * - `dead-letter`: an open dead letter of the key, `blockedBy`, holds it (`afterDeadLetter: hold-key`)
 * - `other-key`: it has another key, and waits in that lane too
 * - `operator-hold`: somebody holds messages back at this destination
 * - `held`: the one before it was done only now
 * - `next`: nothing is in its way
 */
export interface LaneReason {
  readonly why:
    | 'nothing-queued'
    | 'not-deployed'
    | 'channel-stopped'
    | 'destination-stopped'
    | 'circuit-open'
    | 'retry'
    | 'dead-letter'
    | 'other-key'
    | 'operator-hold'
    | 'held'
    | 'next';
  readonly error?: ErrorRecord;
  readonly retryAt?: number;
  /** Id of the message. */
  readonly blockedBy?: string;
}

/** A lane and why its first part waits, since when, and how many wait behind it. */
export interface LaneReport extends Lane, LaneReason {
  readonly since?: number;
  readonly behind: number;
}

export function laneReport(lane: Lane, channels: readonly ChannelStatus[], wiring: Wiring): LaneReport {
  const [head] = lane.parts;
  const since = head?.queuedAt === undefined ? {} : { since: head.queuedAt };
  return { ...lane, ...laneReason(lane, channels, wiring), ...since, behind: Math.max(0, lane.queued - 1) };
}

function laneReason(lane: Lane, channels: readonly ChannelStatus[], wiring: Wiring): LaneReason {
  const [head] = lane.parts;
  if (!head) return { why: 'nothing-queued' };
  const channel = channels.find((each) => each.channel === lane.channel);
  const destination = channel?.destinations.find((each) => each.destination === lane.destination);
  if (!channel || !destination) return { why: 'not-deployed' };
  const { state } = channel;
  if (state === 'stopped' || state === 'failed') return { why: 'channel-stopped', ...withError(channel.error) };
  if (!destination.enabled) return { why: 'destination-stopped', ...withError(destination.error) };
  if (destination.circuit === 'open') return { why: 'circuit-open', ...withError(destination.error) };
  switch (head.queued) {
    case 'waiting':
      return {
        why: 'retry',
        ...withError(head.error),
        ...(head.retryAt === undefined ? {} : { retryAt: head.retryAt }),
      };
    case 'ready':
    case undefined:
      return { why: 'next' };
    case 'blocked':
      return whyBlocked(lane, head, destination, wiring);
    default:
      return head.queued satisfies never;
  }
}

function whyBlocked(lane: Lane, head: LanePart, { holds }: DestinationStatus, wiring: Wiring): LaneReason {
  const holdsKey = wiring.holdKey.includes(`${lane.channel}/${lane.destination}`);
  const before = lane.deadLetters.filter(({ seq, n }) => seq < head.seq || (seq === head.seq && n < head.n)).at(-1);
  if (holdsKey && before) return { why: 'dead-letter', ...withError(before.error), blockedBy: before.id };
  if (holds > 0) return { why: 'operator-hold' };
  return { why: head.keys.some((each) => each !== lane.key) ? 'other-key' : 'held' };
}

function withError(error: ErrorRecord | undefined): { readonly error?: ErrorRecord } {
  return error ? { error } : {};
}
