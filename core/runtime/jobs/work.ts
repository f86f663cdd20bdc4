import type { MessageStore } from '../../store/message-store.ts';
import type { ChannelRuntime } from '../channel-runtime.ts';
import type { Busy } from '../dispatch/dispatch.ts';
import type { Verbs } from '../verbs.ts';
import type { HoldRegistry } from './holds.ts';
import type { JobOrder } from './job.ts';
import type { Progress } from './progress.ts';
import type { Turn } from './turn.ts';

/** What the work of jobs needs of the engine. */
export interface WorkHost {
  readonly store: MessageStore;
  readonly verbs: Verbs;
  readonly holds: HoldRegistry;
  now(): number;
  newId(): string;
  channel(name: string): ChannelRuntime | undefined;
}

/** One run of a job, from where it stands to its end or an interruption. */
export interface Run {
  readonly order: JobOrder;
  readonly progress: Progress;
  readonly turn: Turn;
  readonly signal: AbortSignal;
  /** Everything up to the position is durable: a moment to write it down. */
  reached(): Promise<void>;
}

/** Why the channel, or one of these destinations, has no room for more from a job. */
export function busyOf(channel: ChannelRuntime | undefined, destinations?: readonly string[]): Busy | undefined {
  if (!channel) return 'stopped';
  if (channel.busy) return channel.busy;
  for (const [name, dispatcher] of channel.dispatchers)
    if (dispatcher.busy && (!destinations || destinations.includes(name))) return dispatcher.busy;
  return undefined;
}
