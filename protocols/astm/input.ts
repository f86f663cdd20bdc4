import { ProtocolFault } from '../fault.ts';
import { type Delimiters, declaration } from './delimiters.ts';
import { escapeText } from './escape.ts';
import { FIELDS, type FieldName, type RecordType } from './fields.ts';

/** A value to write: text as people read it (it is escaped on the way), or a number; undefined for empty. */
export type ValueInput = string | number | undefined;
/** One value, or the components. */
export type RepeatInput = ValueInput | readonly ValueInput[];
/** One repetition, or several. */
export type FieldInput = RepeatInput | { readonly repeats: readonly RepeatInput[] };

/**
 * A record to write, its fields by name and, for what has none, by number. The sequence number is counted where it is not
 * given: `{ type: 'R', testId: ['', '', '', 'GLU'], value: '5.4', unit: 'mmol/L', fields: { 15: 'x' } }`.
 */
export type RecordInput = { readonly [T in RecordType]: RecordInputOf<T> }[RecordType];

export type RecordInputOf<T extends RecordType> = {
  readonly type: T;
  readonly sequence?: number;
  readonly fields?: Readonly<Record<number, FieldInput>>;
} & { readonly [K in FieldName<T>]?: FieldInput };

/** Beyond it a field number is taken for a mistake: each empty field before it costs a byte. */
const MAX_FIELD = 999;

/**
 * The record as it stands in a message, without its CR; empty fields at its end are left out.
 * @param sequence what to write where the input names none
 * @throws ProtocolFault astm.bad-value, astm.unencodable
 */
export function writeRecord(input: RecordInput, delimiters: Delimiters, sequence: number): string {
  const names: Readonly<Record<string, number>> = FIELDS[input.type];
  const second = input.type === 'H' ? declaration(delimiters) : String(input.sequence ?? sequence);
  const fields: string[] = [input.type, second];
  for (const [name, value] of Object.entries(input)) {
    const number = names[name];
    if (number !== undefined) fields[number - 1] = writeField(value as FieldInput, delimiters);
  }
  for (const [key, value] of Object.entries(input.fields ?? {})) {
    const number = Number(key);
    if (!Number.isInteger(number) || number < 3 || number > MAX_FIELD) {
      throw new ProtocolFault('astm.bad-value', `writing ${input.type}: a field number is out of range`);
    }
    fields[number - 1] = writeField(value, delimiters);
  }
  return joinTrimmed(fields, delimiters.field);
}

/** @throws ProtocolFault astm.unencodable, astm.bad-value */
export function writeField(input: FieldInput, delimiters: Delimiters): string {
  if (typeof input !== 'object' || !('repeats' in input)) return writeRepeat(input, delimiters);
  return input.repeats.map((repeat) => writeRepeat(repeat, delimiters)).join(delimiters.repeat);
}

/** @throws ProtocolFault astm.unencodable, astm.bad-value */
export function writeRepeat(input: RepeatInput, delimiters: Delimiters): string {
  if (typeof input !== 'object') return writeValue(input, delimiters);
  const components = input.map((value) => writeValue(value, delimiters));
  return joinTrimmed(components, delimiters.component);
}

/** @throws ProtocolFault astm.unencodable, astm.bad-value */
export function writeValue(value: ValueInput, delimiters: Delimiters): string {
  if (typeof value !== 'number') return escapeText(value ?? '', delimiters);
  if (!Number.isFinite(value)) throw new ProtocolFault('astm.bad-value', 'writing a value: the number is not finite');
  return escapeText(String(value), delimiters);
}

function joinTrimmed(parts: readonly (string | undefined)[], separator: string): string {
  let length = parts.length;
  while (length > 0 && !parts[length - 1]) length--;
  return Array.from({ length }, (_, at) => parts[at] ?? '').join(separator);
}
