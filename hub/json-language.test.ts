import { expect, it } from 'vitest';
import type { Message } from '../core/message.ts';
import { jsonLanguage } from './json-language.ts';

const { path, key } = jsonLanguage({ id: 'json' });
const payload = {
  ids: [
    { type: 'MR', value: 7 },
    { type: 'SS', value: '8' },
  ],
  active: false,
  none: null,
};

it('finds values by path, as text', () => {
  expect(path('ids[].value').values(payload)).toEqual(['7', '8']);
  expect(path('ids[type=SS].value').values(payload)).toEqual(['8']);
  expect(path('active').values(payload)).toEqual(['false']);
  expect([path('none').values(payload), path('ids').values(payload), path('x.y').values(payload)]).toEqual([
    [],
    [],
    [],
  ]);
});

it('knows whether there is something', () => {
  expect([path('active').exists(payload), path('ids[type=PI]').exists(payload)]).toEqual([true, false]);
});

it('makes keys of values', () => {
  expect(key(['ids[type=MR].value', 'x'])(payload, {} as Message<never>)).toEqual(['7']);
});

it('says what is wrong with a path', () => {
  expect(() => path('a..b')).toThrow(expect.objectContaining({ code: 'config-invalid' }));
});
