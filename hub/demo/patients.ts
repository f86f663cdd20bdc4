import type { SegmentInput } from '../../protocols/hl7v2/input.ts';
import type { Chance } from './chance.ts';

/** Somebody who does not exist: the family name is a number, the given name comes from the spelling alphabet. */
export interface Patient {
  /** PID-3, type MR. */
  readonly record: string;
  readonly family: string;
  readonly given: string;
  /** `19580417` */
  readonly birthDate: string;
  readonly sex: 'F' | 'M';
  /** PV1-19. */
  readonly visit: string;
}

export interface Bed {
  readonly ward: string;
  readonly room: string;
  readonly bed: string;
}

const givenNames = [
  'Alfa',
  'Bravo',
  'Charlie',
  'Delta',
  'Echo',
  'Foxtrot',
  'Golf',
  'Hotel',
  'India',
  'Juliett',
  'Kilo',
  'Lima',
] as const;
const wards = ['3W', '4E', 'ICU', 'SURG', 'CARD'] as const;

export function patientNumber(index: number, chance: Chance): Patient {
  const number = String(index).padStart(4, '0');
  const birthDate = `${chance.whole(1931, 2019)}${two(chance.whole(1, 12))}${two(chance.whole(1, 28))}`;
  return {
    record: `DEMO${number}`,
    family: `Testperson-${number}`,
    given: chance.one(givenNames),
    birthDate,
    sex: chance.happens(0.5) ? 'F' : 'M',
    visit: `DEMOV${number}`,
  };
}

export function someBed(chance: Chance): Bed {
  return { ward: chance.one(wards), room: String(chance.whole(101, 130)), bed: chance.one(['A', 'B']) };
}

export function pid({ record, family, given, birthDate, sex }: Patient): SegmentInput {
  return {
    name: 'PID',
    fields: { 1: '1', 3: [record, '', '', 'DEMO', 'MR'], 5: [family, given], 7: birthDate, 8: sex },
  };
}

export function pv1({ visit }: Patient, bed: Bed, previous?: Bed): SegmentInput {
  return {
    name: 'PV1',
    fields: { 1: '1', 2: 'I', 3: place(bed), 6: previous && place(previous), 19: [visit, '', '', 'DEMO', 'VN'] },
  };
}

function place({ ward, room, bed }: Bed) {
  return [ward, room, bed, 'DEMO'];
}

export function two(value: number): string {
  return String(value).padStart(2, '0');
}
