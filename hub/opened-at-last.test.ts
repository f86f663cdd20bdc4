import { expect, test } from 'vitest';
import { HubError } from '../core/errors.ts';
import { openedAtLast } from './opened-at-last.ts';

const away = (what = 'nothing listens') => new HubError('store-failed', 'transient', `opening: ${what}`);

/** Fails with these one after the other, then opens; with the log of it. */
function opening(failures: readonly unknown[], signal = new AbortController().signal) {
  const said: string[] = [];
  const note = (_fields: object, text: string) => void said.push(text);
  const left = [...failures];
  const open = async () => {
    if (left.length > 0) throw left.shift();
    return 'open';
  };
  const log = { debug: note, info: note, warn: note, error: note };
  return { said, left, opened: openedAtLast('the store', open, { log, signal, againMs: 1 }) };
}

test('what is there at once is opened without a word', async () => {
  const { opened, said } = opening([]);
  expect(await opened).toBe('open');
  expect(said).toEqual([]);
});

test('what is away is waited for; each reason is said once', async () => {
  const { opened, said } = opening([away(), away('it starts'), away(), away(), away('it starts')]);
  expect(await opened).toBe('open');
  expect(said).toEqual([
    'opening: nothing listens; the hub waits for it',
    expect.stringMatching(/^opening: it starts; the hub has waited for \d+ s$/),
    expect.stringMatching(/^the store is open now, after \d+ s$/),
  ]);
});

test.each([
  ['a wrong setting', new HubError('store-failed', 'permanent', 'opening: wrong password')],
  ['what is no failure of the database', new TypeError('a mistake of ours')],
])('%s ends it', async (_what, failure) => {
  const { opened, left } = opening([away(), failure, away()]);
  await expect(opened).rejects.toBe(failure);
  expect(left).toHaveLength(1);
});

test('whoever waits may give up', async () => {
  const leaving = new AbortController();
  const failure = away();
  const { opened, left } = opening([failure, away()], leaving.signal);
  leaving.abort();
  await expect(opened).rejects.toBe(failure);
  expect(left).toHaveLength(1);
});
