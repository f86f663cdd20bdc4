import { expect, it } from 'vitest';
import { parse } from '../../protocols/hl7v2/message.ts';
import { convert } from './convert.ts';

const dates = (count: number) =>
  Array.from({ length: count }, (_, at) => `OBX|${at + 1}|ST|A^B^L||x||||||F|||2026130${at % 10}`).join('\r');

it('tells the first issues of a code, and how many the rest are', () => {
  const header = 'MSH|^~\\&|L|H|||20260302||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||7^^^H^MR\rOBR|1||F1|X^Y^L\r';
  const { issues } = convert(parse(Buffer.from(`${header}${dates(50)}\r`)));
  const bad = issues.filter(({ code }) => code === 'bad-date');
  expect(bad).toHaveLength(21);
  expect(bad.slice(0, 20).every(({ path, more }) => path !== '' && more === undefined)).toBe(true);
  expect(bad.at(-1)).toEqual({ code: 'bad-date', path: '', message: '30 more of these', more: 30 });
});
