import { timestamp } from '../../protocols/hl7v2/timestamp.ts';
import { type Patient, pid } from './patients.ts';
import { type Sample, sample } from './samples.ts';

const minute = 60_000;

/** A check-up that is booked (S12), or cancelled again (S15). */
export function bookingSample(event: 'S12' | 'S15', at: number, number: number, patient: Patient): Sample {
  const [from, until] = [at + 24 * 60 * minute, at + (24 * 60 + 30) * minute];
  return sample({
    feed: 'appointments',
    at,
    number,
    type: ['SIU', event, 'SIU_S12'],
    segments: [
      {
        name: 'SCH',
        fields: {
          1: [`DEMO-APPOINTMENT-${patient.record}`, 'DEMO-SCHED'],
          6: ['ROUTINE', 'Routine', 'HL70276'],
          7: ['CHECKUP', 'Check-up', 'L'],
          11: ['', '', '30', timestamp(from), timestamp(until)],
          16: ['DEMO01', 'Demodoctor', 'Sierra'],
          20: ['DEMO01', 'Demodoctor', 'Sierra'],
          25: event === 'S12' ? 'BOOKED' : 'CANCELLED',
        },
      },
      pid(patient),
      { name: 'RGS', fields: { 1: '1', 2: 'A' } },
      { name: 'AIL', fields: { 1: '1', 2: 'A', 3: ['AMB', '1', '', 'DEMO'] } },
    ],
    events: 1,
  });
}

/** One dose of a vaccine that was given. */
export function vaccinationSample(at: number, number: number, patient: Patient): Sample {
  const day = timestamp(at).slice(0, 8);
  return sample({
    feed: 'vaccinations',
    at,
    number,
    type: ['VXU', 'V04', 'VXU_V04'],
    segments: [
      pid(patient),
      { name: 'ORC', fields: { 1: 'RE', 3: [`DEMO-DOSE-${number}`, 'DEMO-EHR'] } },
      {
        name: 'RXA',
        fields: {
          1: '0',
          2: '1',
          3: day,
          4: day,
          5: ['115', 'Tdap', 'CVX'],
          6: '0.5',
          7: ['mL', 'mL', 'UCUM'],
          9: ['00', 'New immunization record', 'NIP001'],
          15: `DEMO-LOT-${(number % 5) + 1}`,
          20: 'CP',
          21: 'A',
        },
      },
      { name: 'RXR', fields: { 1: ['C28161', 'Intramuscular', 'NCIT'], 2: ['LD', 'Left Deltoid', 'HL70163'] } },
    ],
    events: 1,
  });
}

/** What a visit cost: two charges, an event each. */
export function chargeSample(at: number, number: number, patient: Patient): Sample {
  const day = timestamp(at).slice(0, 8);
  const charge = (n: number, code: readonly [string, string], amount: string) => ({
    name: 'FT1',
    fields: {
      1: String(n),
      2: `DEMO-CHARGE-${number}-${n}`,
      4: day,
      6: 'CG',
      7: [...code, 'C4'],
      10: '1',
      11: [[amount, 'EUR']],
    },
  });
  return sample({
    feed: 'charges',
    at,
    number,
    type: ['DFT', 'P03', 'DFT_P03'],
    segments: [
      { name: 'EVN', fields: { 1: 'P03', 2: timestamp(at) } },
      pid(patient),
      charge(1, ['99223', 'Initial hospital care'], '210.00'),
      charge(2, ['85025', 'Complete blood count'], '18.50'),
    ],
    events: 2,
  });
}

/** What a patient says in the portal: a new telephone number, as a transaction. */
export function portalSample(at: number, number: number, { record, family, given }: Patient): Sample {
  const controlId = `FHIR${String(number).padStart(6, '0')}`;
  const identifier = { system: 'urn:demo:record', value: record };
  const bundle = {
    resourceType: 'Bundle',
    identifier: { system: portalSystem, value: controlId },
    type: 'transaction',
    entry: [
      {
        resource: {
          resourceType: 'Patient',
          identifier: [identifier],
          name: [{ family, given: [given] }],
          telecom: [{ system: 'phone', use: 'mobile', value: `+49 30 555${String(number).padStart(4, '0')}` }],
        },
        request: { method: 'PUT', url: `Patient?identifier=${identifier.system}|${record}` },
      },
    ],
  };
  const raw = Buffer.from(JSON.stringify(bundle));
  return { feed: 'portal', at, controlId, raw, filtered: false, events: 1, critical: 0 };
}

/** Of the numbers by which the portal's bundles are found again. */
export const portalSystem = 'urn:demo:portal';
