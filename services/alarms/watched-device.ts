import type { Identifier } from '../../contracts/clinical-person.ts';
import type { DeviceAlarm } from '../../contracts/device-profile/device-profile.ts';
import type { Reading, VitalAlarm, VitalReadings } from '../../contracts/vitals.ts';
import { type AlarmInput, type AlarmNotice, idle, inputOf, silenceOf, stepped } from './alarm-machine.ts';
import { type AlarmDocument, type DeviceDocument, type PointDocument, patientKey } from './documents.ts';

/** A device after something happened, and what people are told of it. */
export interface Watched {
  readonly document: DeviceDocument;
  readonly events: readonly VitalAlarm[];
}

/** A clock that goes back by more is taken as set; by less, as two hubs whose clocks differ. */
const clockSetMs = 2_000;
/** A reading that is published so long after it was received may be older than the last one of its device. */
const lateMs = 60_000;

/** Whether a reading came by a detour, and newer ones of its device are known. It changes no alarm. */
export function isLate(
  { receivedAt }: VitalReadings,
  publishedAt: number,
  document: DeviceDocument | undefined,
): boolean {
  const received = Date.parse(receivedAt);
  return document !== undefined && received < document.heardAt && publishedAt - received > lateMs;
}

/**
 * The device after a message of its own. Delays are counted from when messages were received, so that it does not matter when they are
 * handled; the device’s own clock, which may stand at 1970, is not asked.
 * @param patient with whom it is; where that is somebody else than before, alarms about the one before are over
 */
export function heard(
  before: DeviceDocument | undefined,
  message: VitalReadings,
  alarms: readonly DeviceAlarm[],
  patient: Identifier | undefined,
  now: number,
): Watched {
  const { device, profile, location, subject } = message;
  const at = Date.parse(message.receivedAt);
  const known = before && withoutGone(device, timely(before, at), alarms, at);
  const moved = known && passedOn(device, known.document, patient, at);
  const events: VitalAlarm[] = [...(known?.events ?? []), ...(moved?.events ?? [])];
  let document: DeviceDocument = {
    ...{ profile, heardAt: Math.max(at, known?.document.heardAt ?? at), seenAt: now },
    ...(location !== undefined && { location }),
    ...(subject !== undefined && { subject }),
    ...(patient && { patient }),
    points: moved?.document.points ?? {},
    alarms: moved?.document.alarms ?? {},
  };
  for (const round of rounds(message.readings)) {
    const points: Record<string, PointDocument> = { ...document.points };
    for (const { point, value, validity, unit } of round)
      points[point] = { validity, at, ...(value !== undefined && { value }), ...(unit !== undefined && { unit }) };
    document = { ...document, points };
    const stateOf = (point: string) => (Object.hasOwn(points, point) ? points[point] : undefined);
    const judged = judge(device, document, alarms, document.heardAt, (alarm) =>
      alarm.when ? inputOf({ ...alarm, when: alarm.when }, stateOf) : 'over',
    );
    document = judged.document;
    events.push(...judged.events);
  }
  return { document, events };
}

/**
 * The device at a time at which it said nothing. A delay may be over, or the device silent.
 * @param listeningSince before it nobody would have heard the device
 */
export function unheard(
  device: string,
  document: DeviceDocument,
  alarms: readonly DeviceAlarm[],
  at: number,
  listeningSince: number,
): Watched {
  const lastAt = Math.max(document.seenAt, listeningSince);
  const known = withoutGone(device, document, alarms, at);
  const judged = judge(device, known.document, alarms, at, ({ noDataMs }) =>
    noDataMs === undefined ? 'tick' : silenceOf(noDataMs, lastAt, at),
  );
  return { document: judged.document, events: [...known.events, ...judged.events] };
}

/** The device after somebody has seen one of its alarms. */
export function acknowledged(
  device: string,
  document: DeviceDocument,
  alarms: readonly DeviceAlarm[],
  id: string,
  by: string,
  at: number,
): Watched {
  const own = alarms.filter((alarm) => alarm.id === id);
  return judge(device, document, own, at, () => 'acknowledge', by);
}

/** The device with another patient, or with nobody: what was known of the one before is forgotten. */
export function passedOn(
  device: string,
  document: DeviceDocument,
  patient: Identifier | undefined,
  at: number,
): Watched {
  const { patient: before, ...rest } = document;
  if ((before && patientKey(before)) === (patient && patientKey(patient))) return { document, events: [] };
  const all = Object.entries(document.alarms);
  const [stay, go] = [true, false].map((isTechnical) =>
    all.filter(([, { kind }]) => (kind === 'technical') === isTechnical),
  );
  return {
    document: { ...rest, ...(patient && { patient }), points: {}, alarms: Object.fromEntries(stay!) },
    events: go!.flatMap(([id, alarm]) => over(device, document, id, alarm, at)),
  };
}

