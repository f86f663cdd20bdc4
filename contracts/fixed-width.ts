import { z } from 'zod';
import { HubError } from '../core/errors.ts';
import { type FixedLayout, layoutFault } from '../protocols/fixed-width/layout.ts';
import { readFixed } from '../protocols/fixed-width/read.ts';
import { writeFixed } from '../protocols/fixed-width/write.ts';
import { decodedText, encodedText, isCharset, type RecordFormat } from './record-file.ts';

const name = z.string().regex(/^[\w-]+$/, 'a name of letters, digits, _ and -');
const position = z.int().positive().max(100_000);

const column = z.strictObject({
  name: name.describe('The name by which maps and scripts know the column.'),
  start: position.describe('The position of its first character in the record, from 1.'),
  length: position.describe('How many characters it has.'),
  align: z.enum(['left', 'right']).default('left').describe('Where a value stands that is shorter than the column.'),
  pad: z.string().length(1).default(' ').describe('What fills the rest of the column; `0` for numbers, aligned right.'),
});

const recordType = z.strictObject({
  name: name.describe('The name by which maps and scripts know this kind of record.'),
  mark: z
    .strictObject({
      start: position.describe('Where the mark stands, from 1.'),
      value: z.string().min(1).describe('What stands there in every record of this type, and in no other.'),
    })
    .optional()
    .describe('How a record of this type is told from others; every record is of this type if absent.'),
  columns: z.array(column).min(1).describe('The columns of such a record.'),
});

/** How one kind of fixed-width file is written. */
export const fixedWidthOptions = z
  .strictObject({
    records: z.array(recordType).min(1).describe('The kinds of records; the first whose mark a line has is its type.'),
    length: position.optional().describe('The length of a record; up to the end of the last column if absent.'),
    newline: z.enum(['crlf', 'lf', 'none']).default('crlf').describe('What ends a record; `none` where nothing does.'),
    charset: z
      .string()
      .refine(isCharset, 'no known character set')
      .default('utf-8')
      .describe(
        'The character set of the file, by its label in the WHATWG Encoding standard. Positions count characters.',
      ),
  })
  .superRefine((options, context) => {
    const fault = layoutFault(layoutOf(options));
    if (fault)
      context.addIssue({ code: 'custom', path: ['records'], message: `${fault[0]}, ${fault[1]}: ${fault[2]}` });
  });

export type FixedWidthOptions = z.output<typeof fixedWidthOptions>;

/**
 * Text of columns at fixed positions as records by column name. Errors name line and position, never content.
 * @param id of the contract, with its version: `bank.transfer.v1`
 */
export function fixedWidthFormat(id: string, options: FixedWidthOptions): RecordFormat {
  const layout = layoutOf(options);
  const { charset } = options;
  return {
    id,
    contentType: 'text/plain',
    recordTypes: new Map(layout.types.map((type) => [type.name, type.columns.map((each) => each.name)])),
    decode: (raw) => {
      const { records, fault } = readFixed(decodedText(raw, charset, id), layout);
      if (!fault) return { records };
      const at = `line ${fault.line}, column ${fault.column}`;
      throw new HubError('decode-failed', 'permanent', `decoding ${id}: ${at}: ${fault.reason}`);
    },
    encode: ({ records }) => {
      const text = writeFixed(records, layout);
      if (typeof text === 'string') return encodedText(text, charset, id);
      const at = `record ${text.line}, column ${text.column}`;
      throw new HubError('encode-failed', 'permanent', `encoding ${id}: ${at}: ${text.reason}`);
    },
  };
}

function layoutOf({ records, length, newline }: Omit<FixedWidthOptions, 'charset'>): FixedLayout {
  const ends = records.flatMap(({ mark, columns }) => [
    ...columns.map(({ start, length }) => start + length - 1),
    mark ? mark.start + mark.value.length - 1 : 0,
  ]);
  return {
    types: records.map(({ name, mark, columns }) => ({ name, columns, ...(mark && { mark }) })),
    length: length ?? Math.max(...ends),
    newline: newline === 'none' ? '' : newline === 'lf' ? '\n' : '\r\n',
  };
}
