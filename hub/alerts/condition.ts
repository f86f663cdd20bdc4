import type { z } from 'zod';
import type { ChannelStatus, DestinationStatus } from '../../core/runtime/engine.ts';
import type { StoreUsage } from '../../core/store/message-store.ts';
import type { CertificateReport } from '../admin/certificates.ts';
import type { ServiceStanding } from '../services/service-standing.ts';

export const severities = ['warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** What a condition looks at: how everything stands now, and the little that has to be remembered for it. */
export interface View {
  readonly now: number;
  /** Since when this hub watches. */
  readonly watchingSince: number;
  readonly channels: readonly ChannelStatus[];
  readonly usage: StoreUsage;
  /** Bytes that the store keeps free on its disk. */
  readonly lowWaterBytes: number;
  /** By how many bytes a day the store has grown over the last hours; undefined before that can be said. */
  readonly growthPerDay: number | undefined;
  /** Those of endpoints. */
  readonly certificates: readonly CertificateReport[];
  /** What is wrong with changed code tables, which are not in force because of it: problems, the first one's file and line; or channels without them. */
  readonly refusedTables:
    | { readonly problems: number; readonly first: string; readonly channels: readonly string[] }
    | undefined;
  /** Those that the settings turn on. */
  readonly services: readonly ServiceStanding[];
  /** How many hubs that share the store have an event log each of its own; 0 where they have one, or a hub has the store alone. */
  readonly ownLogs: number;
  /** Open errors of a channel that are messages for another processing than the hub's, as far as they were counted. */
  processingRefused(channel: string): number;
  /** By how much a total of a channel rose within the last so many milliseconds, as far back as is known. */
  rise(channel: string, total: string, withinMs: number): number;
  lastReceivedAt(channel: string): number | undefined;
  /** What came in the last hour, and what usually does in this hour of the week; undefined before enough weeks are known. */
  lastHour(channel: string, weeks: number): { readonly received: number; readonly usual: number } | undefined;
}

/** That a condition holds. */
export interface Found {
  /** What is the case, in figures; never anything of a message. */
  readonly text: string;
  /** Of the error behind it. */
  readonly code?: string;
  /**
   * False where it cannot be told now (the hub has just started, the hours in which it shows are over): what was firing goes on,
   * and nothing begins.
   */
  readonly certain?: boolean;
  /** Of a condition of the hub: the endpoint that it is about. */
  readonly endpoint?: string;
}

/** A condition with its thresholds. It looks at one of the three. */
export interface Check {
  ofDestination?(destination: DestinationStatus, channel: ChannelStatus, view: View): Found | undefined;
  ofChannel?(channel: ChannelStatus, view: View): Found | undefined;
  ofHub?(view: View): readonly Found[];
}

/** Everything about one thing that can be wrong: from it come the keys of a rule, its checking, schema and reference page. */
export interface Condition {
  /** The key of a rule. */
  readonly type: string;
  readonly summary: string;
  /** What a rule may choose among. */
  readonly selects: 'destinations' | 'channels' | 'hub';
  /** What is told together: all that is about one far end, or what starts at once under one rule. */
  readonly together: 'far-end' | 'rule';
  /** A strict object; every key has a default, which holds where no rule says otherwise. */
  readonly config: z.ZodType;
  readonly severity: Severity;
  /** How long it has to hold before it is told. */
  readonly forMs: number;
  /** How long it has to be over before that is told. */
  readonly clearForMs: number;
  check(config: unknown): Check;
}

export function defineCondition<C extends z.ZodType>(
  definition: Omit<Condition, 'config' | 'check'> & {
    readonly config: C;
    check(config: z.output<C>): Check;
  },
): Condition {
  const { check } = definition;
  // Rules keep what the condition's own schema gave.
  return { ...definition, check: (config) => check(config as z.output<C>) };
}
