import type { ContentOf } from '../../contracts/device-profile/keys.ts';
import type { MqttPointKeys } from '../../contracts/device-profile/mqtt-keys.ts';
import { type JsonValue, json } from '../../contracts/json.ts';
import { firstAt, isObject, type JsonStep, readJsonPath } from '../../contracts/json-path.ts';
import { hasValue, type Reading, type Validity } from '../../contracts/vitals.ts';
import { HubError } from '../../core/errors.ts';
import { noMeta } from '../../core/format.ts';
import { DeviceClock } from './device-time.ts';
import { type Judged, judgedNumber, NO_VALUE, readingOf } from './judged.ts';
import type { FrameReader } from './reader.ts';

type Path = readonly JsonStep[];

interface ReadablePoint {
  readonly point: MqttPointKeys;
  readonly path: Path;
  readonly quality: Path | undefined;
}

/** The payload of a message in JSON: one sample, or a list of them. A retained message is state, and no sample: it has no readings. */
export function mqttReader({ mqtt, points, clock }: ContentOf<'mqtt'>): FrameReader<'mqtt'> {
  const samples = mqtt.samples === undefined ? undefined : readJsonPath(mqtt.samples);
  const sequence = mqtt.sequence === undefined ? undefined : readJsonPath(mqtt.sequence);
  const time = mqtt.time && { path: readJsonPath(mqtt.time.from), as: mqtt.time.as };
  const deviceClock = new DeviceClock(clock?.zone);
  const readable = points.map(
    (point): ReadablePoint => ({
      point,
      path: readJsonPath(point.from),
      quality: point.quality && readJsonPath(point.quality.from),
    }),
  );

  return (frame, bytes, receivedAt) => {
    if (frame.retained) return [];
    const payload = json.decode(bytes, noMeta);
    return samplesOf(payload, samples).flatMap((sample) => {
      const at = (path: Path | undefined) => path && (firstAt(sample, path) ?? firstAt(payload, path));
      const when = time ? timeOf(at(time.path), time.as, deviceClock, receivedAt) : {};
      const count = at(sequence);
      const known = Number.isSafeInteger(count) && Number(count) >= 0 ? { sequence: Number(count) } : {};
      return readable.flatMap((each) => {
        const judged = judgedIn(sample, each);
        return judged ? [{ ...readingOf(each.point, judged), ...when, ...known }] : [];
      });
    });
  };
}

function samplesOf(payload: JsonValue, path: Path | undefined): readonly JsonValue[] {
  const found = path ? firstAt(payload, path) : [payload];
  if (!Array.isArray(found) || !(found as readonly JsonValue[]).every(isObject))
    throw new HubError(
      'decode-failed',
      'permanent',
      'reading samples of a device: they are not where the profile says',
    );
  return found as readonly JsonValue[];
}

function timeOf(
  value: JsonValue | undefined,
  as: 'iso' | 'epoch-ms' | 'epoch-s',
  clock: DeviceClock,
  receivedAt: number,
): Pick<Reading, 'deviceTime' | 'skewMs'> {
  if (as === 'iso') return clock.ofIso(typeof value === 'string' ? value.trim() : undefined, receivedAt);
  return clock.ofInstant(typeof value === 'number' ? value * (as === 'epoch-s' ? 1_000 : 1) : undefined, receivedAt);
}

/** Undefined for what is not in the sample: it was not measured. */
function judgedIn(sample: JsonValue, { point, path, quality }: ReadablePoint): Judged | undefined {
  const raw = firstAt(sample, path);
  if (raw === undefined) return undefined;
  if (raw === null || isSaidInvalid(raw, point)) return NO_VALUE;
  const validity = qualityOf(quality && firstAt(sample, quality), point);
  if (!hasValue(validity)) return { validity };
  switch (point.type) {
    case 'number': {
      const number = typeof raw === 'string' && /^\s*[+-]?\d+(?:\.\d+)?\s*$/.test(raw) ? Number(raw) : raw;
      return typeof number === 'number' ? judgedNumber(number, point, validity) : NO_VALUE;
    }
    case 'boolean':
      return typeof raw === 'boolean' ? { value: raw, validity } : NO_VALUE;
    case 'text':
      return typeof raw === 'object' ? NO_VALUE : { value: String(raw), validity };
    default:
      return point satisfies never;
  }
}

function isSaidInvalid(raw: JsonValue, point: MqttPointKeys): boolean {
  return 'invalid' in point && point.invalid?.some((each) => each === raw) === true;
}

function qualityOf(word: JsonValue | undefined, { quality }: MqttPointKeys): Validity {
  if (!quality || word === undefined || word === null) return 'Vld';
  const text = String(word);
  return Object.hasOwn(quality.words, text) ? quality.words[text]! : 'Qst';
}
