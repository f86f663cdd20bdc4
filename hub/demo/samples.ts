import { build, type MessageInput } from '../../protocols/hl7v2/build.ts';
import type { SegmentInput } from '../../protocols/hl7v2/input.ts';
import { timestamp } from '../../protocols/hl7v2/timestamp.ts';
import type { Chance } from './chance.ts';
import type { Analyte, Panel } from './laboratory-panels.ts';
import { type Bed, type Patient, pid, pv1 } from './patients.ts';

/** The interfaces of the demo hospital, each one connection of one sender; the portal posts bundles of FHIR. */
export type Feed = 'adt' | 'orders' | 'results' | 'appointments' | 'vaccinations' | 'charges' | 'portal';

/** What becomes of a sample: with this it is checked afterwards that every one arrived. */
export interface Sample {
  readonly feed: Feed;
  /** Milliseconds since the epoch, of the day that is played. */
  readonly at: number;
  readonly controlId: string;
  readonly raw: Uint8Array;
  /** What its channel does not want and filters: an appointment on the ADT interface. */
  readonly filtered: boolean;
  /** Events that it becomes: patient events, one for each OBR, one for each charge. */
  readonly events: number;
  /** Observations with HH or LL, an event each. */
  readonly critical: number;
}

export interface Written extends Pick<MessageInput, 'type' | 'segments'> {
  readonly feed: Exclude<Feed, 'portal'>;
  readonly at: number;
  readonly number: number;
  readonly filtered?: boolean;
  readonly events?: number;
  readonly critical?: number;
}

const systems = {
  adt: { sendingApplication: 'DEMO-EHR', receivingApplication: 'WEIR', prefix: 'ADT' },
  orders: { sendingApplication: 'DEMO-EHR', receivingApplication: 'DEMO-LIS', prefix: 'ORD' },
  results: { sendingApplication: 'DEMO-LIS', receivingApplication: 'WEIR', prefix: 'RES' },
  appointments: { sendingApplication: 'DEMO-SCHED', receivingApplication: 'WEIR', prefix: 'APP' },
  vaccinations: { sendingApplication: 'DEMO-EHR', receivingApplication: 'WEIR', prefix: 'VAC' },
  charges: { sendingApplication: 'DEMO-EHR', receivingApplication: 'WEIR', prefix: 'CHG' },
} as const;

export function sample({
  feed,
  at,
  number,
  type,
  segments,
  filtered = false,
  events = 0,
  critical = 0,
}: Written): Sample {
  const { prefix, ...applications } = systems[feed];
  const controlId = `${prefix}${String(number).padStart(6, '0')}`;
  const facilities = { sendingFacility: 'DEMO-HOSPITAL', receivingFacility: 'DEMO-HOSPITAL' };
  const { raw } = build({ type, controlId, now: at, processingId: 'T', ...applications, ...facilities, segments });
  return { feed, at, controlId, raw, filtered, events, critical };
}

/** Something that happened to a patient: A01, A02, A03, A04, A08. */
export function patientSample(
  event: 'A01' | 'A02' | 'A03' | 'A04' | 'A08',
  at: number,
  number: number,
  patient: Patient,
  bed: Bed,
  previous?: Bed,
): Sample {
  const structure = event === 'A02' ? 'ADT_A02' : event === 'A03' ? 'ADT_A03' : 'ADT_A01';
  const segments = [evn(event, at), pid(patient), pv1(patient, bed, previous)];
  return sample({ feed: 'adt', at, number, type: ['ADT', event, structure], segments, events: 1 });
}

/** The record `retired` turns out to be about the same person as the one that survives. */
export function mergeSample(at: number, number: number, patient: Patient, retired: string): Sample {
  const mrg: SegmentInput = { name: 'MRG', fields: { 1: [retired, '', '', 'DEMO', 'MR'] } };
  // Published under both keys: two events with one effect id.
  return sample({
    feed: 'adt',
    at,
    number,
    type: ['ADT', 'A40', 'ADT_A39'],
    segments: [evn('A40', at), pid(patient), mrg],
    events: 2,
  });
}

