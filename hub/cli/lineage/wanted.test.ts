import { describe, expect, it } from 'vitest';
import { shortPaths, wanted } from './wanted.ts';

describe('what somebody asks of', () => {
  const leaf = 'OBX[2]-5[1].1.1';

  it.for([
    'OBX',
    'OBX[2]',
    'OBX-5',
    'OBX[2]-5[1]',
    'OBX-5.1',
    'OBX[2]-5[1].1.1',
  ])('%s is a path that has it', (text) => {
    const of = wanted(text);
    expect(of.kind === 'path' && of.has(leaf)).toBe(true);
  });

  it.for(['OBR', 'OBX[1]', 'OBX-15', 'OBX-5[2]', 'OBX-5.2'])('%s is a path that has not', (text) => {
    const of = wanted(text);
    expect(of.kind === 'path' && of.has(leaf)).toBe(false);
  });

  it.for([
    ['Patient', true],
    ['Patient/1', true],
    ['patient.name', true],
    ['Patient.name.family', true],
    ['name.family', true],
    ['Patient.name.fam', false],
    ['Patient/2', false],
    ['Person.name', false],
  ] as const)('%s is an element: %s', ([text, has]) => {
    const of = wanted(text);
    expect(of.kind === 'element' && of.has({ resource: 'Patient/1', element: 'Patient.name.family' })).toBe(has);
  });
});

it('writes paths without the numbers that tell nothing apart', () => {
  const paths = [
    'PID[1]-3[1].1.1',
    'PID[1]-3[2].1.1',
    'PID[1]-3[2].4.2',
    'PID[1]-8[1].1.1',
    'OBX[1]-5[1].1.1',
    'OBX[2]-5[1].2.1',
  ];
  expect([...shortPaths(paths).values()]).toEqual([
    'PID-3[1]',
    'PID-3[2].1',
    'PID-3[2].4.2',
    'PID-8',
    'OBX[1]-5',
    'OBX[2]-5.2',
  ]);
});
