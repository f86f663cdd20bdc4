import { expect, it } from 'vitest';
import { prettyLine } from './log.ts';

it('writes a line for people: time, level, text, then the fields', () => {
  const json = JSON.stringify({
    level: 'warn',
    time: '2026-03-02T08:15:00.123Z',
    text: 'circuit open',
    channel: 'one',
    n: 3,
    error: { code: 'refused' },
  });
  expect(prettyLine(json, false)).toBe('08:15:00.123 warn  circuit open channel=one n=3 error={"code":"refused"}\n');
});
