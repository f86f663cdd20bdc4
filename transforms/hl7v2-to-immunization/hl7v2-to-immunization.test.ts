import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stepOutputs } from '../../core/testing/step-outputs.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { hl7v2ToImmunization } from './hl7v2-to-immunization.ts';

const of = (raw: Uint8Array) => stepOutputs(hl7v2ToImmunization({}), parse(raw));
const fixture = (path: string) => readFileSync(new URL(`../../test-fixtures/${path}.hl7`, import.meta.url));

describe('a dose', () => {
  it('says what was given, how much of which lot, and where', () => {
    expect(of(fixture('hl7v2/vxu-v04'))).toEqual([
      {
        kind: 'given',
        action: 'added',
        patient: { identifiers: [{ value: '4711010', authority: 'HOSP', type: 'MR' }] },
        filler: 'IMM701',
        vaccine: { code: '08', text: 'Hep B, adolescent or pediatric', system: 'CVX' },
        givenAt: '2026-03-02',
        ...{ amount: '0.5', unit: 'mL', lots: ['LOT42'], expires: '2027-12-31' },
        manufacturer: { code: 'MSD', text: 'Merck', system: 'MVX' },
        route: { code: 'C28161', text: 'Intramuscular', system: 'NCIT' },
        site: { code: 'LT', text: 'Left thigh', system: 'HL70163' },
        source: { code: '00', text: 'New immunization record', system: 'NIP001' },
        origin: { application: 'EHR', facility: 'HOSP', controlId: 'VXU00001' },
      },
    ]);
  });

  it('is an event of its own, with its own order; one that was refused says why, and no amount', () => {
    const [given, refused] = of(fixture('hl7v2-to-fhir/vxu-v04'));
    expect(given).toMatchObject({ kind: 'given', placer: 'IMM801', filler: 'IMR901', lots: ['LOT42A'] });
    expect(refused).toMatchObject({ kind: 'refused', filler: 'IMR902', reason: { code: '00' }, lots: [] });
    expect(refused).not.toHaveProperty('amount');
    expect(refused).not.toHaveProperty('placer');
  });

  it('is none without an RXA: the message is filtered', () => {
    expect(of(Buffer.from('MSH|^~\\&|E|H|||20260302||VXU^V04|1|P|2.5\rPID|1||1^^^H^MR\rORC|RE\r'))).toEqual([]);
  });
});
