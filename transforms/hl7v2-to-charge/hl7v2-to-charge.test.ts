import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stepOutputs } from '../../core/testing/step-outputs.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { hl7v2ToCharge } from './hl7v2-to-charge.ts';

const of = (raw: Uint8Array) => stepOutputs(hl7v2ToCharge({}), parse(raw));
const fixture = (path: string) => readFileSync(new URL(`../../test-fixtures/${path}.hl7`, import.meta.url));

describe('a charge', () => {
  it('says what for, how much and of whom', () => {
    const [first, second, ...others] = of(fixture('hl7v2/dft-p03'));
    expect(others).toEqual([]);
    expect(first).toEqual({
      kind: 'charge',
      type: 'CG',
      transaction: 'TX5501',
      patient: { identifiers: [{ value: '4711001', authority: 'HOSP', type: 'MR' }] },
      visit: { value: 'V70001', authority: 'HOSP', type: 'VN' },
      code: { code: '99223', text: 'Initial hospital care', system: 'C4' },
      quantity: '1',
      total: { amount: '210.00', currency: 'USD' },
      each: { amount: '210.00', currency: 'USD' },
      diagnoses: [],
      performedBy: [{ identifier: { value: '1001' }, family: 'Keller', given: 'Ruth' }],
      performedAt: '2026-03-02',
      postedAt: '2026-03-02',
      origin: { application: 'EHR', facility: 'HOSP', controlId: 'DFT00001' },
    });
    expect(second).toMatchObject({ transaction: 'TX5502', total: { amount: '18.50' } });
  });

  it('reads money by its standard too, diagnoses, departments, and a type that it does not know', () => {
    const [first, second] = of(fixture('hl7v2-to-fhir/dft-p03'));
    expect(first).toMatchObject({
      batch: 'B77',
      account: { value: expect.any(String), type: 'AN' },
      total: { amount: '210.00', currency: 'EUR' },
      department: { code: 'CARD' },
      diagnoses: [{ code: 'I21.9', system: 'I10' }],
      performedAt: '2026-03-02T09:00:00+01:00',
    });
    expect(second).toMatchObject({ kind: 'other', type: 'CR', quantity: '2' });
  });

  it('has no amount where there is none that can be read', () => {
    const money = (text: string) =>
      of(Buffer.from(`MSH|^~\\&|E|H|||20260302||DFT^P03|1|P|2.5\rFT1|1|||20260302||CG|X||||${text}\r`))[0]?.total;
    expect(money('12,50^EUR')).toBeUndefined();
    expect(money('+12.50^UP')).toEqual({ amount: '12.50' });
  });
});
