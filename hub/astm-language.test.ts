import { expect, it } from 'vitest';
import type { Message } from '../core/message.ts';
import { parse } from '../protocols/astm/message.ts';
import { astmLanguage } from './astm-language.ts';

const results = parse(
  Buffer.from(
    'H|\\^&|||CHEM^1\rP|1\rO|1|S1 ||^^^NA\\^^^K\rR|1|^^^NA|139|mmol/L\rR|2|^^^K||mmol/L\rO|2|S2||^^^GLU\rR|1|^^^GLU|5.1\rL|1|N\r',
  ),
);
const values = (path: string) => astmLanguage.path(path).values(results);

it('finds values by path, over records and repetitions, without the blanks that senders pad with', () => {
  expect(values('O-3')).toEqual(['S1', 'S2']);
  expect(values('O[2]-3')).toEqual(['S2']);
  expect(values('O-5.4')).toEqual(['NA', 'K', 'GLU']);
  expect(values('O-5[2].4')).toEqual(['K']);
  expect(values('R-4')).toEqual(['139', '5.1']);
  expect(values('H-5')).toEqual(['CHEM']);
  expect(values('O[3]-3')).toEqual([]);
});

it('knows whether there is such a record, or something at a place of one', () => {
  const exists = (path: string) => astmLanguage.path(path).exists(results);
  expect(['R', 'Q', 'R-4', 'R[2]-4', 'P-3'].map(exists)).toEqual([true, false, true, false, false]);
});

it('makes keys of values', () => {
  expect(astmLanguage.key(['O-3', 'P-3'])(results, {} as Message<never>)).toEqual(['S1', 'S2']);
});

it.for([
  ['O3', 'reading a path: expected a record type, such as R or R[2], and "-": O-3, R[2]-4, O-5.4'],
  ['O-3-4', 'reading a path: expected a place such as 3, 3.4 or 5[2].4: O-3, R[2]-4, O-5.4'],
  ['H-2', 'H-2 is how the message is written, and no value'],
] as const)('says what is wrong with a path: %s', ([path, message]) => {
  const wrong = expect.objectContaining({ code: 'config-invalid', message });
  expect(() => astmLanguage.path(path)).toThrow(wrong);
  expect(() => astmLanguage.key([path])).toThrow(wrong);
});
