import { ProtocolFault } from '../fault.ts';
import { type Delimiters, encodingCharacters } from './delimiters.ts';
import { escapeText } from './escape.ts';

/** A value to write: text as people read it (it is escaped on the way), null for `""` (delete), undefined for empty. */
export type ValueInput = string | null | undefined;
/** One value, or the subcomponents. */
export type ComponentInput = ValueInput | readonly ValueInput[];
/** One value, or the components. */
export type RepetitionInput = ValueInput | readonly ComponentInput[];
/** One repetition, or several. */
export type FieldInput = RepetitionInput | { readonly repetitions: readonly RepetitionInput[] };

/**
 * A segment to write, its fields by number:
 * `{ name: 'PID', fields: { 3: ['12345', '', '', 'HOSP', 'MR'], 5: ['Doe', 'John'] } }`.
 */
export interface SegmentInput {
  readonly name: string;
  readonly fields: Readonly<Record<number, FieldInput>>;
}

/** Beyond it a field number is taken for a mistake: each empty field before it costs a byte. */
const MAX_FIELD = 999;

/**
 * The segment as it stands in a message, without its terminator. MSH, FHS and BHS get their fields 1 and 2 from
 * `delimiters`; these cannot be given.
 * @throws ProtocolFault hl7v2.bad-value, hl7v2.unencodable
 */
export function writeSegment(segment: SegmentInput, delimiters: Delimiters): string {
  if (!/^[A-Z][A-Z0-9]{2}$/.test(segment.name)) {
    throw new ProtocolFault('hl7v2.bad-value', 'writing a segment: its name is not three capitals or digits');
  }
  const separator = String.fromCharCode(delimiters.field);
  const heads = segment.name === 'MSH' || segment.name === 'FHS' || segment.name === 'BHS';
  const fields: string[] = [];
  for (const [key, input] of Object.entries(segment.fields)) {
    const number = Number(key);
    if (!Number.isInteger(number) || number < (heads ? 3 : 1) || number > MAX_FIELD) {
      throw new ProtocolFault('hl7v2.bad-value', `writing ${segment.name}: a field number is out of range`);
    }
    fields[heads ? number - 2 : number - 1] = writeField(input, delimiters);
  }
  if (heads) fields[0] = encodingCharacters(delimiters);
  return joinTrimmed([segment.name, ...fields], separator);
}

/** @throws ProtocolFault hl7v2.bad-value, hl7v2.unencodable */
export function writeField(input: FieldInput, delimiters: Delimiters): string {
  if (!isRepeated(input)) return writeRepetition(input, delimiters);
  const repetitions = input.repetitions.map((repetition) => writeRepetition(repetition, delimiters));
  return join(repetitions, delimiters.repetition);
}

/** @throws ProtocolFault hl7v2.bad-value, hl7v2.unencodable */
export function writeRepetition(input: RepetitionInput, delimiters: Delimiters): string {
  if (!isList(input)) return writeValue(input, delimiters);
  const components = input.map((component) => writeComponent(component, delimiters));
  return join(components, delimiters.component);
}

/** @throws ProtocolFault hl7v2.bad-value, hl7v2.unencodable */
export function writeComponent(input: ComponentInput, delimiters: Delimiters): string {
  if (!isList(input)) return writeValue(input, delimiters);
  const subcomponents = input.map((value) => writeValue(value, delimiters));
  return join(subcomponents, delimiters.subcomponent);
}

/** @throws ProtocolFault hl7v2.unencodable */
export function writeValue(value: ValueInput, delimiters: Delimiters): string {
  if (value === undefined) return '';
  return value === null ? '""' : escapeText(value, delimiters);
}

export function isRepeated(input: FieldInput): input is { readonly repetitions: readonly RepetitionInput[] } {
  return typeof input === 'object' && input !== null && 'repetitions' in input;
}

export function isSegment(input: unknown): input is SegmentInput {
  return typeof input === 'object' && input !== null && 'fields' in input;
}

/** What `Array.isArray` says, for readonly arrays too. */
export function isList<T>(input: ValueInput | readonly T[]): input is readonly T[] {
  return typeof input === 'object' && input !== null;
}

function join(parts: readonly string[], separator: number): string {
  if (separator >= 0) return joinTrimmed(parts, String.fromCharCode(separator));
  if (parts.length > 1) {
    throw new ProtocolFault('hl7v2.bad-value', 'writing a value: the message declares no delimiter for its parts');
  }
  return parts[0] ?? '';
}

/** Joins without the empty parts at the end. */
function joinTrimmed(parts: readonly (string | undefined)[], separator: string): string {
  let length = parts.length;
  while (length > 0 && !parts[length - 1]) length--;
  return parts.slice(0, length).join(separator);
}
