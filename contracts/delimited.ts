import { z } from 'zod';
import { HubError } from '../core/errors.ts';
import type { DelimitedRecord, Dialect } from '../protocols/delimited/dialect.ts';
import { readDelimited } from '../protocols/delimited/read.ts';
import { writeDelimited } from '../protocols/delimited/write.ts';
import { decodedText, encodedText, type FlatRecord, isCharset, type RecordFormat } from './record-file.ts';

const oneCharacter = z.string().regex(/^[^\r\n]$/, 'one character that is no line break');
const columnName = z.string().regex(/^[\w -]+$/, 'a name of letters, digits, _, - and blanks');

/** How one kind of delimited file is written. */
export const delimitedOptions = z
  .strictObject({
    columns: z
      .array(columnName)
      .min(1)
      .refine((names) => new Set(names).size === names.length, 'every column once')
      .describe('The columns by name, in the order in which they are written, and read where the file has no header.'),
    header: z
      .boolean()
      .default(true)
      .describe(
        'Whether the first line names the columns. Read, they may then come in any order, with others between.',
      ),
    delimiter: oneCharacter.default(',').describe('What stands between two cells.'),
    quote: z
      .union([oneCharacter, z.literal(false)])
      .default('"')
      .describe('What surrounds a cell that holds a delimiter or a line break; false where nothing is quoted.'),
    newline: z.enum(['crlf', 'lf']).default('crlf').describe('What ends a line that is written; every kind is read.'),
    charset: z
      .string()
      .refine(isCharset, 'no known character set')
      .default('utf-8')
      .describe('The character set of the file, by its label in the WHATWG Encoding standard.'),
    ragged: z
      .boolean()
      .default(false)
      .describe('Whether lines may have fewer cells than there are columns, or more; if not, such a line is an error.'),
  })
  .refine(({ delimiter, quote }) => delimiter !== quote, 'delimiter and quote are the same character');

export type DelimitedOptions = z.output<typeof delimitedOptions>;

/** The type of every record of delimited text. */
const ROW = 'row';

/**
 * Delimited text (RFC 4180 with any delimiter) as records by column name. Errors name line and column, never content.
 * @param id of the contract, with its version: `payroll.staff.v1`
 */
export function delimitedFormat(id: string, options: DelimitedOptions): RecordFormat {
  const { columns, header, charset } = options;
  const dialect: Dialect = {
    delimiter: options.delimiter,
    quote: options.quote === false ? undefined : options.quote,
    newline: options.newline === 'lf' ? '\n' : '\r\n',
  };
  const known = new Set(columns);
  return {
    id,
    contentType: 'text/csv',
    recordTypes: new Map([[ROW, columns]]),
    decode: (raw) => {
      const { records, fault } = readDelimited(decodedText(raw, charset, id), dialect);
      if (fault) throw refused(id, fault.line, fault.column, fault.reason);
      const [first, ...rest] = records;
      const order = header ? headerOrder(id, columns, first) : columns.map((_, at) => at);
      const width = header ? (first?.cells.length ?? 0) : columns.length;
      const rows = header ? rest : records;
      return { records: rows.map((row) => recordOf(id, options, order, width, row)) };
    },
    encode: ({ records }) => {
      const rows = records.map(({ fields }, at) => {
        for (const name of Object.keys(fields)) {
          if (known.has(name)) continue;
          throw new HubError(
            'encode-failed',
            'permanent',
            `encoding ${id}: record ${at + 1} has a column that is not known`,
          );
        }
        return columns.map((name) => fields[name] ?? '');
      });
      const text = writeDelimited(header ? [columns, ...rows] : rows, dialect);
      if (typeof text === 'string') return encodedText(text, charset, id);
      const at = `record ${header ? text.line - 1 : text.line}, cell ${text.column}`;
      throw new HubError('encode-failed', 'permanent', `encoding ${id}: ${at}: ${text.reason}`);
    },
  };
}

/** Where in the file each column stands. */
function headerOrder(id: string, columns: readonly string[], header: DelimitedRecord | undefined): readonly number[] {
  if (!header) throw refused(id, 1, 1, 'the header is missing');
  return columns.map((name) => {
    const at = header.cells.indexOf(name);
    if (at >= 0) return at;
    throw refused(id, header.line, 1, `the header has no column ${name}`);
  });
}

function recordOf(
  id: string,
  { columns, ragged }: DelimitedOptions,
  order: readonly number[],
  width: number,
  { line, cells }: DelimitedRecord,
): FlatRecord {
  if (cells.length !== width && !ragged)
    throw refused(id, line, 1, `there are ${cells.length} cells where ${width} are needed`);
  const fields: Record<string, string> = Object.create(null);
  for (const [index, name] of columns.entries()) fields[name] = cells[order[index]!] ?? '';
  return { type: ROW, fields };
}

function refused(id: string, line: number, column: number, reason: string): HubError {
  return new HubError('decode-failed', 'permanent', `decoding ${id}: line ${line}, column ${column}: ${reason}`);
}
