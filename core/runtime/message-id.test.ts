import { expect, it } from 'vitest';
import { isUuid } from '../store/uuid.ts';
import { messageIds } from './message-id.ts';

const at = 0x0123_4567_89ab;

it('ids are UUIDv7: the time, a counter of the millisecond, then chance, and all differ', () => {
  const newId = messageIds(() => at, Math.random);
  const ids = Array.from({ length: 10_000 }, () => newId());
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) {
    expect(isUuid(id)).toBe(true);
    expect(id).toMatch(/^01234567-89[a-f][\da-f]-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  }
  expect(ids[0]!.slice(0, 13)).toBe('01234567-89ab');
  expect(ids.slice(0, 2_000)).toEqual(ids.slice(0, 2_000).toSorted());
});

it('has every bit of chance that a UUIDv7 has room for', () => {
  expect(
    messageIds(
      () => at,
      () => 0,
    )(),
  ).toBe('01234567-89ab-7000-8000-000000000000');
  expect(
    messageIds(
      () => at,
      () => 1 - 2 ** -32,
    )(),
  ).toBe('01234567-89ab-77ff-bfff-ffffffffffff');
});

it.each([
  ['', false],
  ['01234567-89ab-7000-8000-000000000000', true],
  ['01234567-89AB-7000-8000-000000000000', false],
  ['01234567-89ab-7000-8000-00000000000', false],
  ['01234567-89ab-7000-8000-0000000000000', false],
  ['01234567-89ab-7000-8000-00000000000g', false],
  ['01234567089ab-7000-8000-000000000000', false],
  ['0123-567-89ab-7000-8000-000000000000', false],
  ['01234567-89ab-7000-8000-00000000000/', false],
  ['01234567-89ab-7000-8000-00000000000:', false],
  ['01234567-89ab-7000-8000-00000000000`', false],
  ['01234567-89ab-7000-8000-000000000000\n', false],
])('%j is an id of the store: %s', (text, is) => expect(isUuid(text)).toBe(is));