/** A message may carry several readings of one point: what came together is judged together, in their order. */
function* rounds(readings: readonly Reading[]): Generator<readonly Reading[]> {
  let round: Reading[] = [];
  const seen = new Set<string>();
  for (const reading of readings) {
    if (seen.has(reading.point)) {
      yield round;
      round = [];
      seen.clear();
    }
    seen.add(reading.point);
    round.push(reading);
  }
  yield round;
}

function judge(
  device: string,
  document: DeviceDocument,
  alarms: readonly DeviceAlarm[],
  at: number,
  input: (alarm: DeviceAlarm) => AlarmInput,
  by?: string,
): Watched {
  const events: VitalAlarm[] = [];
  let changed: Record<string, AlarmDocument> | undefined;
  for (const alarm of alarms) {
    const { id, title = id, priority, kind = 'physiological' } = alarm;
    const before = Object.hasOwn(document.alarms, id) ? document.alarms[id] : undefined;
    const { state, notices } = stepped(alarm, before ?? idle, input(alarm), at);
    if (state === (before ?? idle)) continue;
    changed ??= { ...document.alarms };
    const isSame = before?.incident !== undefined && before.raisedAt === state.raisedAt;
    const own = {
      ...{ title, priority, kind },
      ...(isSame ? ofIncident(before) : ofIncident({ ...document, reading: readingOf(alarm, document) })),
      ...(by !== undefined && { by }),
    };
    for (const notice of notices) events.push(eventOf(device, document, id, own, notice));
    if (state.phase === 'idle') delete changed[id];
    else
      changed[id] =
        state.raisedAt === undefined
          ? { ...state, title, priority, kind }
          : { ...state, ...own, incident: incidentOf(device, id, state.raisedAt) };
  }
  return { document: changed ? { ...document, alarms: changed } : document, events };
}

/** What is said of an incident from its beginning to its end. */
function ofIncident({ heardAt, patient, reading, by }: Incident): Pick<AlarmDocument, keyof Incident> {
  return {
    ...(heardAt !== undefined && { heardAt }),
    ...(patient && { patient }),
    ...(reading && { reading }),
    ...(by !== undefined && { by }),
  };
}

type Incident = { readonly [K in 'heardAt' | 'patient' | 'reading' | 'by']?: AlarmDocument[K] | undefined };

/** What the profile, or the patient’s thresholds, have no more cannot end by itself. */
function withoutGone(device: string, document: DeviceDocument, alarms: readonly DeviceAlarm[], at: number): Watched {
  const gone = Object.entries(document.alarms).filter(([id]) => !alarms.some((alarm) => alarm.id === id));
  if (gone.length === 0) return { document, events: [] };
  const left = Object.entries(document.alarms).filter(([id]) => alarms.some((alarm) => alarm.id === id));
  return {
    document: { ...document, alarms: Object.fromEntries(left) },
    events: gone.flatMap(([id, alarm]) => over(device, document, id, alarm, at)),
  };
}

function over(
  device: string,
  document: DeviceDocument,
  id: string,
  alarm: AlarmDocument,
  at: number,
): readonly VitalAlarm[] {
  const { raisedAt } = alarm;
  if (raisedAt === undefined) return [];
  return [eventOf(device, document, id, alarm, { state: 'cleared', raisedAt, at: Math.max(at, raisedAt) })];
}

/** The last message was received later than this one, by a clock that has been set back: what was timed by it is, too. */
function timely(document: DeviceDocument, at: number): DeviceDocument {
  const back = document.heardAt - at;
  if (back <= clockSetMs) return document;
  const alarms = Object.entries(document.alarms).map(([id, alarm]) => [id, { ...alarm, since: alarm.since - back }]);
  return { ...document, heardAt: at, alarms: Object.fromEntries(alarms) };
}

function readingOf({ when }: DeviceAlarm, { points }: DeviceDocument): Reading | undefined {
  const point = when?.tests[0]?.point;
  if (point === undefined || !Object.hasOwn(points, point)) return undefined;
  const { at: _, ...reading } = points[point]!;
  return { point, ...reading };
}

function incidentOf(device: string, alarm: string, raisedAt: number): string {
  return `${device}/${alarm}/${raisedAt}`;
}

function eventOf(
  device: string,
  { profile, location, subject }: DeviceDocument,
  alarm: string,
  { title, priority, kind, heardAt, reading, patient, by }: Omit<AlarmDocument, 'phase' | 'since'>,
  { state, raisedAt, at }: AlarmNotice,
): VitalAlarm {
  return {
    ...{ device, profile, alarm, incident: incidentOf(device, alarm, raisedAt), kind, priority, state, title },
    ...(location !== undefined && { location }),
    ...(subject !== undefined && { subject }),
    ...{ raisedAt: new Date(raisedAt).toISOString(), at: new Date(at).toISOString() },
    ...(heardAt !== undefined && { receivedAt: new Date(heardAt).toISOString() }),
    ...(reading && { reading }),
    ...(patient && { patient: { identifiers: [patient] } }),
    ...(by !== undefined && { by }),
  };
}
