import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolFault } from '../fault.ts';
import { compilePath, compilePlace } from './path.ts';

function faultOf(text: string): ProtocolFault {
  try {
    compilePath(text);
  } catch (fault) {
    if (fault instanceof ProtocolFault) return fault;
    throw fault;
  }
  throw new Error(`${text} was accepted`);
}

describe('compilePath', () => {
  it('reads a field, a component and a subcomponent', () => {
    expect(compilePath('MSH-9')).toMatchObject({ segment: 'MSH', field: 9, component: 0, plain: true });
    expect(compilePath('PID-3.4.2')).toMatchObject({ segment: 'PID', field: 3, component: 4, subcomponent: 2 });
  });

  it('reads a segment alone', () => {
    expect(compilePath('ZP1')).toMatchObject({ segment: 'ZP1', field: 0, plain: true });
  });

  it('reads indexes of segments and repetitions', () => {
    expect(compilePath('OBX[2]-5[3].1')).toMatchObject({
      segments: { index: 2 },
      repetitions: { index: 3 },
      plain: false,
    });
  });

  it('reads predicates on repetitions and on segments', () => {
    expect(compilePath('PID-3[5=MR][4.1=HOSP].1').repetitions.where).toEqual([
      { field: 0, component: 5, subcomponent: 0, value: 'MR' },
      { field: 0, component: 4, subcomponent: 1, value: 'HOSP' },
    ]);
    expect(compilePath('OBX[3.1=718-7][11=F]-5').segments.where).toEqual([
      { field: 3, component: 1, subcomponent: 0, value: '718-7' },
      { field: 11, component: 0, subcomponent: 0, value: 'F' },
    ]);
  });

  it('gives the same object for the same text', () => {
    expect(compilePath('PID-8')).toBe(compilePath('PID-8'));
  });

  it('keeps a bounded number of paths', () => {
    const first = compilePath('AAA-1');
    for (let field = 1; field <= 1_000; field++) compilePath(`AAB-${field}`);
    expect(compilePath('AAA-1')).not.toBe(first);
  });

  it('does not take a place within a segment for a path', () => {
    compilePlace('5.1');
    expect(faultOf('5.1').offset).toBe(0);
    expect(faultOf('-5.1').offset).toBe(0);
  });

  it.each([
    ['', 0],
    ['PI', 0],
    ['pid-3', 0],
    ['1ID-3', 0],
    ['PID3', 3],
    ['PID-', 4],
    ['PID-0', 4],
    ['PID-3.', 6],
    ['PID-3.0', 6],
    ['PID-3.1.', 8],
    ['PID-3.1.2.3', 9],
    ['PID-3x', 5],
    ['PID-3[', 6],
    ['PID-3[0]', 6],
    ['PID-3[2][3]', 9],
    ['PID-3[5=MR', 10],
    ['PID-3[5=]', 8],
    ['PID-3[5', 7],
    ['PID-3[5.1]', 9],
    ['PID-3[5.1.2=x]', 9],
    ['OBX[3.1.2.4=x]', 9],
    ['PID ', 3],
  ])('refuses %j and says at which position', (text, offset) => {
    expect(faultOf(text)).toMatchObject({ code: 'hl7v2.bad-path', offset });
  });

  it('throws nothing but a fault, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'PID-[]=.0123X '.split('')) }), (text) => {
        try {
          compilePath(text);
        } catch (fault) {
          expect(fault).toBeInstanceOf(ProtocolFault);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
