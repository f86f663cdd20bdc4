import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Observations, scoreMews, scoreNews2 } from './early-warning.ts';

const well: Required<Observations> = {
  ...{ respiration: 16, spo2: 97, onOxygen: false, systolic: 120, pulse: 70, consciousness: 'A', temperature: 37 },
};
const news2 = (changed: Partial<Observations>, scale: 1 | 2 = 1) => {
  const scored = scoreNews2({ ...well, ...changed }, scale);
  if (!('score' in scored)) throw new Error(`missing: ${scored.missing.join()}`);
  return scored.score;
};

describe('NEWS2 has the points of its chart', () => {
  it.for([
    ['respiration', { 3: [0, 8], 1: [9, 11], 0: [12, 20], 2: [21, 24] }, [25, 60, 3]],
    ['spo2', { 3: [50, 91], 2: [92, 93], 1: [94, 95] }, [96, 100, 0]],
    ['systolic', { 3: [40, 90], 2: [91, 100], 1: [101, 110], 0: [111, 219] }, [220, 300, 3]],
  ] as const)('for %s', ([vital, bands, [from, to, points]]) => {
    const all = [
      ...Object.entries(bands).map(([each, [low, high]]) => [low, high, Number(each)] as const),
      [from, to, points] as const,
    ];
    for (const [low, high, expected] of all)
      for (const value of [low, high])
        expect([value, news2({ [vital]: value }).points[vital]]).toEqual([value, expected]);
  });

  it('for the pulse and the temperature, which have points on both sides', () => {
    const pulses = [40, 41, 50, 51, 90, 91, 110, 111, 130, 131].map((pulse) => news2({ pulse }).points.pulse);
    expect(pulses).toEqual([3, 1, 1, 0, 0, 1, 1, 2, 2, 3]);
    const temperatures = [35, 35.1, 36, 36.1, 38, 38.1, 39, 39.1].map(
      (temperature) => news2({ temperature }).points.temperature,
    );
    expect(temperatures).toEqual([3, 1, 1, 0, 0, 1, 1, 2]);
  });

  it('for SpO2 on scale 2, on air and on oxygen', () => {
    const values = [83, 84, 85, 86, 87, 88, 92, 93, 94, 95, 96, 97];
    const points = (onOxygen: boolean) => values.map((spo2) => news2({ spo2, onOxygen }, 2).points.spo2);
    expect(points(false)).toEqual([3, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect(points(true)).toEqual([3, 2, 2, 1, 1, 0, 0, 1, 1, 2, 2, 3]);
  });

  it('for oxygen and consciousness', () => {
    expect(news2({ onOxygen: true }).points.oxygen).toBe(2);
    expect(
      (['A', 'C', 'V', 'P', 'U'] as const).map((each) => news2({ consciousness: each }).points.consciousness),
    ).toEqual([0, 3, 3, 3, 3]);
  });

  it('after rounding to the precision of the chart', () => {
    expect(news2({ temperature: 35.04 }).points.temperature).toBe(3);
    expect(news2({ temperature: 35.05 }).points.temperature).toBe(1);
    expect(news2({ systolic: 90.4 }).points.systolic).toBe(3);
    expect(news2({ systolic: 90.5 }).points.systolic).toBe(2);
  });
});

it('NEWS2 asks for what its total and any single 3 ask for', () => {
  expect(news2({})).toMatchObject({ total: 0, response: 'low' });
  expect(news2({ pulse: 100, temperature: 38.5, onOxygen: true })).toMatchObject({ total: 4, response: 'low' });
  expect(news2({ consciousness: 'C' })).toMatchObject({ total: 3, response: 'urgent' });
  expect(news2({ pulse: 100, respiration: 22, spo2: 93 })).toMatchObject({ total: 5, response: 'urgent' });
  expect(news2({ pulse: 120, respiration: 22, spo2: 93, temperature: 38.5 })).toMatchObject({
    total: 7,
    response: 'emergency',
  });
});

it('without any one of its inputs there is no score, and it says which are missing', () => {
  for (const key of Object.keys(well) as (keyof Observations)[]) {
    const { [key]: _, ...rest } = well;
    expect(scoreNews2(rest)).toEqual({ missing: [key] });
    expect(scoreMews(rest)).toEqual(
      key === 'spo2' || key === 'onOxygen' ? { score: expect.anything() } : { missing: [key] },
    );
  }
  expect(scoreNews2({ ...well, pulse: Number.NaN })).toEqual({ missing: ['pulse'] });
});

it('MEWS has the points of its table', () => {
  const points = (vital: 'systolic' | 'pulse' | 'respiration' | 'temperature', values: readonly number[]) =>
    values.map((value) => {
      const scored = scoreMews({ ...well, [vital]: value });
      return 'score' in scored ? scored.score.points[vital] : undefined;
    });
  expect(points('systolic', [70, 71, 80, 81, 100, 101, 199, 200])).toEqual([3, 2, 2, 1, 1, 0, 0, 2]);
  expect(points('pulse', [39, 40, 50, 51, 100, 101, 110, 111, 129, 130])).toEqual([2, 1, 1, 0, 0, 1, 1, 2, 2, 3]);
  expect(points('respiration', [8, 9, 14, 15, 20, 21, 29, 30])).toEqual([2, 0, 0, 1, 1, 2, 2, 3]);
  expect(points('temperature', [34.9, 35, 38.4, 38.5])).toEqual([2, 0, 0, 2]);
});

it('any finite observations have a score that is the sum of its points, none above 3', () => {
  const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
  const observed = fc.record({
    ...{ respiration: value, spo2: value, systolic: value, pulse: value, temperature: value },
    onOxygen: fc.boolean(),
    consciousness: fc.constantFrom('A', 'C', 'V', 'P', 'U'),
  });
  fc.assert(
    fc.property(observed, fc.constantFrom<1 | 2>(1, 2), (each, scale) => {
      for (const scored of [scoreNews2(each, scale), scoreMews(each)]) {
        if (!('score' in scored)) throw new Error('there is no score');
        const points = Object.values(scored.score.points);
        expect(scored.score.total).toBe(points.reduce((sum, one) => sum + one, 0));
        expect(Math.max(...points)).toBeLessThanOrEqual(3);
      }
    }),
  );
});
