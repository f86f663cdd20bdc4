import type { Erased } from '../../core/channel.ts';
import type { DestinationSpec } from '../../core/destination.ts';
import { Zone } from '../../core/time/zone.ts';
import { type RuleSettings, ruleKeys } from './alerts-keys.ts';
import type { Check, Condition, Severity } from './condition.ts';
import { conditions } from './conditions/index.ts';
import { type NamePattern, patternMatcher } from './name-pattern.ts';
import type { WeeklyHours } from './weekly-hours.ts';

/** `alerts.yaml` as it is in force. */
export interface AlertsConfig {
  readonly zone: Zone;
  readonly gatherMs: number;
  /** In order: the first of each severity that selects something applies to it. */
  readonly rules: readonly Rule[];
  readonly expectations: readonly Expectation[];
  readonly maintenance: readonly PlannedMaintenance[];
  readonly sinks: readonly SinkConfig[];
}

export interface Rule {
  readonly condition: Condition;
  readonly check: Check;
  readonly severity: Severity;
  readonly forMs: number;
  readonly clearForMs: number;
  readonly remindEveryMs: number;
  readonly enabled: boolean;
  selects(channel: string, labels: Readonly<Record<string, string>>, destination: string | undefined): boolean;
}

export interface Expectation {
  isFor(channel: string): boolean;
  readonly hours: WeeklyHours;
  /** `06:00-20:00 mon-fri`: tells two of one channel apart. */
  readonly name: string;
  readonly everyMs: number;
  readonly severity: Severity;
  readonly remindEveryMs: number;
}

export interface PlannedMaintenance {
  readonly channels: NamePattern;
  readonly reason: string;
  /** When the stretch ends that `now` lies in; undefined while it is not under way. */
  until(now: number): number | undefined;
}

export interface SinkConfig {
  /** `publish-1`: what is on its way to it is kept under this name. */
  readonly name: string;
  readonly spec: DestinationSpec<Erased>;
  readonly leastSeverity: Severity;
  readonly as: 'json' | 'text';
}

/** @param keys of the rule, as their schema read them */
export function createRule(condition: Condition, keys: Readonly<Record<string, unknown>>): Rule {
  const { [condition.type]: config, ...settings } = keys;
  const { channels = '*', labels: wanted = {}, destinations, ...timing } = settings as unknown as RuleSettings;
  const isChannel = patternMatcher(channels as NamePattern);
  const isDestination = destinations === undefined ? undefined : patternMatcher(destinations as NamePattern);
  return {
    condition,
    check: condition.check(config),
    ...timing,
    selects: (channel, labels, destination) =>
      isChannel(channel) &&
      Object.entries(wanted).every(([name, value]) => labels[name] === value) &&
      (isDestination === undefined || (destination !== undefined && isDestination(destination))),
  };
}

/** Each condition with its defaults. */
export const defaultRules: ReadonlyMap<Condition, Rule> = new Map(
  conditions.map((condition) => {
    return [condition, createRule(condition, ruleKeys(condition).parse({ [condition.type]: {} }))];
  }),
);

/** What holds without a file. */
export function defaultAlerts(): AlertsConfig {
  return { zone: new Zone(), gatherMs: 30_000, rules: [], expectations: [], maintenance: [], sinks: [] };
}
