import type { Hl7Message } from '../protocols/hl7v2/message.ts';
import type { Part, Segment } from '../protocols/hl7v2/segment.ts';
import type { CodedValue, Identifier, Origin, Person, Place } from './clinical-person.ts';

/** The object without its undefined fields: what was not said is absent, not empty. */
export function said<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  const told: { -readonly [K in keyof T]?: T[K] } = {};
  // As lists of entries it was the most of what an event costs.
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) told[name] = value as T[typeof name];
  }
  return told as T;
}

/** Identifiers of a CX field (HL7 2.5.1 §2.A.14); repetitions without a value are left out. */
export function identifiersOf(segment: Segment | undefined, field: number): Identifier[] {
  return segment?.field(field).repetitions.flatMap(identifierIn) ?? [];
}

function identifierIn(repetition: Part): Identifier[] {
  const [id, , , authority, type] = repetition.components;
  if (!id?.value) return [];
  const [namespace, universal] = authority?.subcomponents ?? [];
  return [
    said<Identifier>({
      value: id.value,
      authority: namespace?.value || universal?.value || undefined,
      type: type?.value || undefined,
    }),
  ];
}

/** A CE, CWE or CNE field: its first triplet. */
export function codedIn(segment: Segment, field: number): CodedValue {
  return said<CodedValue>({
    code: textAt(segment, `${field}.1`),
    text: textAt(segment, `${field}.2`),
    system: textAt(segment, `${field}.3`),
  });
}

/** As `codedIn`, where it says anything. */
export function codedAt(segment: Segment | undefined, field: number): CodedValue | undefined {
  return segment && textAt(segment, `${field}`) ? codedIn(segment, field) : undefined;
}

/** A CE or CWE field that repeats. */
export function codesOf(segment: Segment, field: number): CodedValue[] {
  return segment.field(field).repetitions.flatMap(({ components: [code, text, system] }) =>
    code?.value || text?.value
      ? [
          said<CodedValue>({
            code: code?.value || undefined,
            text: text?.value || undefined,
            system: system?.value || undefined,
          }),
        ]
      : [],
  );
}

/** A PL field (HL7 2.5.1 §2.A.53). */
export function placeIn(segment: Segment, field: number): Place | undefined {
  if (!textAt(segment, `${field}`)) return undefined;
  return said<Place>({
    ward: textAt(segment, `${field}.1`),
    room: textAt(segment, `${field}.2`),
    bed: textAt(segment, `${field}.3`),
    facility: textAt(segment, `${field}.4.1`),
  });
}

/** An XCN field (HL7 2.5.1 §2.A.86); repetitions without number and name are left out. */
export function peopleOf(segment: Segment, field: number): Person[] {
  return segment.field(field).repetitions.flatMap(({ components }) => {
    const [id, family, given] = components;
    const [namespace, universal] = components[8]?.subcomponents ?? [];
    const surname = family?.subcomponents[0]?.value ?? family?.value;
    if (!id?.value && !surname) return [];
    const authority = namespace?.value || universal?.value || undefined;
    const identifier = id?.value ? said<Identifier>({ value: id.value, authority, type: undefined }) : undefined;
    return [said<Person>({ identifier, family: surname || undefined, given: given?.value || undefined })];
  });
}

/** The value at a place of a segment; undefined when it is absent, empty or `""`. */
export function textAt(segment: Segment | undefined, place: string): string | undefined {
  return segment?.get(place) || undefined;
}

export function originOf(message: Hl7Message): Origin {
  return said<Origin>({
    application: message.get('MSH-3.1') || undefined,
    facility: message.get('MSH-4.1') || undefined,
    controlId: message.get('MSH-10') || undefined,
  });
}

const hl7Time = /^(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(\d\d)?(?:(\d\d)(\.\d{1,4})?)?)?)?)?(?:([+-]\d\d)(\d\d))?$/;

/**
 * A DT, TS or DTM value (HL7 2.5.1 §2.A.22) in ISO 8601, as precise as it is; an hour alone gets its minute 00. Undefined
 * for what is no such value: a wrong date is worse than none.
 */
export function isoTime(text: string | null | undefined): string | undefined {
  const [, year, month, day, hour, minute, second, fraction, offsetHours, offsetMinutes] =
    hl7Time.exec(text?.trim() ?? '') ?? [];
  if (!year || !isCalendar(year, month, day) || !isClock(hour, minute, second)) return undefined;
  let iso = year;
  if (month) iso += `-${month}`;
  if (day) iso += `-${day}`;
  if (!hour) return iso;
  iso += `T${hour}:${minute ?? '00'}`;
  if (second) iso += `:${second}${fraction ?? ''}`;
  return offsetHours ? `${iso}${offsetHours}:${offsetMinutes}` : iso;
}

function isCalendar(year: string, month = '01', day = '01'): boolean {
  if (month >= '01' && month <= '12' && day >= '01' && day <= '28') return true;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day);
}

function isClock(hour = '00', minute = '00', second = '00'): boolean {
  return hour < '24' && minute < '60' && second < '60';
}
