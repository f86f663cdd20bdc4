import { expect, it } from 'vitest';
import type { Message } from '../core/message.ts';
import { type Hl7Message, parse } from '../protocols/hl7v2/message.ts';
import { hl7v2Language } from './hl7v2-language.ts';

const result = parse(
  Buffer.from(
    'MSH|^~\\&|L|B|||20260302||ORU^R01|1|P|2.5\rPID|1||7^^^H^MR~8^^^S^SS||""\rOBX|1|NM|K||6.9|||HH|||F\rOBX|2|NM|N||118|||N|||F\r',
  ),
);

it('finds values by path, over segments and repetitions', () => {
  expect(hl7v2Language.path('MSH-9.1').values(result)).toEqual(['ORU']);
  expect(hl7v2Language.path('OBX-8').values(result)).toEqual(['HH', 'N']);
  expect(hl7v2Language.path('PV1-2').values(result)).toEqual([]);
});

it('knows whether there is such a segment', () => {
  expect(hl7v2Language.path('OBX[8=HH][11=F]').exists(result)).toBe(true);
  expect(hl7v2Language.path('OBX[8=LL]').exists(result)).toBe(false);
  expect(hl7v2Language.path('PID-5').exists(result)).toBe(true);
});

it('rule 2: makes a key of value and assigning authority', () => {
  const message = {} as Message<Hl7Message>;
  expect(hl7v2Language.key(['PID-3[5=MR]', 'MRG-1[5=MR]'])(result, message)).toEqual(['7^H']);
});

it('says what is wrong with a path', () => {
  expect(() => hl7v2Language.path('PID3')).toThrow(expect.objectContaining({ code: 'config-invalid' }));
});
