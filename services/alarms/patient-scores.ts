import type { Identifier } from '../../contracts/clinical-person.ts';
import type { Reading, VitalReadings } from '../../contracts/vitals.ts';
import type { Observed, PatientDocument, ScoredPoint } from './documents.ts';
import { type News2Score, type Observations, type Score, type Scored, scoreMews, scoreNews2 } from './early-warning.ts';

/** How old what a score is computed of may be; what is older counts as missing. */
export interface ScoreAges {
  /** Respiration, SpO2, pulse and pressure. */
  readonly monitoredMs: number;
  /** Temperature, consciousness and oxygen, which people take on their rounds. */
  readonly chartedMs: number;
}

/** A clock that goes back by more is taken as set. */
const clockSetMs = 2_000;

/** What may be scored, in the codes and units that it is scored in: nothing is converted, and nothing else guessed at. */
const scored: readonly {
  readonly point: ScoredPoint;
  readonly mdc: readonly number[];
  readonly loinc: readonly string[];
  readonly units: readonly string[];
}[] = [
  { point: 'respiration', mdc: [151_562], loinc: ['9279-1'], units: ['/min', '{breaths}/min'] },
  { point: 'spo2', mdc: [150_456], loinc: ['59408-5', '2708-6'], units: ['%'] },
  { point: 'pulse', mdc: [147_842, 149_530], loinc: ['8867-4', '8889-8'], units: ['/min', '{beats}/min'] },
  { point: 'systolic', mdc: [150_021], loinc: ['8480-6'], units: ['mm[Hg]'] },
  { point: 'temperature', mdc: [150_344], loinc: ['8310-5'], units: ['Cel'] },
];

/**
 * The patient after readings of a device that was with them; the same object where they have nothing that is scored.
 * @param isLate they came by a detour: without it what is much older than what is known is of a clock that was set back
 */
export function withReadings(
  before: PatientDocument | undefined,
  patient: Identifier,
  message: VitalReadings,
  isLate = false,
): PatientDocument {
  const at = Date.parse(message.receivedAt);
  let vitals: PatientDocument['vitals'] | undefined;
  for (const reading of message.readings) {
    const point = scoredPoint(reading);
    if (point === undefined || reading.validity !== 'Vld' || typeof reading.value !== 'number') continue;
    vitals ??= before?.vitals ?? {};
    const older = (vitals[point]?.at ?? 0) - at;
    if (older > 0 && (isLate || older <= clockSetMs)) continue;
    vitals = { ...vitals, [point]: { value: reading.value, at, from: message.device } };
  }
  const known = before ?? { patient, vitals: {} };
  return vitals === undefined || vitals === known.vitals ? known : { ...known, vitals };
}

function scoredPoint({ code, unit }: Reading): ScoredPoint | undefined {
  if (!code || unit === undefined) return undefined;
  return scored.find(
    ({ mdc, loinc, units }) =>
      units.includes(unit) &&
      ((code.mdc !== undefined && mdc.includes(code.mdc)) ||
        (code.loinc?.some((each) => loinc.includes(each)) ?? false)),
  )?.point;
}

export interface PatientScores {
  readonly news2: Scored<News2Score>;
  readonly mews: Scored<Score>;
  /** 2 on a clinician’s order. */
  readonly spo2Scale: 1 | 2;
  /** What they are computed of, with the times. */
  readonly of: Readonly<Record<string, Observed<number | string | boolean>>>;
}

/** The scores of a patient at a time: of what is not too old, and none where something is missing. */
export function scoresAt(document: PatientDocument, now: number, { monitoredMs, chartedMs }: ScoreAges): PatientScores {
  const { vitals, consciousness, onOxygen, scale2 } = document;
  const all = { ...vitals, ...(consciousness && { consciousness }), ...(onOxygen && { onOxygen }) };
  const recent = Object.entries(all).filter(
    ([name, { at }]) => now - at <= (isCharted(name) ? chartedMs : monitoredMs),
  );
  const observed = Object.fromEntries(recent.map(([name, { value }]) => [name, value])) as Observations;
  const spo2Scale = scale2 ? 2 : 1;
  return {
    ...{ news2: scoreNews2(observed, spo2Scale), mews: scoreMews(observed), spo2Scale },
    of: Object.fromEntries(recent),
  };
}

/** What people take on their rounds. */
export function isCharted(name: string): boolean {
  return name === 'temperature' || name === 'consciousness' || name === 'onOxygen';
}
