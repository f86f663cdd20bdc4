import { Chance } from './chance.ts';
import { panels } from './laboratory-panels.ts';
import { bookingSample, chargeSample, portalSample, vaccinationSample } from './other-samples.ts';
import { type Bed, type Patient, patientNumber, someBed } from './patients.ts';
import { appointmentSample, mergeSample, orderSample, patientSample, resultSample, type Sample } from './samples.ts';

export interface MorningOptions {
  readonly seed?: number;
  readonly patients?: number;
}

/** The day that is played: from six in the morning until noon. */
export const morningStart = Date.UTC(2026, 2, 2, 6);
export const morningEnd = Date.UTC(2026, 2, 2, 12);

const minute = 60_000;

/** What is planned for one patient: when, and how it is written once its number in the day is known. */
interface Planned {
  readonly at: number;
  readonly feed: Sample['feed'];
  readonly write: (number: number) => Sample;
}

/**
 * The messages of a hospital's morning in the order of their time: admissions, transfers, updates, discharges, records that are
 * merged, appointments that nobody wants on that feed, laboratory orders, preliminary and final results; of some patients bookings,
 * vaccinations, charges and what they say in the portal. The same seed gives the same bytes.
 */
export function morning({ seed = 20260302, patients = 200 }: MorningOptions = {}): readonly Sample[] {
  const chance = new Chance(seed);
  const planned: Planned[] = [];
  for (let index = 1; index <= patients; index++) planned.push(...stay(patientNumber(index, chance), index, chance));
  planned.sort((a, b) => a.at - b.at);
  const numbers: Record<Sample['feed'], number> = {
    ...{ adt: 0, orders: 0, results: 0 },
    ...{ appointments: 0, vaccinations: 0, charges: 0, portal: 0 },
  };
  return planned.map(({ feed, write }) => write(++numbers[feed]));
}

function stay(patient: Patient, index: number, chance: Chance): readonly Planned[] {
  const planned: Planned[] = [];
  const add = (feed: Sample['feed'], at: number, write: (number: number) => Sample) =>
    planned.push({ feed, at, write });
  let bed = someBed(chance);
  let at = morningStart + chance.whole(20 * 60, 150 * 60) * 1_000;
  const event = (trigger: 'A01' | 'A02' | 'A03' | 'A04' | 'A08', previous?: Bed) => {
    const [when, where] = [at, bed];
    add('adt', when, (number) => patientSample(trigger, when, number, patient, where, previous));
  };
  const later = (most: number) => {
    at = Math.min(at + chance.whole(1, most * 60) * 1_000, morningEnd - minute);
  };

  if (chance.happens(0.05)) mergeInto(patient, index, at, add);
  event('A01');
  for (let rounds = chance.whole(3, 6); rounds > 0; rounds--) {
    later(45);
    const drawn = chance.next();
    if (drawn < 0.25) {
      const previous = bed;
      bed = someBed(chance);
      event('A02', previous);
    } else if (drawn < 0.6) event('A08');
    else if (drawn < 0.68) {
      const when = at;
      add('adt', when, (number) => appointmentSample(when, number, patient));
    }
    laboratory(patient, bed, at, chance, add);
  }
  if (chance.happens(0.3)) {
    later(30);
    event('A03');
  }
  if (index % 10 === 3) others(patient, index, at, add);
  return planned;
}

/** What the other systems say of one patient in ten. */
function others(patient: Patient, index: number, at: number, add: Add): void {
  const after = (minutes: number) => Math.min(at + minutes * minute, morningEnd - minute);
  add('vaccinations', after(1), (number) => vaccinationSample(after(1), number, patient));
  add('charges', after(2), (number) => chargeSample(after(2), number, patient));
  add('appointments', after(3), (number) => bookingSample('S12', after(3), number, patient));
  if (index % 20 === 3) add('appointments', after(4), (number) => bookingSample('S15', after(4), number, patient));
  add('portal', after(5), (number) => portalSample(after(5), number, patient));
}

/** The same person came in unknown before, under a record of their own; now it is found out. */
function mergeInto(patient: Patient, index: number, at: number, add: Add): void {
  const retired = `DEMOX${String(index).padStart(4, '0')}`;
  const unknown: Patient = { ...patient, record: retired, family: 'Unknown-Testperson', visit: `DEMOW${index}` };
  const bed = { ward: 'ER', room: '1', bed: 'A' };
  add('adt', at - 20 * minute, (number) => patientSample('A04', at - 20 * minute, number, unknown, bed));
  add('adt', at + 5 * minute, (number) => mergeSample(at + 5 * minute, number, patient, retired));
}

type Add = (feed: Sample['feed'], at: number, write: (number: number) => Sample) => void;

/** One or two orders, and what comes of them: a preliminary result now and then, a final one always. */
function laboratory(patient: Patient, bed: Bed, at: number, chance: Chance, add: Add): void {
  const orders = Array.from({ length: chance.whole(1, 2) }, (_, index) => ({
    panel: chance.one(panels),
    number: 0,
    at: at + index * 1_000,
  }));
  for (const order of orders) {
    add('orders', order.at, (number) => {
      order.number = number;
      return orderSample(order.at, number, patient, bed, order.panel);
    });
  }
  // Each report draws from a source of its own: what it holds does not depend on when it is written.
  const report = (after: number, reported: typeof orders, status: 'P' | 'F') => {
    const [when, own] = [at + after * minute, new Chance(chance.whole(0, 2 ** 31))];
    add('results', when, (number) => resultSample(when, number, patient, reported, status, own));
  };
  const delay = chance.whole(5, 25);
  if (chance.happens(0.3)) report(delay, orders.slice(0, 1), 'P');
  if (chance.happens(0.4)) report(delay + 5, orders, 'F');
  else for (const [index, order] of orders.entries()) report(delay + 3 + index, [order], 'F');
}