/** An appointment: senders put such messages on their ADT interface too, and the channel does not want them. */
export function appointmentSample(at: number, number: number, patient: Patient): Sample {
  const sch: SegmentInput = { name: 'SCH', fields: { 1: [`APP${number}`, 'DEMO-EHR'], 6: ['CHECKUP', 'Check-up'] } };
  return sample({
    feed: 'adt',
    at,
    number,
    type: ['SIU', 'S12', 'SIU_S12'],
    segments: [sch, pid(patient)],
    filtered: true,
  });
}

export function orderSample(at: number, number: number, patient: Patient, bed: Bed, panel: Panel): Sample {
  const placer = [placerNumber(number), 'DEMO-EHR'];
  const orc: SegmentInput = { name: 'ORC', fields: { 1: 'NW', 2: placer, 9: timestamp(at) } };
  const obr: SegmentInput = { name: 'OBR', fields: { 1: '1', 2: placer, 4: [panel.code, panel.name, 'LN'] } };
  const segments = [pid(patient), pv1(patient, bed), orc, obr];
  return sample({ feed: 'orders', at, number, type: ['ORM', 'O01', 'ORM_O01'], segments });
}

/** The result of one order, or of several that were reported together. */
export function resultSample(
  at: number,
  number: number,
  patient: Patient,
  orders: readonly { readonly number: number; readonly panel: Panel }[],
  status: 'P' | 'F',
  chance: Chance,
): Sample {
  const segments: SegmentInput[] = [pid(patient)];
  let critical = 0;
  for (const [index, { number: order, panel }] of orders.entries()) {
    const [placer, filler] = [
      [placerNumber(order), 'DEMO-EHR'],
      [`LAB${order}`, 'DEMO-LIS'],
    ];
    segments.push({
      name: 'OBR',
      fields: {
        1: String(index + 1),
        2: placer,
        3: filler,
        4: [panel.code, panel.name, 'LN'],
        7: timestamp(at),
        25: status,
      },
    });
    for (const [place, analyte] of panel.analytes.entries()) {
      const { value, flag } = measured(analyte, chance);
      if (flag === 'HH' || flag === 'LL') critical++;
      segments.push(obx(place + 1, analyte, value, flag, status, at));
    }
  }
  return sample({
    feed: 'results',
    at,
    number,
    type: ['ORU', 'R01', 'ORU_R01'],
    segments,
    events: orders.length,
    critical,
  });
}

function measured(
  { low, high, panicLow, panicHigh, digits }: Analyte,
  chance: Chance,
): { value: string; flag: string } {
  const span = high - low;
  const drawn = chance.next();
  const value =
    drawn < 0.015
      ? panicHigh + span * chance.next()
      : drawn < 0.025 && panicLow > 0
        ? panicLow * chance.next() * 0.95
        : low + span * (chance.next() * 1.4 - 0.2);
  const written = Math.max(0, value).toFixed(digits);
  return { value: written, flag: flagOf(Number(written), low, high, panicLow, panicHigh) };
}

/** HL7 table 0078. */
function flagOf(value: number, low: number, high: number, panicLow: number, panicHigh: number): string {
  if (value >= panicHigh) return 'HH';
  if (value <= panicLow) return 'LL';
  if (value > high) return 'H';
  return value < low ? 'L' : 'N';
}

function obx(
  setId: number,
  { code, name, unit, low, high }: Analyte,
  value: string,
  flag: string,
  status: string,
  at: number,
): SegmentInput {
  return {
    name: 'OBX',
    fields: {
      1: String(setId),
      2: 'NM',
      3: [code, name, 'LN'],
      5: value,
      6: [unit, unit, 'UCUM'],
      7: `${low}-${high}`,
      8: flag,
      11: status,
      14: timestamp(at),
    },
  };
}

function evn(event: string, at: number): SegmentInput {
  return { name: 'EVN', fields: { 1: event, 2: timestamp(at) } };
}

function placerNumber(order: number): string {
  return `DEMO-ORDER-${order}`;
}
