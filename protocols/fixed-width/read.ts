import type { FixedColumn, FixedFault, FixedLayout, FixedRecord, FixedRecordType } from './layout.ts';

/** The records before the first fault, and the fault if there is one. */
export interface FixedText {
  readonly records: readonly FixedRecord[];
  readonly fault?: FixedFault;
}

/**
 * Reads records of columns at fixed positions. A byte order mark and empty lines are passed over; a line may be shorter than its
 * record (senders cut blanks off), and its missing columns are empty. Never throws.
 */
export function readFixed(text: string, layout: FixedLayout): FixedText {
  const records: FixedRecord[] = [];
  const start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  for (const [line, content] of layout.newline === '' ? blocks(text, start, layout.length) : lines(text, start)) {
    if (layout.newline === '' && content.length < layout.length) {
      return {
        records,
        fault: {
          code: 'fixed-width.truncated',
          reason: 'the text ends inside of a record',
          line,
          column: content.length + 1,
        },
      };
    }
    const type = layout.types.find((each) => isOfType(content, each));
    if (!type) {
      const column = layout.types[0]?.mark?.start ?? 1;
      return {
        records,
        fault: { code: 'fixed-width.unknown-type', reason: 'it is of no known record type', line, column },
      };
    }
    if (content.length > layout.length && content.slice(layout.length).trim() !== '') {
      return {
        records,
        fault: {
          code: 'fixed-width.too-long',
          reason: 'it is longer than its record',
          line,
          column: layout.length + 1,
        },
      };
    }
    const fields: Record<string, string> = Object.create(null);
    for (const column of type.columns) fields[column.name] = valueIn(content, column);
    records.push({ type: type.name, line, fields });
  }
  return { records };
}

function* lines(text: string, start: number): Generator<readonly [number, string]> {
  let line = 1;
  for (let at = start; at < text.length; line++) {
    let end = at;
    while (end < text.length && text[end] !== '\r' && text[end] !== '\n') end++;
    if (end > at) yield [line, text.slice(at, end)];
    at = end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);
  }
}

function* blocks(text: string, start: number, length: number): Generator<readonly [number, string]> {
  for (let at = start, line = 1; at < text.length; at += length, line++) yield [line, text.slice(at, at + length)];
}

function isOfType(line: string, { mark }: FixedRecordType): boolean {
  return mark === undefined || line.startsWith(mark.value, mark.start - 1);
}

/** Without what fills it; a number that is all zeros keeps one. */
function valueIn(line: string, { start, length, align, pad }: FixedColumn): string {
  const text = line.slice(start - 1, start - 1 + length);
  let from = 0;
  let to = text.length;
  if (align === 'right') while (from < to && text[from] === pad) from++;
  else while (to > from && text[to - 1] === pad) to--;
  if (pad === '0' && from === to && to > 0) return '0';
  return text.slice(from, to);
}
