import { expect, it } from 'vitest';
import { describeProblem } from '../../core/config/problem.ts';
import { shippedRegistry } from '../registry.ts';
import { type AlertsContext, readAlerts } from './alerts-file.ts';

const registry = shippedRegistry();
const context: AlertsContext = { registry, endpoints: new Set(['archive']), channels: ['adt-inbound', 'lab-in'] };

function read(text: string) {
  const result = readAlerts('alerts.yaml', text, context);
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join('\n'));
  return result.value;
}

function problems(text: string): readonly string[] {
  const result = readAlerts('alerts.yaml', text, context);
  return result.ok ? [] : result.problems.map(describeProblem);
}

it('holds its defaults where it is empty, or only comments', () => {
  expect(read('')).toMatchObject({ gatherMs: 30_000, rules: [], expectations: [], maintenance: [], sinks: [] });
  expect(read('# nothing yet\n').rules).toEqual([]);
});

it('reads rules with time spans, selection and timing', () => {
  const [age, full] = read(`rules:
  - queueAge: { aboveMs: 1h }
    channels: ['lab-*', adt-inbound]
    labels: { site: north }
    destinations: arch*
    severity: critical
    forMs: 2min
    remindEveryMs: 8h
  - storeFull:
    remindEveryMs: 60000
`).rules;
  expect(age).toMatchObject({ severity: 'critical', forMs: 120_000, clearForMs: 120_000, remindEveryMs: 28_800_000 });
  expect(age?.selects('lab-in', { site: 'north' }, 'archive')).toBe(true);
  expect(age?.selects('lab-in', { site: 'south' }, 'archive')).toBe(false);
  expect(age?.selects('lab-in', { site: 'north' }, 'ris')).toBe(false);
  expect(age?.selects('lab-in', { site: 'north' }, undefined)).toBe(false);
  expect(age?.selects('ris-lab-in', { site: 'north' }, 'archive')).toBe(false);
  expect(full).toMatchObject({ severity: 'critical', remindEveryMs: 60_000 });
});

it('reads ways out by the registry’s connectors, with what stands beside them', () => {
  const { sinks } = read(`notify:
  - publish: { topic: hub.alert.v1 }
  - file: { endpoint: archive }
    severity: critical
    as: text
  - publish: { topic: on-call }
`);
  expect(sinks.map(({ name, leastSeverity, as }) => [name, leastSeverity, as])).toEqual([
    ['publish-1', 'warning', 'json'],
    ['file-1', 'critical', 'text'],
    ['publish-2', 'warning', 'json'],
  ]);
});

it('reads maintenance on the clock of the zone, dated or weekly', () => {
  const { maintenance } = read(`zone: Europe/Berlin
maintenance:
  - { channels: lab-*, from: 2026-07-01T22:00, to: 2026-07-02, reason: upgrade }
  - { channels: lab-*, from: 2026-07-01T22:00:00+05:00, to: 2026-07-02, reason: upgrade }
  - { channels: '*', days: sun, between: '02:00-04:00', zone: UTC, reason: restart }
`);
  const [dated, offset, weekly] = maintenance;
  expect(dated?.until(Date.UTC(2026, 6, 1, 19, 59))).toBeUndefined();
  expect(dated?.until(Date.UTC(2026, 6, 1, 20))).toBe(Date.UTC(2026, 6, 1, 22));
  expect(dated?.until(Date.UTC(2026, 6, 1, 22))).toBeUndefined();
  expect(offset?.until(Date.UTC(2026, 6, 1, 17))).toBe(Date.UTC(2026, 6, 1, 22));
  expect(weekly?.until(Date.UTC(2026, 6, 5, 3))).toBe(Date.UTC(2026, 6, 5, 4));
});

it('names every problem with its line and column', () => {
  const found = problems(`zone: Mars/Base
gathrMs: 5
rules:
  - queueAge: { above: 1h }
  - queueDeep: { above: 5 }
  - queueAge: { aboveMs: soon }
    severity: awful
  - storeFull: {}
    channels: lab-*
expect:
  - { feed: adt-outbound, between: '6-20', every: 10s }
maintenance:
  - { channels: lab-*, from: 2026-07-02, to: 2026-07-01, reason: upgrade }
notify:
  - publish: { topic: '' }
  - file: { endpoint: attic }
  - pigeon: {}
  - publish: { topic: x }
    as: pdf
`);
  for (const each of [
    /^alerts\.yaml:1:7 value-invalid zone: a time zone like Europe\/Berlin$/,
    /^alerts\.yaml:2:1 key-unknown gathrMs: no such key/,
    /^alerts\.yaml:4:17 key-unknown rules\.0\.queueAge\.above: no such key/,
    /^alerts\.yaml:5:5 value-invalid rules\.1: one condition .* known: certificateExpiry, /,
    /^alerts\.yaml:6:26 value-invalid rules\.2\.queueAge\.aboveMs: /,
    /^alerts\.yaml:7:15 value-invalid rules\.2\.severity: /,
    /^alerts\.yaml:9:5 key-unknown rules\.3\.channels: no such key/,
    /^alerts\.yaml:11:36 value-invalid expect\.0\.between: hours like 06:00-20:00$/,
    /^alerts\.yaml:11:51 value-invalid expect\.0\.every: between 1min and 7d$/,
    /^alerts\.yaml:13:46 value-invalid maintenance\.0\.to: it is not after from$/,
    /^alerts\.yaml:15:23 value-invalid notify\.0\.publish\.topic: /,
    /^alerts\.yaml:16:23 endpoint-unknown notify\.1\.file\.endpoint: .* known: archive$/,
    /^alerts\.yaml:17:5 component-unknown notify\.2\.pigeon: no such destination/,
    /^alerts\.yaml:19:9 value-invalid notify\.3\.as: /,
  ])
    expect(found).toContainEqual(expect.stringMatching(each));
});

it('knows the channels that feeds may name, and takes patterns', () => {
  expect(problems('expect: [{ feed: adt-outbound, every: 15min }]')).toEqual([
    'alerts.yaml:1:18 value-invalid expect.0.feed: there is no channel adt-outbound; known: adt-inbound, lab-in',
  ]);
  expect(problems("expect: [{ feed: adt-inbound, between: '22:00-06:00', every: 8h }]")).toEqual([
    'alerts.yaml:1:62 value-invalid expect.0.every: those hours are over before it is',
  ]);
  expect(problems("expect: [{ feed: [adt-inbound, 'x-*'], every: 15min }]")).toEqual([]);
});
