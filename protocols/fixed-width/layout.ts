/** A column of a record. Positions and lengths count UTF-16 code units, which in a single-byte character set are bytes. */
export interface FixedColumn {
  readonly name: string;
  /** From 1. */
  readonly start: number;
  readonly length: number;
  /** Where a shorter value stands in its column. */
  readonly align: 'left' | 'right';
  /** One character: what fills the rest, and is taken off again when read. */
  readonly pad: string;
}

/** A kind of record: lines that have `value` at `start`; every line, where it has no mark. */
export interface FixedRecordType {
  readonly name: string;
  readonly mark?: { readonly start: number; readonly value: string };
  readonly columns: readonly FixedColumn[];
}

export interface FixedLayout {
  /** The first whose mark a line has is its type. */
  readonly types: readonly FixedRecordType[];
  /** Of a record, its line break apart. */
  readonly length: number;
  /** What a record ends with when written; read are CR, LF and CRLF. Empty: records follow each other without. */
  readonly newline: '\r\n' | '\n' | '';
}

export interface FixedRecord {
  readonly type: string;
  /** From 1; where there are no line breaks, the number of the record. */
  readonly line: number;
  /** By column name; an object without a prototype. */
  readonly fields: Readonly<Record<string, string>>;
}

export type FixedFaultCode =
  /** No record type has its mark where this line has another. */
  | 'fixed-width.unknown-type'
  /** A record has characters other than blanks after its last column. */
  | 'fixed-width.too-long'
  /** The text ends inside of a record. */
  | 'fixed-width.truncated'
  /** A value is longer than its column. */
  | 'fixed-width.overflow'
  /** A value has a line break in it. */
  | 'fixed-width.unwritable';

/** What is wrong, and where; never what stands there. */
export interface FixedFault {
  readonly code: FixedFaultCode;
  readonly reason: string;
  /** From 1; when writing, the record's number. */
  readonly line: number;
  /** From 1: the position in the line. */
  readonly column: number;
}

/**
 * What is wrong with a layout, as `[record type, column, reason]`; undefined when it can be used. Columns must lie apart, inside of
 * the record and off the mark.
 */
export function layoutFault({ types, length }: FixedLayout): readonly [string, string, string] | undefined {
  for (const { name, mark, columns } of types) {
    const taken: { name: string; start: number; end: number }[] = [];
    if (mark) taken.push({ name: 'the mark', start: mark.start, end: mark.start + mark.value.length });
    for (const column of columns) {
      const end = column.start + column.length;
      if (end - 1 > length) return [name, column.name, 'it ends after the record'];
      if (taken.some((other) => other.name === column.name)) return [name, column.name, 'there are two of this name'];
      const other = taken.find((each) => each.start < end && column.start < each.end);
      if (other) return [name, column.name, `it overlaps ${other.name}`];
      taken.push({ name: column.name, start: column.start, end });
    }
  }
  return undefined;
}
