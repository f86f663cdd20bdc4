import { readFile } from 'node:fs/promises';
import { readDestination } from '../../core/config/channel-parts.ts';
import { failed, type Loaded, loaded } from '../../core/config/problem.ts';
import { choices, type Registry } from '../../core/config/registry.ts';
import { shownPath } from '../../core/config/shown-path.ts';
import { dotted, isMapping, YamlFile } from '../../core/config/yaml-file.ts';
import { Zone } from '../../core/time/zone.ts';
import {
  type AlertsConfig,
  createRule,
  type Expectation,
  type PlannedMaintenance,
  type Rule,
  type SinkConfig,
} from './alerts-config.ts';
import {
  alertsKeys,
  datedMaintenanceKeys,
  type ExpectationSettings,
  notifyKeys,
  ruleKeys,
  weeklyMaintenanceKeys,
} from './alerts-keys.ts';
import { conditions } from './conditions/index.ts';
import { patternMatcher } from './name-pattern.ts';
import { WeeklyHours } from './weekly-hours.ts';

const dayMs = 86_400_000;

/** What `alerts.yaml` is read with. */
export interface AlertsContext {
  readonly registry: Registry;
  /** Names of the environment's endpoints; unchecked when not given. */
  readonly endpoints?: ReadonlySet<string>;
  /** Names of the folder's channels: what a feed may name. Unchecked when not given. */
  readonly channels?: readonly string[];
  /** Where the file names none; the machine’s if absent. */
  readonly timeZone?: string | undefined;
}

/** Reads `alerts.yaml` of the channels folder; without it every default holds. */
export async function loadAlerts(path: string, context: AlertsContext): Promise<Loaded<AlertsConfig>> {
  let text = '';
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'ENOENT') {
      const message = code ?? 'it cannot be read';
      return failed({ file: shownPath(path), line: 1, column: 1, code: 'file-unreadable', message });
    }
  }
  return readAlerts(shownPath(path), text, context);
}

/** Reads what stands in an `alerts.yaml`; every problem comes in one go. */
export function readAlerts(name: string, text: string, context: AlertsContext): Loaded<AlertsConfig> {
  const file = new YamlFile(name, text);
  const config = file.problems.length > 0 ? undefined : readAll(file, context);
  const [first, ...others] = file.problems;
  return first ? { ok: false, problems: [first, ...others] } : loaded(config!);
}

function readAll(file: YamlFile, context: AlertsContext): AlertsConfig | undefined {
  const top = file.read(alertsKeys, [], file.value ?? {});
  const raw = isMapping(file.value) ? file.value : {};
  const zone = new Zone(top?.zone ?? context.timeZone);
  const each = <T>(key: string, read: (value: unknown, index: number) => T | undefined): readonly T[] => {
    const list: unknown = raw[key];
    if (!Array.isArray(list)) return [];
    return list.flatMap((value, index) => {
      const one = read(value, index);
      return one === undefined ? [] : [one];
    });
  };
  const rules = each('rules', (value, index) => readRule(file, index, value));
  const maintenance = each('maintenance', (value, index) => readMaintenance(file, index, value, zone));
  const types = new Map<string, number>();
  const sinks = each('notify', (value, index) => readSink(file, index, value, context, types));
  const expectations = (top?.expect ?? []).map((settings, index) => {
    checkFeed(file, index, settings, context);
    const one = expectation(settings, zone);
    const { lengthMs } = one.hours;
    if (lengthMs < dayMs && one.everyMs >= lengthMs) {
      const place = ['expect', index, 'every'];
      file.problem(place, 'value-invalid', `${dotted(place)}: those hours are over before it is`);
    }
    return one;
  });
  return top && { zone, gatherMs: top.gatherMs, rules, expectations, maintenance, sinks };
}

