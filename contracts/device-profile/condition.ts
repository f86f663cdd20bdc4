import { HubError } from '../../core/errors.ts';
import { hasValue, type Reading } from '../vitals.ts';

type Value = NonNullable<Reading['value']>;

/** What is asked of one point. `invalid`: that there is no value, whatever the reason. */
export type PointTest =
  | { readonly point: string; readonly is: '<' | '<=' | '>' | '>='; readonly value: number }
  | { readonly point: string; readonly is: '=' | '!='; readonly value: Value }
  | { readonly point: string; readonly is: 'invalid' };

/** Tests of which all (`and`) or any (`or`) have to hold. */
export interface Condition {
  readonly text: string;
  readonly join: 'and' | 'or';
  readonly tests: readonly PointTest[];
}

const ONE = /^([a-z][\w.-]*)\s+(?:(invalid)|(<=|>=|!=|<|>|=)\s*(?:(-?\d+(?:\.\d+)?)|(true|false)|'([^']*)'))$/;

/**
 * Reads a condition: `spo2 < 85`, `door = true and pressure > -2.5`, `state = 'fault' or pressure invalid`. Throws HubError
 * `config-invalid`.
 */
export function readCondition(text: string): Condition {
  const isAnd = / and /.test(text);
  if (isAnd && / or /.test(text)) throw unreadable('and and or in one: make two alarms of it');
  const tests = text.split(isAnd ? ' and ' : ' or ').map((part) => readTest(part.trim()));
  return { text, join: isAnd ? 'and' : 'or', tests };
}

function readTest(text: string): PointTest {
  const [, point, invalid, is, number, truth, word] = ONE.exec(text) ?? [];
  if (point === undefined)
    throw unreadable(`“${text}” is not like spo2 < 85, door = true, state = 'fault' or spo2 invalid`);
  if (invalid !== undefined) return { point, is: 'invalid' };
  if (is === '=' || is === '!=') {
    const value = number !== undefined ? Number(number) : truth !== undefined ? truth === 'true' : word!;
    return { point, is, value };
  }
  if (number === undefined) throw unreadable(`${is} is for numbers`);
  return { point, is: is as '<' | '<=' | '>' | '>=', value: Number(number) };
}

/** What is known of a point. */
export type PointState = Pick<Reading, 'value' | 'validity'>;

/**
 * Whether a condition holds by the last reading of each point; undefined where that cannot be told, because a point that it
 * depends on has no value or was never read.
 */
export function holds(
  { join, tests }: Condition,
  stateOf: (point: string) => PointState | undefined,
): boolean | undefined {
  const decides = join === 'or';
  let isUnknown = false;
  for (const test of tests) {
    const result = testHolds(test, stateOf(test.point));
    if (result === decides) return decides;
    isUnknown ||= result === undefined;
  }
  return isUnknown ? undefined : !decides;
}

function testHolds(test: PointTest, state: PointState | undefined): boolean | undefined {
  if (!state) return undefined;
  if (test.is === 'invalid') return !hasValue(state.validity);
  const { value } = state;
  if (value === undefined || typeof value !== typeof test.value) return undefined;
  switch (test.is) {
    case '=':
      return value === test.value;
    case '!=':
      return value !== test.value;
    default:
      return isOrdered(test.is, Number(value), test.value);
  }
}

function isOrdered(is: '<' | '<=' | '>' | '>=', value: number, limit: number): boolean {
  switch (is) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    default:
      return is satisfies never;
  }
}

function unreadable(reason: string): HubError {
  return new HubError('config-invalid', 'permanent', `reading a condition: ${reason}`);
}
