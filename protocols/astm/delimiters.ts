import { ProtocolFault } from '../fault.ts';

/**
 * The delimiters of one message, each a character; escape is empty where the header declares none. The header decides:
 * `H|\^&` is usual, `H|@^\` exists (LIS02-A2 §5.4).
 */
export interface Delimiters {
  readonly field: string;
  readonly repeat: string;
  readonly component: string;
  readonly escape: string;
}

export const DEFAULT_DELIMITERS: Delimiters = { field: '|', repeat: '\\', component: '^', escape: '&' };

/**
 * Reads what a header record declares.
 * @param header the record's characters, from its H on
 * @throws ProtocolFault astm.no-header, astm.bad-delimiters
 */
export function readDelimiters(header: string): Delimiters {
  if (header[0] !== 'H') throw new ProtocolFault('astm.no-header', 'reading a message: it does not begin with H', 0);
  const field = header[1] ?? '';
  const end = field === '' ? -1 : header.indexOf(field, 2);
  const declared = end < 0 ? header.slice(2) : header.slice(2, end);
  const [repeat = '', component = '', mark = ''] = declared;
  const used = [field, repeat, component, mark].filter((character) => character !== '');
  if (used.length < 3) throw badDelimiters('there are fewer than three');
  if (declared.length > 3) throw badDelimiters('there are more than four');
  if (!used.every((character) => DELIMITER.test(character))) throw badDelimiters('not all are punctuation');
  if (new Set(used).size < used.length) throw badDelimiters('one is declared twice');
  return { field, repeat, component, escape: mark };
}

/** Field 2 of a header that declares them. */
export function declaration({ repeat, component, escape: mark }: Delimiters): string {
  return repeat + component + mark;
}

/** Printable ASCII other than letters, digits and blank. */
const DELIMITER = /^[!-/:-@[-`{-~]$/;

function badDelimiters(what: string): ProtocolFault {
  return new ProtocolFault('astm.bad-delimiters', `reading the delimiters of H: ${what}`, 1);
}
