import type { ChannelStatus } from '../../core/runtime/engine.ts';
import type { Subject } from './alert.ts';
import { type AlertsConfig, defaultRules, type Expectation, type Rule } from './alerts-config.ts';
import type { Condition, Found, Severity, View } from './condition.ts';
import { conditions } from './conditions/index.ts';
import { spanText } from './duration.ts';

/** A condition that holds for something, under the rule that applies to it. */
export interface Observed extends Pick<Rule, 'severity' | 'forMs' | 'clearForMs' | 'remindEveryMs'> {
  /** The same over restarts and changes of thresholds: condition, severity and subject. */
  readonly id: string;
  readonly condition: string;
  readonly subject: Subject;
  readonly together: Condition['together'];
  readonly text: string;
  readonly code?: string;
  readonly certain: boolean;
}

/** Everything that is not as it should be. */
export function observe(config: Pick<AlertsConfig, 'rules' | 'expectations'>, view: View): readonly Observed[] {
  const { expectations } = config;
  const all: Observed[] = [];
  for (const condition of conditions) {
    for (const rule of rulesFor(config.rules, condition, () => true))
      for (const { endpoint, ...found } of rule.check.ofHub?.(view) ?? [])
        all.push(observed(rule, endpoint === undefined ? {} : { endpoint }, found));
    for (const channel of view.channels) ofChannel(config, condition, channel, view, all);
  }
  for (const channel of view.channels)
    for (const expectation of expectations)
      if (isFeed(channel) && expectation.isFor(channel.channel)) all.push(...silence(expectation, channel, view));
  return all;
}

function ofChannel(
  { rules, expectations }: Pick<AlertsConfig, 'rules' | 'expectations'>,
  condition: Condition,
  status: ChannelStatus,
  view: View,
  all: Observed[],
): void {
  const { channel, labels, destinations } = status;
  // What is expected of a feed says more than what is usual.
  if (condition.type === 'unusualSilence' && (!isFeed(status) || expectations.some((each) => each.isFor(channel))))
    return;
  const note = (rule: Rule, found: Found | undefined, destination?: string) => {
    if (found) all.push(observed(rule, destination === undefined ? { channel } : { channel, destination }, found));
  };
  for (const rule of rulesFor(rules, condition, (each) => each.selects(channel, labels, undefined)))
    note(rule, rule.check.ofChannel?.(status, view));
  if (condition.selects !== 'destinations') return;
  for (const each of destinations)
    for (const rule of rulesFor(rules, condition, (one) => one.selects(channel, labels, each.destination)))
      note(rule, rule.check.ofDestination?.(each, status, view), each.destination);
}

/** What a destination collects is sent by a channel of its own: nobody feeds that one. */
export function isFeed({ collectedFrom }: ChannelStatus): boolean {
  return collectedFrom === undefined;
}

/** The first of each severity, up to one that is switched off; the condition's defaults where no rule selects at all. */
function rulesFor(rules: readonly Rule[], condition: Condition, isSelected: (rule: Rule) => boolean): readonly Rule[] {
  const found = new Map<Severity, Rule>();
  let isNamed = false;
  for (const rule of rules) {
    if (rule.condition !== condition || !isSelected(rule)) continue;
    isNamed = true;
    if (!rule.enabled) break;
    if (!found.has(rule.severity)) found.set(rule.severity, rule);
  }
  if (isNamed) return [...found.values()];
  const usual = defaultRules.get(condition);
  return usual ? [usual] : [];
}

function observed(rule: Rule, subject: Subject, { text, code, certain = true }: Found): Observed {
  const { condition, severity, forMs, clearForMs, remindEveryMs } = rule;
  const id = [condition.type, severity, ...Object.values(subject)].join('/');
  return {
    ...{ id, condition: condition.type, together: condition.together, subject },
    ...{ severity, forMs, clearForMs, remindEveryMs, text, certain },
    ...(code !== undefined && { code }),
  };
}

/** Silence that began in the expected hours is over when a message comes, not when the hours are. */
function silence(expectation: Expectation, { channel, state }: ChannelStatus, view: View): readonly Observed[] {
  const { hours, everyMs, name, severity, remindEveryMs } = expectation;
  const last = view.lastReceivedAt(channel);
  const quietMs = view.now - (last ?? 0);
  if (quietMs <= everyMs) return [];
  const stretch = hours.at(view.now);
  const long = last === undefined ? 'nothing was received yet' : `nothing for ${spanText(quietMs)}`;
  const stands = state === 'running' ? '' : `; the channel is ${state}`;
  // A sender that the hub was away for gets the same time again to come back.
  const certain = stretch !== undefined && view.now - Math.max(stretch.start, view.watchingSince) > everyMs;
  const text = `${long}, expected every ${spanText(everyMs)} between ${name}${stands}`;
  const timing = { together: 'rule', forMs: 0, clearForMs: 0, remindEveryMs } as const;
  const id = ['noTraffic', severity, channel, name].join('/');
  return [{ id, condition: 'noTraffic', subject: { channel }, severity, ...timing, text, certain }];
}
