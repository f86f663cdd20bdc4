import { expect, test } from 'vitest';
import { type Arrivals, judge, type Sent } from './arrivals.ts';

type Row = readonly [key: number, n: number, at?: number, life?: number];

function arrived(...rows: readonly Row[]): Arrivals {
  return {
    keys: rows.map(([key]) => key),
    numbers: rows.map(([, n]) => n),
    at: rows.map(([, , at = 0]) => at),
    lives: rows.map(([, , , life = 1]) => life),
  };
}

function sent(acknowledged: readonly number[], rest: Partial<Sent> = {}): Sent {
  return { acknowledged, resent: new Map(), kills: [], ...rest };
}

test('everything once and in order has nothing against it', () => {
  const verdict = judge(arrived([0, 1], [1, 1], [0, 2]), sent([2, 1]));
  expect(verdict).toEqual({ arrived: 3, lost: 0, inversions: 0, duplicates: 0, unexplained: 0 });
});

test('an acknowledged message that never arrived is lost', () => {
  expect(judge(arrived([0, 1], [0, 3]), sent([3])).lost).toBe(1);
});

test('a message that arrived and was never acknowledged is not counted against anyone', () => {
  expect(judge(arrived([0, 1], [0, 2]), sent([1]))).toMatchObject({ lost: 0, duplicates: 0 });
});

test('a first arrival behind a higher one of its key is an inversion', () => {
  expect(judge(arrived([0, 2], [0, 1]), sent([2])).inversions).toBe(1);
});

test('what goes again after a kill may start over, but not go back within one life', () => {
  const kill = { kills: [1_000] };
  const again = arrived([0, 1, 900], [0, 2, 950], [0, 1, 1_100, 2], [0, 2, 1_150, 2]);
  expect(judge(again, sent([2], kill))).toMatchObject({ inversions: 0, duplicates: 2, unexplained: 0 });
  const back = arrived([0, 1, 900], [0, 2, 950], [0, 2, 1_100, 2], [0, 1, 1_150, 2]);
  expect(judge(back, sent([2], kill)).inversions).toBe(1);
});

test('a step back within one life is an inversion, also where another life delivered between', () => {
  const interleaved = arrived([0, 5, 0, 1], [0, 6, 0, 1], [0, 6, 0, 2], [0, 5, 0, 1]);
  expect(judge(interleaved, sent([])).inversions).toBe(1);
});

test('a duplicate is allowed for each copy that the sender sent, and no further', () => {
  const resent = new Map([['0/1', 1]]);
  expect(judge(arrived([0, 1], [0, 1]), sent([1], { resent })).unexplained).toBe(0);
  expect(judge(arrived([0, 1], [0, 1], [0, 1]), sent([1], { resent })).unexplained).toBe(1);
});

test('a duplicate long after its first arrival is not explained by a later kill', () => {
  expect(judge(arrived([0, 1, 1_000], [0, 1, 61_000, 2]), sent([1], { kills: [60_000] })).unexplained).toBe(1);
});
