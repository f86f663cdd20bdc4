import type { ContentOf } from '../../../contracts/device-profile/keys.ts';
import { type JsonStep, readJsonPath } from '../../../contracts/json-path.ts';
import type { PlayedValue } from './played-values.ts';

type Written = Record<string, unknown> | unknown[];

/** One publication as the profile reads it: the samples at their path, the time and the count where the profile looks for them. */
export function payloadOf(
  { mqtt, points }: ContentOf<'mqtt'>,
  values: ReadonlyMap<string, PlayedValue>,
  now: number,
  sequence: number,
): Buffer {
  const sample: Record<string, unknown> = {};
  for (const point of points) {
    const value = values.get(point.id);
    if (value !== undefined) put(sample, readJsonPath(point.from), value);
    const good = point.quality && Object.entries(point.quality.words).find(([, validity]) => validity === 'Vld')?.[0];
    if (value !== undefined && point.quality && good !== undefined) put(sample, readJsonPath(point.quality.from), good);
  }
  const payload: Record<string, unknown> = {};
  if (mqtt.samples === undefined) Object.assign(payload, sample);
  else put(payload, readJsonPath(mqtt.samples), [sample]);
  const { time } = mqtt;
  if (time) {
    const at = time.as === 'iso' ? new Date(now).toISOString() : time.as === 'epoch-ms' ? now : Math.floor(now / 1_000);
    put(payload, readJsonPath(time.from), at);
  }
  if (mqtt.sequence !== undefined) put(payload, readJsonPath(mqtt.sequence), sequence);
  return Buffer.from(JSON.stringify(payload));
}

/** Writes a value where a path reads its first one. */
function put(into: Written, steps: readonly JsonStep[], value: unknown): void {
  let current: Written = into;
  for (const [at, step] of steps.entries()) {
    const next = steps[at + 1];
    const made = () => (next === undefined ? value : next.kind === 'key' ? {} : []);
    if (step.kind === 'where') {
      const list = current as Record<string, unknown>[];
      let item = list.find((each) => String(each[step.key]) === step.value);
      if (!item) list.push((item = { [step.key]: step.value }));
      current = item;
      continue;
    }
    const key = step.kind === 'key' ? step.key : step.kind === 'index' ? step.index : 0;
    const holder = current as Record<string | number, unknown>;
    if (next === undefined) holder[key] = value;
    else current = (holder[key] ??= made()) as Written;
  }
}
