import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stepOutputs } from '../../core/testing/step-outputs.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { hl7v2ToLabResult } from './hl7v2-to-lab-result.ts';

const fixtures = new URL('../../test-fixtures/hl7v2/', import.meta.url);
const resultsOf = (raw: Uint8Array) => stepOutputs(hl7v2ToLabResult({}), parse(raw));

function fixture(name: string): Buffer {
  return readFileSync(new URL(name, fixtures));
}

describe('laboratory results', () => {
  it('have an order’s observations with unit, range, flags and status', () => {
    const [result, ...others] = resultsOf(fixture('oru-r01-critical.hl7'));
    expect(others).toEqual([]);
    expect(result).toMatchObject({
      patient: { identifiers: [{ value: '4711001', authority: 'HOSP', type: 'MR' }] },
      order: { placer: 'ORD8801', filler: 'LAB5501', service: { code: '58410-2', system: 'LN' }, status: 'F' },
    });
    expect(result?.observations.map(({ flags }) => flags)).toEqual([['HH'], ['LL'], ['N'], ['HH', 'A']]);
    expect(result?.observations[0]).toEqual({
      setId: '1',
      code: { code: '2823-3', text: 'Potassium', system: 'LN' },
      valueType: 'NM',
      values: ['6.9'],
      unit: 'mmol/L',
      referenceRange: '3.5-5.1',
      flags: ['HH'],
      status: 'F',
      observedAt: '2026-03-02T07:45:00+01:00',
    });
  });

  it('are one event for each order of a message', () => {
    const results = resultsOf(
      Buffer.from(
        'MSH|^~\\&|L|B|||20260302||ORU^R01|1|P|2.5\rPID|1||7^^^H^MR\rOBR|1|A|F1|X\rOBX|1|ST|C||one\rOBR|2|B|F2|Y\rOBX|1|CWE|C||P^Positive^L~N^^L\rSPM|1\rOBX|1|ST|S||of the specimen\r',
      ),
    );
    expect(results.map(({ order, observations }) => [order.placer, observations.map(({ values }) => values)])).toEqual([
      ['A', [['one']]],
      ['B', [['Positive', 'N']]],
    ]);
  });

  it('leave documents out: an event is no place for a PDF', () => {
    const documents = resultsOf(fixture('oru-r01-pdf.hl7')).flatMap(({ observations }) =>
      observations.filter(({ valueType }) => valueType === 'ED'),
    );
    expect(documents.length).toBeGreaterThan(0);
    expect(documents.every(({ values }) => values.length === 0)).toBe(true);
  });

  it('are none without an order: the message is filtered', () => {
    expect(resultsOf(Buffer.from('MSH|^~\\&|L|B|||20260302||ORU^R01|1|P|2.5\rOBX|1|ST|C||one\r'))).toEqual([]);
  });
});
