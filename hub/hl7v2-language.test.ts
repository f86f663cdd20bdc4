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

it.for([
  ['PID3', 'expected "-" or "[" at position 3 – did you mean PID-3?'],
  ['PDI-3', 'HL7 2.8 has no segment PDI – did you mean PID-3?'],
  ['PID-99', 'PID has 40 fields in HL7 2.8'],
  ['PID-3[5=MR].13', 'PID-3 is CX in HL7 2.8, which has 12 components'],
  ['OBX[88=HH]', 'OBX has 28 fields in HL7 2.8'],
] as const)('says what is wrong with a path: %s', ([path, reason]) => {
  const wrong = expect.objectContaining({ code: 'config-invalid', message: expect.stringContaining(reason) });
  expect(() => hl7v2Language.path(path)).toThrow(wrong);
  expect(() => hl7v2Language.key([path])).toThrow(wrong);
});

it('takes what any version of HL7 has, and segments of a site’s own', () => {
  for (const path of ['PID-40', 'PID-4', 'ERR-1', 'ZPI-3.2', 'MSH-9.3'])
    expect(hl7v2Language.path(path).values(result)).toBeInstanceOf(Array);
});
