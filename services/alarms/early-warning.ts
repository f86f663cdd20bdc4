import { type Band, mews, news2, type ScoredVital } from './score-tables.ts';

/** What a score is computed of. What is missing is left out: there is no score then, and no last value takes its place. */
export interface Observations {
  /** Breaths per minute. */
  readonly respiration?: number;
  /** Percent. */
  readonly spo2?: number;
  readonly onOxygen?: boolean;
  /** mmHg. */
  readonly systolic?: number;
  /** Per minute. */
  readonly pulse?: number;
  /** ACVPU: alert, new confusion, responds to voice, to pain, unresponsive. */
  readonly consciousness?: 'A' | 'C' | 'V' | 'P' | 'U';
  /** °C. */
  readonly temperature?: number;
}

export interface Score<P extends string = string> {
  readonly total: number;
  readonly points: Readonly<Record<P, number>>;
}

/** Or the names of what is missing. */
export type Scored<S> = { readonly score: S } | { readonly missing: readonly string[] };

export interface News2Score extends Score<ScoredVital | 'oxygen' | 'consciousness'> {
  /** 0–4; any single 3, or 5–6; 7 or more. */
  readonly response: 'low' | 'urgent' | 'emergency';
}

/** @param scale 2 on a clinician’s order only */
export function scoreNews2(observed: Observations, scale: 1 | 2 = 1): Scored<News2Score> {
  const { onOxygen, consciousness } = observed;
  const vitals = pointsOf({ ...news2.bands, spo2: spo2Bands(scale, onOxygen) }, observed);
  const missing = [
    ...vitals.missing,
    ...(onOxygen === undefined ? ['onOxygen'] : []),
    ...(consciousness === undefined ? ['consciousness'] : []),
  ];
  if (missing.length > 0) return { missing };
  const points = {
    ...vitals.points,
    oxygen: onOxygen ? news2.oxygen : 0,
    consciousness: news2.consciousness[consciousness!],
  } as News2Score['points'];
  const total = sumOf(points);
  const isUrgent = total >= 5 || Object.values(points).includes(3);
  return { score: { total, points, response: total >= 7 ? 'emergency' : isUrgent ? 'urgent' : 'low' } };
}

/** New confusion is not known to it: it counts as alert. */
export function scoreMews(observed: Observations): Scored<Score> {
  const { consciousness } = observed;
  const vitals = pointsOf(mews.bands, observed);
  const missing = [...vitals.missing, ...(consciousness === undefined ? ['consciousness'] : [])];
  if (missing.length > 0) return { missing };
  const points = {
    ...vitals.points,
    consciousness: mews.consciousness[consciousness === 'C' ? 'A' : consciousness!],
  };
  return { score: { total: sumOf(points), points } };
}

function spo2Bands(scale: 1 | 2, onOxygen: boolean | undefined): readonly Band[] {
  if (scale === 1) return news2.bands.spo2;
  return onOxygen ? news2.scale2.oxygen : news2.scale2.air;
}

function pointsOf(
  bands: Readonly<Partial<Record<ScoredVital, readonly Band[]>>>,
  observed: Observations,
): { readonly points: Readonly<Record<string, number>>; readonly missing: readonly string[] } {
  const points: Record<string, number> = {};
  const missing: string[] = [];
  for (const [vital, list] of Object.entries(bands) as [ScoredVital, readonly Band[]][]) {
    const value = observed[vital];
    if (value === undefined || !Number.isFinite(value)) missing.push(vital);
    else points[vital] = bandOf(charted(vital, value), list);
  }
  return { points, missing };
}

/** To the precision of the chart, which the bands are written for: 35.04 °C is 35.0, 90.5 mmHg is 91. */
function charted(vital: ScoredVital, value: number): number {
  // 35.05 × 10 is 350.49999999999994: the digits beyond are those of the multiplication.
  return vital === 'temperature' ? Math.round(Number((value * 10).toFixed(6))) / 10 : Math.round(value);
}

function bandOf(value: number, bands: readonly Band[]): number {
  return bands.find(({ to }) => to === undefined || value <= to)!.points;
}

function sumOf(points: Readonly<Record<string, number>>): number {
  return Object.values(points).reduce((sum, each) => sum + each, 0);
}
