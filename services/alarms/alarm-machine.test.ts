import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCondition } from '../../contracts/device-profile/condition.ts';
import {
  type AlarmInput,
  type AlarmState,
  type AlarmTiming,
  idle,
  inputOf,
  nextDue,
  silenceOf,
  stepped,
} from './alarm-machine.ts';

const plain: AlarmTiming = { raiseAfterMs: 10, clearAfterMs: 5, latching: false };
const latching = { ...plain, latching: true };

/** The notices of inputs at times, as `active 10`. */
function told(timing: AlarmTiming, inputs: readonly (readonly [number, AlarmInput])[]): readonly string[] {
  let state: AlarmState = idle;
  return inputs.flatMap(([now, input]) => {
    const next = stepped(timing, state, input, now);
    state = next.state;
    return next.notices.map((notice) => `${notice.state} ${notice.at}`);
  });
}

describe('an alarm', () => {
  it('is raised when its condition has held long enough, without a break', () => {
    expect(
      told(plain, [
        [0, 'holds'],
        [9, 'tick'],
        [30, 'tick'],
      ]),
    ).toEqual(['active 10']);
    expect(
      told(plain, [
        [0, 'holds'],
        [9, 'over'],
        [30, 'tick'],
      ]),
    ).toEqual([]);
    expect(
      told(plain, [
        [0, 'holds'],
        [9, 'between'],
        [10, 'holds'],
        [19, 'tick'],
        [20, 'tick'],
      ]),
    ).toEqual(['active 20']);
  });

  it('is cleared when what clears it has held long enough; between the two limits nothing changes', () => {
    const raised = [
      [0, 'holds'],
      [10, 'tick'],
    ] as const;
    expect(told(plain, [...raised, [20, 'between'], [30, 'tick']])).toEqual(['active 10']);
    expect(told(plain, [...raised, [20, 'over'], [24, 'between'], [30, 'tick'], [40, 'over'], [45, 'tick']])).toEqual([
      'active 10',
      'cleared 45',
    ]);
  });

  it('that latches stays until somebody has seen it', () => {
    const over = [
      [0, 'holds'],
      [10, 'tick'],
      [20, 'over'],
      [25, 'tick'],
    ] as const;
    expect(told(latching, [...over, [99, 'acknowledge']])).toEqual(['active 10', 'latched 25', 'cleared 99']);
    expect(told(latching, [...over, [30, 'holds'], [31, 'acknowledge'], [32, 'over'], [37, 'tick']])).toEqual([
      ...['active 10', 'latched 25', 'active 30', 'acknowledged 31', 'cleared 37'],
    ]);
    expect(
      told(latching, [
        [0, 'holds'],
        [10, 'tick'],
        [12, 'acknowledge'],
        [20, 'over'],
        [25, 'tick'],
      ]),
    ).toEqual([...['active 10', 'acknowledged 12', 'cleared 25']]);
  });

  it('is neither raised nor ended by a sensor that has no value', () => {
    expect(
      told(plain, [
        [0, 'unknown'],
        [50, 'tick'],
      ]),
    ).toEqual([]);
    expect(
      told(plain, [
        [0, 'holds'],
        [10, 'tick'],
        [20, 'unknown'],
        [99, 'tick'],
      ]),
    ).toEqual(['active 10']);
  });

  it('is raised at once where there is no delay', () => {
    expect(
      told({ raiseAfterMs: 0, clearAfterMs: 0, latching: false }, [
        [7, 'holds'],
        [8, 'over'],
      ]),
    ).toEqual([...['active 7', 'cleared 8']]);
  });
});

it('the last readings say whether an alarm is to be raised or cleared', () => {
  const alarm = { when: readCondition('spo2 < 88'), clearWhen: readCondition('spo2 >= 90') };
  const of = (value: number | undefined) =>
    inputOf(alarm, () => (value === undefined ? { validity: 'Inv' } : { value, validity: 'Vld' }));
  expect([87, 88, 89, 90, undefined].map(of)).toEqual(['holds', 'between', 'between', 'over', 'unknown']);
  expect(inputOf({ when: alarm.when }, () => ({ value: 88, validity: 'Vld' }))).toBe('over');
  expect(inputOf({ when: readCondition('spo2 invalid') }, () => ({ validity: 'Inv' }))).toBe('holds');
  const both = readCondition('door = false and spo2 < 88');
  expect(inputOf({ when: both }, (point) => (point === 'door' ? { value: true, validity: 'Vld' } : undefined))).toBe(
    'over',
  );
  expect(inputOf({ when: both }, (point) => (point === 'door' ? { value: false, validity: 'Vld' } : undefined))).toBe(
    'unknown',
  );
  expect([99, 100].map((now) => silenceOf(100, 0, now))).toEqual(['over', 'holds']);
});

describe('whatever comes', () => {
  const timing = fc.record({ raiseAfterMs: fc.nat(20), clearAfterMs: fc.nat(20), latching: fc.boolean() });
  const word = fc.constantFrom<AlarmInput>('holds', 'over', 'between', 'unknown', 'acknowledge', 'tick');
  const inputs = fc.array(fc.tuple(fc.nat(15), word), { maxLength: 60 }).map((steps) => {
    let now = 0;
    return steps.map(([later, input]) => [(now += later), input] as const);
  });

  it('more ticks in between tell nothing else', () => {
    fc.assert(
      fc.property(timing, inputs, (of, given) => {
        const dense = given.flatMap(([now, input], index) => {
          const before = given[index - 1]?.[0] ?? 0;
          const ticks = Array.from({ length: now - before }, (_, at) => [before + at, 'tick'] as const);
          return [...ticks, [now, input] as const];
        });
        expect(told(of, dense)).toEqual(told(of, given));
      }),
    );
  });

  it('an incident begins with active and ends with cleared; a latching one never ends before it was acknowledged', () => {
    fc.assert(
      fc.property(timing, inputs, (of, given) => {
        let isOpen = false;
        let isSeen = false;
        let state: AlarmState = idle;
        for (const [now, input] of given) {
          const next = stepped(of, state, input, now);
          state = next.state;
          for (const notice of next.notices) {
            if (notice.state === 'active' && !isOpen) [isOpen, isSeen] = [true, false];
            expect(isOpen).toBe(true);
            if (notice.state === 'acknowledged') isSeen = true;
            if (notice.state !== 'cleared') continue;
            expect(!of.latching || isSeen || input === 'acknowledge').toBe(true);
            isOpen = false;
          }
          expect(state.raisedAt !== undefined).toBe(isOpen);
          expect(nextDue(of, state) ?? Infinity).toBeGreaterThan(now);
        }
      }),
    );
  });
});
