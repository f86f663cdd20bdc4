import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { parse } from '../message.ts';
import { typed } from './typed.ts';
import type { CheckedPath } from './typed-path.ts';

const fixture = (name: string) => parse(readFileSync(new URL(`../../../test-fixtures/hl7v2/${name}`, import.meta.url)));

type Adt<P extends string> = CheckedPath<'2.5.1', 'ADT_A01', P>;

describe('a path that is checked while it compiles', () => {
  it('is itself where it names something', () => {
    expectTypeOf<Adt<'PID'>>().toEqualTypeOf<'PID'>();
    expectTypeOf<Adt<'MSH-9.3'>>().toEqualTypeOf<'MSH-9.3'>();
    expectTypeOf<Adt<'PID-39'>>().toEqualTypeOf<'PID-39'>();
    expectTypeOf<Adt<'PID-5.1.1'>>().toEqualTypeOf<'PID-5.1.1'>();
    expectTypeOf<Adt<'PID-1.1'>>().toEqualTypeOf<'PID-1.1'>();
    expectTypeOf<Adt<'PID-3[5=MR][2].4.2'>>().toEqualTypeOf<'PID-3[5=MR][2].4.2'>();
    expectTypeOf<Adt<'OBX[3.1=718-7]-5.3'>>().toEqualTypeOf<'OBX[3.1=718-7]-5.3'>();
    expectTypeOf<Adt<'ZPI-4.2'>>().toEqualTypeOf<'ZPI-4.2'>();
    expectTypeOf<Adt<'ZPI'>>().toEqualTypeOf<'ZPI'>();
  });

  it('is what is wrong with it where it names nothing', () => {
    expectTypeOf<Adt<'PDI-5'>>().toEqualTypeOf<'ADT_A01 has no PDI in HL7 2.5.1'>();
    expectTypeOf<Adt<'OBR'>>().toEqualTypeOf<'ADT_A01 has no OBR in HL7 2.5.1'>();
    expectTypeOf<Adt<'OBR-4.1'>>().toEqualTypeOf<'ADT_A01 has no OBR in HL7 2.5.1'>();
    expectTypeOf<Adt<'PID-40'>>().toEqualTypeOf<'HL7 2.5.1 has no PID-40'>();
    expectTypeOf<Adt<'PID-0'>>().toEqualTypeOf<'HL7 2.5.1 has no PID-0'>();
    expectTypeOf<Adt<'PID-'>>().toEqualTypeOf<'HL7 2.5.1 has no PID-'>();
    expectTypeOf<Adt<'PID-3.11'>>().toEqualTypeOf<'HL7 2.5.1 has no PID-3.11'>();
    expectTypeOf<Adt<'PID-3[5=MR].11'>>().toEqualTypeOf<'HL7 2.5.1 has no PID-3.11'>();
    expectTypeOf<Adt<'PID-1.2'>>().toEqualTypeOf<'HL7 2.5.1 has no PID-1.2'>();
    expectTypeOf<Adt<'PID-3.4.4'>>().toEqualTypeOf<'HL7 2.5.1 has no PID-3.4.4'>();
    expectTypeOf<Adt<'PID-50.1'>>().toEqualTypeOf<'HL7 2.5.1 has no PID-50.1'>();
    expectTypeOf<Adt<string>>().toEqualTypeOf<'a path that is checked has to be written out'>();
  });

  it('is of its version', () => {
    expectTypeOf<CheckedPath<'2.8', 'ADT_A01', 'PID-40'>>().toEqualTypeOf<'PID-40'>();
    expectTypeOf<CheckedPath<'2.3', 'ORU_R01', 'PID-31'>>().toEqualTypeOf<'HL7 2.3 has no PID-31'>();
    expectTypeOf<CheckedPath<'2.4', 'ORU_R01', 'OBX-5.1.2'>>().toEqualTypeOf<'OBX-5.1.2'>();
  });
});

describe('a typed message', () => {
  const admission = typed(fixture('adt-a01.hl7'), 'ADT_A01', '2.5.1');

  it('reads and sets by paths of its structure', () => {
    expect(admission.get('PID-5.1')).toBe('Berger');
    expect(admission.all('PID-3.1')).toEqual(['4711001', '755-01-9001']);
    expect(admission.has('NK1')).toBe(true);
    expect(admission.set('PV1-2', 'O').setAll('PID-3.5', 'X').remove('DG1').message.get('PV1-2')).toBe('O');
    expect(admission.remove('OBX')).toBe(admission);
  });

  it('takes no other', () => {
    // @ts-expect-error: no such segment
    expect(() => admission.get('PDI-5')).not.toThrow();
    // @ts-expect-error: no such field
    expect(() => admission.get('PID-40')).not.toThrow();
    // @ts-expect-error: no such component
    expect(() => admission.set('PID-3.11', 'x')).not.toThrow();
    // @ts-expect-error: of another structure
    expect(() => admission.has('OBR')).not.toThrow();
    // @ts-expect-error: no such structure
    expect(() => typed(admission.message, 'ADT_A99', '2.5.1')).not.toThrow();
    // @ts-expect-error: no such version
    expect(() => typed(admission.message, 'ADT_A01', '2.55')).not.toThrow();
  });
});
