import { didYouMean } from '../../core/config/suggestion.ts';
import type { Place } from '../../core/config/yaml-file.ts';
import { type Condition, holds, type PointTest, readCondition } from './condition.ts';
import type { Report } from './findings.ts';
import type { AlarmKeys, Content } from './keys.ts';

type ValueKind = 'number' | 'boolean' | 'string';

/** Alarms that name absent points, compare what cannot be compared, or would be raised and cleared by one value. */
export function checkAlarms({ alarms, points }: Content, report: Report): void {
  const kinds = new Map(points.map((point) => [point.id, valueKindOf(point)]));
  for (const [index, alarm] of alarms.entries()) {
    const at = ['alarms', index];
    if (alarms.findIndex(({ id }) => id === alarm.id) < index)
      report([...at, 'id'], 'value-invalid', `another alarm is called ${alarm.id}`);
    for (const key of ['when', 'clearWhen'] as const) {
      const text = alarm[key];
      if (text !== undefined)
        for (const test of readCondition(text).tests) checkTest(test, kinds, [...at, key], report);
    }
    if (overlaps(alarm))
      report([...at, 'clearWhen'], 'value-invalid', 'a value would raise the alarm and clear it at the same time');
  }
}

/** What a point’s value is. */
export function valueKindOf(point: Content['points'][number]): ValueKind {
  if (!('type' in point)) {
    if (point.from === 'perfusion') return 'string';
    return point.from === 'pulseRate' || point.from === 'spo2' ? 'number' : 'boolean';
  }
  switch (point.type) {
    case 'bit':
    case 'boolean':
      return 'boolean';
    case 'enum':
    case 'ascii':
    case 'text':
      return 'string';
    default:
      return 'number';
  }
}

function checkTest(test: PointTest, kinds: ReadonlyMap<string, ValueKind>, at: Place, report: Report): void {
  const kind = kinds.get(test.point);
  if (kind === undefined)
    report(at, 'value-invalid', `there is no point ${test.point}${didYouMean(test.point, kinds.keys())}`);
  else if (test.is !== 'invalid' && typeof test.value !== kind)
    report(at, 'value-invalid', `the value of ${test.point} is a ${kind}, not a ${typeof test.value}`);
}

/** Of two conditions on one point: whether there is a value for which both hold. Those at and beside their limits tell. */
function overlaps({ when, clearWhen }: AlarmKeys): boolean {
  if (when === undefined || clearWhen === undefined) return false;
  const [raise, clear] = [readCondition(when), readCondition(clearWhen)];
  const tests = [...raise.tests, ...clear.tests];
  if (new Set(tests.map(({ point }) => point)).size !== 1) return false;
  return tests.some(
    (test) =>
      test.is !== 'invalid' &&
      typeof test.value === 'number' &&
      [test.value - 1e-6, test.value, test.value + 1e-6].some((value) => bothHold(raise, clear, value)),
  );
}

function bothHold(raise: Condition, clear: Condition, value: number): boolean {
  const state = () => ({ value, validity: 'Vld' as const });
  return holds(raise, state) === true && holds(clear, state) === true;
}
