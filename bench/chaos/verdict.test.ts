import { expect, test } from 'vitest';
import { emptyStream, note, type Stream } from './ledger.ts';
import { isClean, table, verdictOf } from './verdict.ts';

/** `1/2` is message 2 of key 1; `1/2@3` has effect id 3. */
function streamOf(...texts: readonly string[]): Stream {
  const stream = emptyStream();
  for (const text of texts) {
    const [, key = '', n = '', effect = ''] = /^(\d+)\/(\d+)(?:@(\d+))?$/.exec(text) ?? [];
    note(stream, `K${key.padStart(6, '0')}N${n.padStart(8, '0')}`, effect);
  }
  return stream;
}

test('what is once, in order and all there has nothing against it', () => {
  const verdict = verdictOf('table', streamOf('0/1', '1/1', '0/2'), [2, 1], 'each');
  expect(verdict).toEqual({
    ...{ destination: 'table', delivered: 3, twiceOnTheWire: 0, onceInEffect: 3 },
    ...{ lost: 0, doubleEffects: 0, inversions: 0 },
  });
  expect(isClean(verdict)).toBe(true);
});

test('a second row is a double effect', () => {
  const verdict = verdictOf('table', streamOf('0/1', '0/1', '0/2'), [2], 'each');
  expect(verdict).toMatchObject({ delivered: 2, onceInEffect: 1, doubleEffects: 1 });
  expect(isClean(verdict)).toBe(false);
});

test('an event that came twice with one effect id has one effect, with two it has two', () => {
  const once = verdictOf('topic', streamOf('0/1@7', '0/1@7'), [1], 'by-id');
  expect(once).toMatchObject({ twiceOnTheWire: 1, onceInEffect: 1, doubleEffects: 0 });
  expect(isClean(once)).toBe(true);
  const twice = verdictOf('topic', streamOf('0/1@7', '0/1@8'), [1], 'by-id');
  expect(twice).toMatchObject({ twiceOnTheWire: 1, onceInEffect: 0, doubleEffects: 1 });
  expect(isClean(twice)).toBe(false);
});

test('lost messages and inversions are told, each alone', () => {
  expect(verdictOf('table', streamOf('0/1', '0/3'), [3], 'each')).toMatchObject({ lost: 1, inversions: 0 });
  expect(verdictOf('table', streamOf('0/2', '0/1'), [2], 'each')).toMatchObject({ lost: 0, inversions: 1 });
});

test('the table says how often a message was in effect once, and – where nobody knows', () => {
  const verdicts = [
    verdictOf('receiver', streamOf('0/1', '0/1'), [1], 'unknown'),
    verdictOf('table', streamOf('0/1', '0/1', '0/2'), [2], 'each'),
  ];
  const [, receiver = '', rows = ''] = table(verdicts).split('\n');
  expect(receiver.split(/\s{2,}/)).toEqual(['receiver', '1', '1', '–', '0', '–', '0']);
  expect(rows.split(/\s{2,}/)).toEqual(['table', '2', '0', '1', '0', '1', '0']);
});
