import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isUcum, ucumFor } from './ucum.ts';

it.for([
  ...[
    'mm[Hg]',
    'cm[H2O]',
    'Cel',
    '[degF]',
    '%',
    '/min',
    '{beats}/min',
    '{breaths}/min',
    '1',
    'L/min',
    'mL/h',
    'Pa',
    'kPa',
  ],
  ...['hPa', '10*9/L', '10*3/uL', 'umol/L', 'mmol/L', '[IU]/L', 'm[IU]/L', 'k[IU]/mL', 'g/dL', 'ug/kg/min', 'L/min/m2'],
  ...[
    'dyn.s/cm5',
    'mg/(24.h)',
    's-1',
    'm/s2',
    '{index}',
    '[pH]',
    'mV',
    'uV',
    'Hz',
    'Ohm',
    'bar',
    'mbar',
    '/h',
    'h',
    'V',
    'dB',
  ],
])('%s is a unit', (text) => {
  expect(isUcum(text)).toBe(true);
});

it.for([
  '',
  'bpm',
  'mmHg',
  'cmH2O',
  '°C',
  'degC',
  'percent',
  'µg',
  'L//min',
  'L/',
  '(L',
  '{',
  '{}',
  'mm[Hg',
  'k%',
  'kmin',
  'foo',
  'L min',
])('%j is none', (text) => {
  expect(isUcum(text)).toBe(false);
});

it('says what is meant by what is often written, and that is a unit', () => {
  for (const [mistake, unit] of [
    ['bpm', '/min'],
    ['mmHg', 'mm[Hg]'],
    ['°C', 'Cel'],
    ['x10^9/L', '10*9/L'],
  ] as const) {
    expect(ucumFor(mistake)).toBe(unit);
    expect(isUcum(unit)).toBe(true);
  }
  expect(ucumFor('constructor')).toBeUndefined();
});

it('answers for any text, and never for long', () => {
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => typeof isUcum(text) === 'boolean'));
  expect(isUcum('('.repeat(100_000))).toBe(false);
});
