import { ProtocolFault } from '../fault.ts';

/** A place in a record; 0 where none is named: the first repetition, the whole repetition. */
export interface Place {
  readonly field: number;
  readonly repeat: number;
  readonly component: number;
}

/** A place in a message: `record` is the number of the record among those of its type, from 1; 0 where none is named. */
export interface Path extends Place {
  readonly type: string;
  readonly record: number;
}

/** Beyond it a number is taken for a mistake: each empty field before it costs a byte. */
const MOST = 999;
const PLACE = /^([1-9]\d{0,2})(?:\[([1-9]\d{0,2})\])?(?:\.([1-9]\d{0,2}))?$/;
const PATH = /^([A-Z])(?:\[([1-9]\d{0,4})\])?-(.*)$/;
const places = new Map<string, Place>();

/**
 * Reads a place in a record: `4`, `3.4` (field 3, component 4), `5[2].4` (its second repetition).
 * @throws ProtocolFault astm.bad-path
 */
export function readPlace(text: string): Place {
  const known = places.get(text);
  if (known) return known;
  const [, field, repeat, component] = PLACE.exec(text) ?? [];
  if (field === undefined) throw badPath('a place such as 3, 3.4 or 5[2].4', 0);
  const place = { field: Number(field), repeat: Number(repeat ?? 0), component: Number(component ?? 0) };
  if (places.size >= MOST) places.delete(places.keys().next().value!);
  places.set(text, place);
  return place;
}

/**
 * Reads a place in a message: `H-5.1`, `O-3`, `R[2]-4`.
 * @throws ProtocolFault astm.bad-path
 */
export function readPath(text: string): Path {
  const [, type, record, place] = PATH.exec(text) ?? [];
  if (type === undefined) throw badPath('a record type, such as R or R[2], and "-"', 0);
  return { type, record: Number(record ?? 0), ...readPlace(place!) };
}

function badPath(what: string, at: number): ProtocolFault {
  return new ProtocolFault('astm.bad-path', `reading a path: expected ${what}`, at);
}
