import { expect, it } from 'vitest';
import type { CriticalResult, LabResult, Observation } from '../../contracts/lab-result.ts';
import type { Message } from '../../core/message.ts';
import type { Many } from '../../core/transform.ts';
import { labResultToCritical } from './lab-result-to-critical.ts';

function observed(code: string, flags: readonly string[], status = 'F'): Observation {
  return { code: { code }, values: ['1'], flags: [...flags], status };
}

function criticalOf(
  config: Parameters<typeof labResultToCritical>[0],
  ...observations: Observation[]
): readonly string[] {
  const result: LabResult = { patient: { identifiers: [] }, order: { service: {} }, origin: {}, observations };
  const split = labResultToCritical(config).create()(result, {} as Message<LabResult>) as Many<CriticalResult>;
  return split.outputs.map(({ observation }) => observation.code.code ?? '');
}

it('is one event for each value beyond the panic limits, whichever repetition of the flag says so', () => {
  const values = [
    observed('high', ['HH']),
    observed('normal', ['N']),
    observed('low', ['A', 'LL']),
    observed('raised', ['H']),
  ];
  expect(criticalOf({}, ...values)).toEqual(['high', 'low']);
  expect(criticalOf({ flags: ['H'] }, ...values)).toEqual(['raised']);
});

it('counts preliminary and corrected values, and none that was withdrawn', () => {
  expect(criticalOf({}, ...['P', 'C', 'D', 'X', 'W'].map((status) => observed(status, ['HH'], status)))).toEqual([
    'P',
    'C',
  ]);
});
