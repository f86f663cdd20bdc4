import { charsetOf, encode } from './charset.ts';
import { DEFAULT_DELIMITERS, type Delimiters } from './delimiters.ts';
import type { TerminationCode } from './fields.ts';
import { type RecordInput, type RecordInputOf, writeRecord } from './input.ts';
import { type AstmMessage, type ParseOptions, parse } from './message.ts';
import { sequences } from './sequence.ts';

export interface MessageInput extends ParseOptions {
  /** Fields of H; the delimiters come from `delimiters`. */
  readonly header: Omit<RecordInputOf<'H'>, 'type' | 'sequence'>;
  /** What stands between H and L, in order; the sequence numbers are counted. */
  readonly records: readonly RecordInput[];
  /** Default N. */
  readonly termination?: TerminationCode;
  readonly delimiters?: Delimiters;
}

/**
 * Builds a message, its records ended by CR.
 * @throws ProtocolFault astm.bad-value, astm.unencodable, astm.unknown-charset
 */
export function build(input: MessageInput): AstmMessage {
  const { header, records, termination, delimiters = DEFAULT_DELIMITERS, ...options } = input;
  const all: RecordInput[] = [{ ...header, type: 'H' }, ...records, { type: 'L', code: termination ?? 'N' }];
  const numbers = sequences(all);
  const text = all.map((record, at) => `${writeRecord(record, delimiters, numbers[at]!)}\r`).join('');
  return parse(encode(charsetOf(options.charset), text, options.substitute), options);
}
