/** How one sender writes delimited text. Each of `delimiter` and `quote` is one character, and neither is CR or LF. */
export interface Dialect {
  readonly delimiter: string;
  /** None: nothing is quoted, and a cell can hold neither the delimiter nor a line break. */
  readonly quote: string | undefined;
  /** What a record ends with when it is written; CR, LF and CRLF are all read. */
  readonly newline: '\r\n' | '\n';
}

/** RFC 4180. */
export const COMMA_SEPARATED: Dialect = { delimiter: ',', quote: '"', newline: '\r\n' };

export type DelimitedFaultCode =
  /** A quoted cell does not end before the text does. */
  | 'delimited.unclosed-quote'
  /** Something other than a delimiter or a line break stands after a closing quote. */
  | 'delimited.text-after-quote'
  /** A cell holds what only quotes could carry, and the dialect has none. */
  | 'delimited.unwritable';

/** What is wrong, and where; never what stands there. */
export interface DelimitedFault {
  readonly code: DelimitedFaultCode;
  readonly reason: string;
  /** From 1; when writing, the record's number. */
  readonly line: number;
  /** From 1, in UTF-16 code units; when writing, the cell's number. */
  readonly column: number;
}

export interface DelimitedRecord {
  /** Where it begins, from 1: a quoted cell may go over several lines. */
  readonly line: number;
  readonly cells: readonly string[];
  /** Where each cell begins in its own line, from 1. */
  readonly columns: readonly number[];
}
