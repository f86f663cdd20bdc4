import { holds } from '../../../contracts/device-profile/condition.ts';
import type { ProfiledDevice } from '../../../contracts/device-profile/device-profile.ts';

export type PlayedValue = number | boolean | string;

/** A point that has another value from a moment on. */
export interface Episode {
  readonly point: string;
  readonly value: PlayedValue;
  /** Milliseconds from the beginning. */
  readonly fromMs: number;
}

interface Wave {
  readonly middle: number;
  readonly swing: number;
  readonly periodMs: number;
  readonly digits: number;
}

type Point = ProfiledDevice['content']['points'][number];
interface Range {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** By LOINC: the middle and the swing of somebody who is well. */
const WELL: Readonly<Record<string, readonly [middle: number, swing: number, digits: number]>> = {
  '8867-4': [76, 5, 0],
  '8889-8': [76, 5, 0],
  '59408-5': [97, 1, 0],
  '2708-6': [97, 1, 0],
  '9279-1': [15, 2, 0],
  '8310-5': [36.8, 0.2, 1],
  '8480-6': [122, 6, 0],
  '8462-4': [78, 4, 0],
  '2951-2': [140, 2, 0],
  '2823-3': [4.2, 0.3, 1],
  '14749-6': [5.4, 0.6, 1],
  '14682-9': [78, 8, 0],
};

/** What a device shows, moment by moment: waves that raise none of its profile’s alarms, until an episode begins. The same every time. */
export class PlayedValues {
  readonly #waves = new Map<string, Wave>();
  readonly #states = new Map<string, PlayedValue>();
  readonly #episodes: readonly Episode[];

  constructor(device: ProfiledDevice, episodes: readonly Episode[]) {
    this.#episodes = episodes.toSorted((a, b) => a.fromMs - b.fromMs);
    for (const [index, point] of device.content.points.entries()) {
      const state = stateOf(point);
      if (state !== undefined) this.#states.set(point.id, state);
      else this.#waves.set(point.id, { ...calm(point, device), periodMs: 17_000 + 3_100 * (index % 7) });
    }
  }

  /** @param elapsedMs from the beginning */
  at(elapsedMs: number): ReadonlyMap<string, PlayedValue> {
    const values = new Map(this.#states);
    for (const [point, { middle, swing, periodMs, digits }] of this.#waves) {
      const value = middle + swing * Math.sin((2 * Math.PI * elapsedMs) / periodMs);
      values.set(point, Number(value.toFixed(digits)));
    }
    for (const { point, value, fromMs } of this.#episodes) if (elapsedMs >= fromMs) values.set(point, value);
    return values;
  }
}

/** Of a point that is no number. */
function stateOf(point: Point): PlayedValue | undefined {
  if ('names' in point) return point.names['1'] ?? Object.values(point.names)[0] ?? '';
  if ('type' in point) {
    if (point.type === 'bit' || point.type === 'boolean') return false;
    if (point.type === 'text' || point.type === 'ascii') return 'ok';
    return undefined;
  }
  if (point.from === 'perfusion') return 'green';
  return point.from === 'pulseRate' || point.from === 'spo2' ? undefined : false;
}

function calm(point: Point, { alarms }: ProfiledDevice): Pick<Wave, 'middle' | 'swing' | 'digits'> {
  const known = point.code?.loinc?.find((code) => Object.hasOwn(WELL, code));
  if (known !== undefined) {
    const [middle, swing, digits] = WELL[known]!;
    return { middle, swing, digits };
  }
  const { min, max }: Range = 'plausible' in point && point.plausible ? point.plausible : {};
  const [low, high] = [min ?? (max === undefined ? 0 : max - 100), max ?? (min ?? 0) + 100];
  const swing = (high - low) / 200;
  const isCalm = (value: number) =>
    alarms.every(({ when }) => {
      if (!when?.tests.some((test) => test.point === point.id)) return true;
      // Alone, whatever the others are: an alarm of several conditions needs this one as well.
      const own = { ...when, tests: when.tests.filter((test) => test.point === point.id) };
      return holds(own, () => ({ value, validity: 'Vld' })) !== true;
    });
  // From the middle outwards.
  for (let step = 0; step <= 98; step++) {
    const at = 0.5 + (step % 2 === 0 ? step : -step - 1) / 200;
    const middle = low + (high - low) * at;
    if (isCalm(middle - swing) && isCalm(middle + swing)) return { middle, swing, digits: swing < 0.1 ? 2 : 1 };
  }
  return { middle: (low + high) / 2, swing, digits: 1 };
}
