import type { DelimitedFault, Dialect } from './dialect.ts';

/**
 * Writes records, each ended by the dialect's line break; a cell is quoted where it has to be. `readDelimited` gives the same
 * cells back. The result is the fault where a cell cannot be written. Never throws.
 */
export function writeDelimited(records: Iterable<readonly string[]>, dialect: Dialect): string | DelimitedFault {
  const { delimiter, newline } = dialect;
  let text = '';
  let line = 0;
  for (const cells of records) {
    line++;
    for (const [at, cell] of cells.entries()) {
      const written = writtenCell(cell, dialect, cells.length === 1, text === '');
      if (written === undefined) {
        const reason = 'a cell needs quotes, and the dialect has none';
        return { code: 'delimited.unwritable', reason, line, column: at + 1 };
      }
      text += at === 0 ? written : delimiter + written;
    }
    text += newline;
  }
  return text;
}

/** An only cell that is empty would be an empty line, and a byte order mark at the very beginning would be passed over. */
function writtenCell(cell: string, { delimiter, quote }: Dialect, only: boolean, first: boolean): string | undefined {
  const plain =
    !cell.includes(delimiter) &&
    !cell.includes('\r') &&
    !cell.includes('\n') &&
    !(quote !== undefined && cell.startsWith(quote)) &&
    !(only && cell === '') &&
    !(first && cell.startsWith('\ufeff'));
  if (plain) return cell;
  return quote === undefined ? undefined : quote + cell.replaceAll(quote, () => quote + quote) + quote;
}
