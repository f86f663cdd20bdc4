import { describe, expect, it } from 'vitest';
import { globTest } from './glob.ts';

describe('a glob on a file name', () => {
  it.for([
    ['*', 'a.hl7', true],
    ['*.hl7', 'a.hl7', true],
    ['*.hl7', 'a.HL7', false],
    ['*.hl7', 'a.hl7.bak', false],
    ['*.{hl7,txt}', 'a.txt', true],
    ['*.{hl7,txt}', 'a.dat', false],
    ['ADT-????.hl7', 'ADT-0001.hl7', true],
    ['ADT-????.hl7', 'ADT-001.hl7', false],
    ['[A-C]*.dat', 'Bx.dat', true],
    ['[!A-C]*.dat', 'Bx.dat', false],
    ['a+(b).txt', 'a+(b).txt', true],
    ['a\\*.txt', 'a*.txt', true],
    ['a\\*.txt', 'ab.txt', false],
    ['a.b', 'axb', false],
  ] as const)('%s on %s: %s', ([pattern, name, expected]) => {
    expect(globTest(pattern)(name)).toBe(expected);
  });

  it.for([
    '[a',
    '{a,b',
    '[z-a]',
    '{1,2,3,4,5,6,7,8,9,0}'.repeat(4),
  ])('refuses %s, which is not closed or no range', (pattern) => {
    expect(() => globTest(pattern)).toThrow(SyntaxError);
  });

  it('answers at once for many stars and a long name', () => {
    const started = performance.now();
    expect(globTest('*a*****a**a*b')('a'.repeat(255))).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
