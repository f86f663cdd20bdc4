import { expect, test } from 'vitest';
import type { Finding } from '../finding.ts';
import { FindingCounts } from './finding-counts.ts';

const finding = (path: string, severity: Finding['severity'] = 'error'): Finding => ({
  ...{ severity, code: 'missing-field', path, message: 'it is required' },
});

test('counts by code and place whatever the repetition, with the last five messages, each once', () => {
  const counts = new FindingCounts();
  for (let n = 0; n < 8; n++) counts.note([finding('PID[1]-3[1].4'), finding('PID[1]-3[2].4')], `m${n}`, 100 + n);
  counts.note([finding('PV1-2', 'warning')], 'm9', 200);
  expect(counts.list()).toEqual([
    {
      ...finding('PID-3.4'),
      ...{ count: 16, firstSeen: 100, lastSeen: 107, messages: ['m7', 'm6', 'm5', 'm4', 'm3'] },
    },
    { ...finding('PV1-2', 'warning'), count: 1, firstSeen: 200, lastSeen: 200, messages: ['m9'] },
  ]);
});

test('is bounded: what finds no room is counted', () => {
  const counts = new FindingCounts();
  for (let n = 0; n < 1_003; n++) counts.note([finding(`Z${n}-1`)], 'm', n);
  expect(counts.list()).toHaveLength(1_000);
  expect(counts.untold).toBe(3);
});
