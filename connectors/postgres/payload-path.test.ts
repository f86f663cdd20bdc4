import { describe, expect, it } from 'vitest';
import { payloadPath } from './payload-path.ts';

const payload = {
  patient: { name: 'x', 'odd name': { y: 1 }, none: null },
  ids: [{ type: 'MR', value: '1' }, 'y', { type: 7, value: '2' }],
};

describe('a path into a payload', () => {
  it.each([
    ['$', payload],
    ['patient.name', 'x'],
    ["patient['odd name'].y", 1],
    ['patient.none', null],
    ['patient.none.x', undefined],
    ['patient.toString', undefined],
    ['ids[0].value', '1'],
    ['ids[9].value', undefined],
    ['ids[type=7].value', '2'],
    ['patient[0]', undefined],
  ])('%s', (path, value) => {
    expect(payloadPath(path)(payload)).toEqual(value);
  });

  it.each(['', '.a', 'a.', 'a b', 'a[', 'a[]', 'a..b', 'a[x]'])('cannot be %j', (path) => {
    expect(() => payloadPath(path)).toThrow(SyntaxError);
  });
});
