import { mdcName, mdcUnit } from '../../contracts/mdc.ts';
import { namedUuid } from '../../contracts/named-uuid.ts';
import type { Reading, VitalReadings } from '../../contracts/vitals.ts';
import { build } from '../../protocols/hl7v2/build.ts';
import type { FieldInput, SegmentInput } from '../../protocols/hl7v2/input.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';

export interface Options {
  readonly sendingApplication?: string | undefined;
  readonly sendingFacility?: string | undefined;
  readonly receivingApplication?: string | undefined;
  readonly receivingFacility?: string | undefined;
  readonly processingId: 'P' | 'T' | 'D';
  readonly device: { readonly code: number; readonly name: string };
}

/** OBX-8 as the technical framework has it (IHE DEV TF-2, appendix B.8). */
const FLAGS: Readonly<Record<Reading['validity'], string | undefined>> = {
  Vld: undefined,
  Qst: 'QUES',
  Inv: 'INV',
  Oflw: '>',
  Uflw: '<',
};

/** One device, one message; the same event, the same bytes. */
export function messageOf(event: VitalReadings, options: Options): Hl7Message {
  const { device, receivedAt } = event;
  const at = hl7Time(receivedAt);
  const controlId = namedUuid(JSON.stringify(event)).replaceAll('-', '');
  return build({
    type: ['ORU', 'R01', 'ORU_R01'],
    version: '2.6',
    controlId,
    now: Date.parse(receivedAt),
    processingId: options.processingId,
    sendingApplication: options.sendingApplication,
    sendingFacility: options.sendingFacility,
    receivingApplication: options.receivingApplication,
    receivingFacility: options.receivingFacility,
    header: {
      7: at,
      15: 'AL',
      16: 'NE',
      21: ['IHE_PCD_001', 'IHE PCD', '1.3.6.1.4.1.19376.1.6.1.1.1', 'ISO'],
    },
    segments: [
      ...patientSegments(event),
      { name: 'OBR', fields: { 1: '1', 3: controlId, 4: ['182777000', 'monitoring of patient', 'SCT'], 7: at } },
      {
        name: 'OBX',
        fields: {
          ...{ 1: '1', 3: [String(options.device.code), options.device.name, 'MDC'], 4: '1.0.0.0', 11: 'X' },
          18: device,
        },
      },
      ...event.readings.map(observation),
    ],
  });
}

/** Absent where neither a patient nor a place is known: nobody is guessed. */
function patientSegments({ patient, subject, location }: VitalReadings): SegmentInput[] {
  if (!patient && subject === undefined && location === undefined) return [];
  const identifiers = patient?.identifiers.map(({ value, authority, type }) => [
    value,
    undefined,
    undefined,
    authority,
    type,
  ]);
  const pid = {
    name: 'PID',
    fields: {
      3: identifiers && { repetitions: identifiers },
      5: [undefined, undefined, undefined, undefined, undefined, undefined, 'U'],
    },
  };
  if (subject === undefined && location === undefined) return [pid];
  const place = [subject, undefined, undefined, undefined, undefined, undefined, undefined, undefined, location];
  return [pid, { name: 'PV1', fields: { 1: '1', 2: 'U', 3: place } }];
}

function observation(reading: Reading, index: number): SegmentInput {
  const { value, unit, validity, deviceTime } = reading;
  return {
    name: 'OBX',
    fields: {
      1: String(index + 2),
      2: typeof value === 'number' ? 'NM' : 'ST',
      3: codeOf(reading),
      4: `1.0.0.${index + 1}`,
      5: textOf(value),
      6: unit === undefined ? undefined : unitOf(unit),
      8: FLAGS[validity],
      11: value === undefined ? 'X' : 'R',
      14: deviceTime === undefined ? undefined : hl7Time(deviceTime),
    },
  };
}

/** The code of IEEE 11073 first, LOINC beside it, and in CWE-9 what the device’s profile calls it. */
function codeOf({ point, code }: Reading): FieldInput {
  const loinc = code?.loinc?.[0];
  const triplets: (string | undefined)[][] = [];
  if (code?.mdc !== undefined) triplets.push([String(code.mdc), mdcName(code.mdc), 'MDC']);
  if (loinc !== undefined) triplets.push([loinc, undefined, 'LN']);
  if (triplets.length === 0) triplets.push([point, point, 'L']);
  const [first = [], second = [undefined, undefined, undefined]] = triplets;
  return [...first, ...second, undefined, undefined, point];
}

function unitOf(unit: string): FieldInput {
  const mdc = mdcUnit(unit);
  const ucum = [unit, unit, 'UCUM'];
  return mdc ? [String(mdc.code), mdc.name, 'MDC', ...ucum] : ucum;
}

const digits = new Intl.NumberFormat('en-US', { useGrouping: false, maximumFractionDigits: 100 });

/** NM has no exponent (HL7 2.6 §2.A.46). */
function textOf(value: Reading['value']): string | undefined {
  if (typeof value !== 'number') return value?.toString();
  const text = String(value);
  return text.includes('e') ? digits.format(value) : text;
}

/** `2026-03-02T08:15:00.500Z` as HL7 writes it: `20260302081500.500+0000`. */
function hl7Time(iso: string): string {
  const utc = new Date(iso).toISOString();
  return `${utc.slice(0, 19).replaceAll(/\D/g, '')}.${utc.slice(20, 23)}+0000`;
}
