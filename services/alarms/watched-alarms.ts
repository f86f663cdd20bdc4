import { type Condition, readCondition } from '../../contracts/device-profile/condition.ts';
import type { DeviceAlarm, ProfiledDevice } from '../../contracts/device-profile/device-profile.ts';
import { HubError } from '../../core/errors.ts';
import type { Threshold, ThresholdsDocument } from './documents.ts';

/** The devices of all profiles, by their ids, each with the profile’s name. */
export type WatchedDevices = ReadonlyMap<string, ProfiledDevice & { readonly profile: string }>;

const untouched: readonly DeviceAlarm[] = [];
/** Both are objects that are never changed: what they make together is made once. */
const made = new WeakMap<readonly DeviceAlarm[], WeakMap<ThresholdsDocument, readonly DeviceAlarm[]>>();

/** The alarms of a device, as they are for the patient it is with. */
export function alarmsFor(
  device: ProfiledDevice | undefined,
  thresholds: ThresholdsDocument | undefined,
): readonly DeviceAlarm[] {
  const alarms = device?.alarms ?? untouched;
  if (!thresholds) return alarms;
  let byThresholds = made.get(alarms);
  if (!byThresholds) made.set(alarms, (byThresholds = new WeakMap()));
  let own = byThresholds.get(thresholds);
  if (!own) {
    own = alarms.flatMap((alarm) => {
      const threshold = Object.hasOwn(thresholds.alarms, alarm.id) ? thresholds.alarms[alarm.id] : undefined;
      return threshold ? withThreshold(alarm, threshold) : [alarm];
    });
    byThresholds.set(thresholds, own);
  }
  return own;
}

function withThreshold(alarm: DeviceAlarm, { when, clearWhen, off, ...rest }: Threshold): readonly DeviceAlarm[] {
  if (off) return [];
  const { clearWhen: _, ...without } = alarm;
  // Where one of the two limits moves, the other one of the profile is of no use beside it.
  const conditions =
    when === undefined
      ? alarm
      : { ...without, when: readCondition(when), ...(clearWhen && { clearWhen: readCondition(clearWhen) }) };
  return [
    {
      ...conditions,
      priority: rest.priority ?? alarm.priority,
      raiseAfterMs: rest.raiseAfterMs ?? alarm.raiseAfterMs,
      clearAfterMs: rest.clearAfterMs ?? alarm.clearAfterMs,
    },
  ];
}

/** Throws HubError `not-found` or `config-invalid` where a threshold is of no alarm, or asks for what no such device measures. */
export function checkThreshold(devices: WatchedDevices, id: string, { when, clearWhen }: Threshold): void {
  const doing = `setting a threshold of ${id}`;
  const fitting = [...devices.values()].filter(({ alarms }) => alarms.some((alarm) => alarm.id === id));
  if (fitting.length === 0) throw new HubError('not-found', 'permanent', `${doing}: no device profile has this alarm`);
  const invalid = (what: string) => new HubError('config-invalid', 'permanent', `${doing}: ${what}`);
  if (clearWhen !== undefined && when === undefined) throw invalid('clearWhen needs when');
  if (
    when !== undefined &&
    fitting.every(({ alarms }) => alarms.find((alarm) => alarm.id === id)?.noDataMs !== undefined)
  )
    throw invalid('it is raised by silence, which has no condition');
  for (const condition of [when, clearWhen].flatMap((text) => (text === undefined ? [] : [readCondition(text)]))) {
    const missing = fitting.map((device) => pointsOf(condition).find((point) => !measures(device, point)));
    if (missing.every((point) => point !== undefined))
      throw invalid(`no device with this alarm measures ${missing[0]}`);
  }
}

function pointsOf({ tests }: Condition): readonly string[] {
  return tests.map(({ point }) => point);
}

function measures({ content }: ProfiledDevice, point: string): boolean {
  return content.points.some(({ id }) => id === point);
}
