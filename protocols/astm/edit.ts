import { ProtocolFault } from '../fault.ts';
import type { Delimiters } from './delimiters.ts';
import { type FieldInput, writeField, writeValue } from './input.ts';
import type { Place } from './path.ts';
import type { AstmRecord } from './record.ts';

/**
 * A record's text with one place set; everything else stays as it is written. What is missing before the place is made.
 * @throws ProtocolFault astm.bad-value, astm.unencodable
 */
export function withValue(record: AstmRecord, place: Place, input: FieldInput, delimiters: Delimiters): string {
  const { field, repeat, component } = place;
  if (field === 1 || (field === 2 && record.type === 'H')) {
    throw new ProtocolFault('astm.bad-value', 'setting a value: the type and the delimiters of a record are fixed');
  }
  if (typeof input === 'object' && (component > 0 || (repeat > 0 && 'repeats' in input))) {
    throw new ProtocolFault('astm.bad-value', 'setting a value: it has more levels than its place');
  }
  return within(record.text, delimiters.field, field, (whole) => {
    if (component === 0 && repeat === 0) return writeField(input, delimiters);
    return within(whole, delimiters.repeat, Math.max(1, repeat), (one) => {
      if (component === 0) return writeField(input, delimiters);
      return within(one, delimiters.component, component, () =>
        typeof input === 'object' ? '' : writeValue(input, delimiters),
      );
    });
  });
}

/** The text with part `number` (from 1) of what `separator` divides replaced. */
function within(text: string, separator: string, number: number, replace: (part: string) => string): string {
  const parts = text.split(separator);
  while (parts.length < number) parts.push('');
  parts[number - 1] = replace(parts[number - 1]!);
  return parts.join(separator);
}
