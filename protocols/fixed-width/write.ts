import type { FixedColumn, FixedFault, FixedLayout, FixedRecord } from './layout.ts';

/**
 * Writes records, each at its full length and ended by the layout's line break. What is too long for its column is a fault, never
 * cut. A record's missing fields are filled; one of an unknown type is a fault. Never throws.
 */
export function writeFixed(
  records: Iterable<Pick<FixedRecord, 'type' | 'fields'>>,
  layout: FixedLayout,
): string | FixedFault {
  let text = '';
  let line = 0;
  for (const { type: name, fields } of records) {
    line++;
    const type = layout.types.find((each) => each.name === name);
    if (!type) return { code: 'fixed-width.unknown-type', reason: 'it is of no known record type', line, column: 1 };
    let record = '';
    for (const part of partsInOrder(type.columns, type.mark)) {
      const written = 'value' in part ? part.value : writtenColumn(fields[part.name] ?? '', part);
      if (typeof written !== 'string') return { ...written, line, column: part.start };
      record = record.padEnd(part.start - 1) + written;
    }
    text += record.padEnd(layout.length) + layout.newline;
  }
  return text;
}

type Mark = { readonly start: number; readonly value: string };

function partsInOrder(columns: readonly FixedColumn[], mark: Mark | undefined): readonly (FixedColumn | Mark)[] {
  return [...columns, ...(mark ? [mark] : [])].sort((a, b) => a.start - b.start);
}

function writtenColumn(
  value: string,
  { length, align, pad }: FixedColumn,
): string | Pick<FixedFault, 'code' | 'reason'> {
  if (value.length > length) return { code: 'fixed-width.overflow', reason: 'a value is longer than its column' };
  if (value.includes('\r') || value.includes('\n'))
    return { code: 'fixed-width.unwritable', reason: 'a value has a line break in it' };
  return align === 'right' ? value.padStart(length, pad) : value.padEnd(length, pad);
}
