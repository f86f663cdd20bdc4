import { isDeepStrictEqual } from 'node:util';
import type { VitalScore } from '../../contracts/vital-score.ts';
import type { Observed, PatientDocument, PublishedScore, ScoreName } from './documents.ts';
import type { Score, Scored } from './early-warning.ts';
import { isCharted, type PatientScores, type ScoreAges, scoresAt } from './patient-scores.ts';

/** A patient after their scores were computed anew. */
export interface Rescored {
  readonly document: PatientDocument;
  /** Scores that became other ones, and those that are no more. Where there was none before, that there is none is not said. */
  readonly events: readonly VitalScore[];
  readonly scores: PatientScores;
}

/** The scores of a patient at a time, and what of them has changed since they were published last. */
export function rescored(document: PatientDocument, at: number, ages: ScoreAges): Rescored {
  const scores = scoresAt(document, at, ages);
  const events: VitalScore[] = [];
  const published: Partial<Record<ScoreName, PublishedScore>> = {};
  const judge = (name: ScoreName, scored: Scored<Score>, scale: { readonly spo2Scale?: 1 | 2 }) => {
    const before = document.published?.[name];
    const event = { patient: { identifiers: [document.patient] }, score: name, at: new Date(at).toISOString() };
    const used = usedBy(name, scores.of);
    const of = ofScore(used);
    if (!('score' in scored)) {
      if (before) events.push({ ...event, missing: [...scored.missing], of });
      return;
    }
    const { total, points, ...rest } = scored.score;
    published[name] = { points, ...scale, until: untilOf(used, ages) };
    if (before && before.spo2Scale === scale.spo2Scale && isDeepStrictEqual(before.points, points)) return;
    events.push({ ...event, total, points, ...rest, ...scale, of });
  };
  judge('NEWS2', scores.news2, { spo2Scale: scores.spo2Scale });
  judge('MEWS', scores.mews, {});
  if (isDeepStrictEqual(published, document.published ?? {})) return { document, events, scores };
  const { published: _, ...rest } = document;
  return {
    document: Object.keys(published).length > 0 ? { ...rest, published } : rest,
    ...{ events, scores },
  };
}

/** When a score that was published is none any more if nothing else comes; undefined where there is none. */
export function nextExpiry({ published }: PatientDocument): number | undefined {
  const all = Object.values(published ?? {}).map(({ until }) => until);
  return all.length > 0 ? Math.min(...all) : undefined;
}

/** When anything was read of a patient, charted or ordered last. */
export function lastAbout({ vitals, consciousness, onOxygen, scale2 }: PatientDocument): number {
  const all = [...Object.values(vitals), consciousness, onOxygen, scale2];
  return Math.max(...all.map((each) => each?.at ?? 0));
}

type Used = readonly (readonly [name: string, Observed<number | string | boolean>])[];

function usedBy(name: ScoreName, of: PatientScores['of']): Used {
  return Object.entries(of).filter(([vital]) => name === 'NEWS2' || (vital !== 'spo2' && vital !== 'onOxygen'));
}

function untilOf(used: Used, ages: ScoreAges): number {
  return Math.min(...used.map(([vital, { at }]) => at + (isCharted(vital) ? ages.chartedMs : ages.monitoredMs)));
}

function ofScore(used: Used): VitalScore['of'] {
  return Object.fromEntries(
    used.map(([name, { value, at, from }]) => [name, { value, at: new Date(at).toISOString(), from }]),
  );
}
