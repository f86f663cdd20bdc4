import { z } from 'zod';
import { didYouMean } from '../../core/config/suggestion.ts';
import type { CodeTable } from '../../core/tables/code-table.ts';
import { defineFunction, invalid, plain, textual } from './function.ts';
import { faultyValue } from './value.ts';

export const unknownPolicy = z
  .union([z.enum(['error', 'pass']), z.strictObject({ default: plain.describe('The value instead.') })])
  .describe(
    'What becomes of a code that the table does not have: an error, the code itself with an entry in the worklist, or a value.',
  );

const tableArguments = z.strictObject({
  table: z.string().describe('The name of a code table.'),
  to: z.string().optional().describe('The column to give; the table’s target column if absent.'),
  from: z.string().optional().describe('The column to look the value up in; the table’s codes if absent.'),
  unknown: unknownPolicy.default('error'),
});

/** What a code stands for on the day on which the message was received (rule 6). */
export const tableFunction = defineFunction(
  'table',
  'What a code table has for it, on the day on which the message was received.',
  z.union([z.string(), tableArguments]),
  (given, { table: tableNamed, unknown: worklist, written }) => {
    const {
      table: name,
      to,
      from,
      unknown,
    } = typeof given === 'string' ? tableArguments.parse({ table: given }) : given;
    const table = tableNamed(name);
    const lookup = table.lookup(column(table, to), column(table, from));
    const otherwise = typeof unknown === 'string' ? undefined : written('unknown', 'default');
    return textual((code, run) => {
      const { receivedAt, channel } = run.message;
      const found = lookup(code, receivedAt);
      if (found !== undefined) return found;
      if (otherwise !== undefined) return otherwise;
      if (unknown === 'error') throw faultyValue(`the table ${name} does not have the code`);
      worklist.note(name, code, channel, receivedAt);
      return code;
    });
  },
);

function column(table: CodeTable, name: string | undefined): string | undefined {
  if (name === undefined || table.columns.includes(name)) return name;
  throw invalid(`the table ${table.table} has no column ${name}${didYouMean(name, table.columns)}`);
}