function readRule(file: YamlFile, index: number, value: unknown): Rule | undefined {
  const place = ['rules', index];
  const given = isMapping(value) ? conditions.filter(({ type }) => Object.hasOwn(value, type)) : [];
  const [condition, ...others] = given;
  if (!isMapping(value) || !condition || others.length > 0) {
    const known = choices(conditions.map(({ type }) => type));
    file.problem(place, 'value-invalid', `${dotted(place)}: one condition with its thresholds is needed${known}`);
    return undefined;
  }
  const { type } = condition;
  // A condition that needs no thresholds may be left empty.
  const read = file.read(ruleKeys(condition), place, { ...value, [type]: value[type] ?? {} });
  return read && createRule(condition, read);
}

function checkFeed(file: YamlFile, index: number, { feed }: ExpectationSettings, { channels }: AlertsContext): void {
  for (const [at, each] of [feed].flat().entries()) {
    if (!channels || each.includes('*') || channels.includes(each)) continue;
    const place = typeof feed === 'string' ? ['expect', index, 'feed'] : ['expect', index, 'feed', at];
    file.problem(place, 'value-invalid', `${dotted(place)}: there is no channel ${each}${choices(channels)}`);
  }
}

function expectation(settings: ExpectationSettings, zone: Zone): Expectation {
  const { feed, between, days, every, exceptOn, severity, remindEveryMs } = settings;
  const own = settings.zone === undefined ? zone : new Zone(settings.zone);
  return {
    isFor: patternMatcher(feed),
    hours: new WeeklyHours(own, between, days, exceptOn),
    name: `${between} ${days}`,
    everyMs: every,
    severity,
    remindEveryMs,
  };
}

function readMaintenance(file: YamlFile, index: number, value: unknown, zone: Zone): PlannedMaintenance | undefined {
  const place = ['maintenance', index];
  if (isMapping(value) && (value.between !== undefined || value.days !== undefined)) {
    const weekly = file.read(weeklyMaintenanceKeys, place, value);
    if (!weekly) return undefined;
    const own = weekly.zone === undefined ? zone : new Zone(weekly.zone);
    const hours = new WeeklyHours(own, weekly.between, weekly.days);
    return { channels: weekly.channels, reason: weekly.reason, until: (now) => hours.at(now)?.end };
  }
  const dated = file.read(datedMaintenanceKeys, place, value);
  if (!dated) return undefined;
  const [from, to] = [instantOf(dated.from, zone), instantOf(dated.to, zone)];
  if (to <= from) {
    file.problem([...place, 'to'], 'value-invalid', `${dotted(place)}.to: it is not after from`);
    return undefined;
  }
  const { channels, reason } = dated;
  return { channels, reason, until: (now) => (from <= now && now < to ? to : undefined) };
}

/** A time with an offset as it is, one without on the clock of the zone. */
function instantOf(text: string, zone: Zone): number {
  if (/(?:Z|[+-]\d\d:\d\d)$/.test(text) && text.includes('T')) return Date.parse(text);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = text.split(/[-T:]/).map(Number);
  return zone.instant({ year, month, day, hour, minute });
}

function readSink(
  file: YamlFile,
  index: number,
  value: unknown,
  context: AlertsContext,
  types: Map<string, number>,
): SinkConfig | undefined {
  const place = ['notify', index];
  const { severity, as, ...to } = isMapping(value) ? value : {};
  const beside = file.read(notifyKeys, place, { severity, as });
  const spec = readDestination({ ...context, file }, place, isMapping(value) ? to : value, {});
  if (!beside || !spec) return undefined;
  const form = beside.as ?? (spec.type === 'email' ? 'text' : 'json');
  if (spec.accepts && !(form === 'json' && ['hub.alert.v1', 'json'].includes(spec.accepts.id))) {
    const message = `${dotted(place)}: ${spec.type} takes ${spec.accepts.id}, and a notice is ${form}`;
    file.problem(place, 'wiring-invalid', message);
    return undefined;
  }
  const number = (types.get(spec.type) ?? 0) + 1;
  types.set(spec.type, number);
  return { name: `${spec.type}-${number}`, spec, leastSeverity: beside.severity, as: form };
}
