import { ProtocolFault } from '../fault.ts';
import {
  type FieldInput,
  isList,
  isRepeated,
  type RepetitionInput,
  type ValueInput,
  writeComponent,
  writeField,
  writeRepetition,
  writeValue,
} from './input.ts';
import { declaresDelimiters, type Layout } from './layout.ts';
import type { Path } from './path.ts';
import { newSegmentUpTo, type Place, placeIn } from './place.ts';
import { appended } from './segment-edit.ts';
import { isEvery, Matches, narrow } from './select.ts';
import { type Edit, splice } from './splice.ts';

/** The message's bytes with the first match of `path` set, made where it was missing; see `Hl7Message.set`. */
export function setFirst(layout: Layout, path: Path, input: FieldInput, substitute: string | undefined): Buffer {
  const text = writtenAt(layout, path, input);
  const matches = new Matches(layout, path);
  if (matches.next()) {
    const edit = edited(layout, matches.segment, path, isRepeated(input) ? 0 : matches.repetition, text, substitute);
    return splice(layout.bytes, edit);
  }
  if (path.repetitions.where.length > 0) throw noTarget('no repetition matches');
  const repetition = path.repetitions.index;
  const segments = new Matches(layout, { ...path, field: 0 });
  if (segments.next())
    return splice(layout.bytes, edited(layout, segments.segment, path, repetition, text, substitute));
  if (!isEvery(path.segments)) throw noTarget('no segment matches');
  if (text === '') return layout.bytes;
  return appended(layout, newSegmentUpTo(layout, path, repetition) + text, substitute);
}

/** The message's bytes with every match of `path` set; see `Hl7Message.setAll`. */
export function setEvery(layout: Layout, path: Path, input: FieldInput, substitute: string | undefined): Buffer {
  const text = writtenAt(layout, path, input);
  const matches = new Matches(layout, path);
  const edits: Edit[] = [];
  for (let last = -1; matches.next(); last = matches.segment) {
    if (isRepeated(input) && matches.segment === last) continue;
    const repetition = isRepeated(input) ? 0 : matches.repetition;
    edits.push(...edited(layout, matches.segment, path, repetition, text, substitute));
  }
  return splice(layout.bytes, edits);
}

/** The message's bytes with one more repetition at the end of a field, in the first segment that matches. */
export function appendRepetition(
  layout: Layout,
  path: Path,
  input: RepetitionInput,
  substitute: string | undefined,
): Buffer {
  if (path.component > 0 || !isEvery(path.repetitions)) throw noTarget('a repetition is added to a whole field');
  const segments = new Matches(layout, { ...path, field: 0 });
  if (!segments.next()) return setFirst(layout, path, input, substitute);
  const text = writtenAt(layout, path, input);
  const field = placeIn(layout, segments.segment, path, 0);
  if (field.start === field.end) return splice(layout.bytes, [insertion(layout, field, text, substitute)]);
  return splice(layout.bytes, [insertion(layout, nextRepetition(layout, field), text, substitute)]);
}

/** The message's bytes with a repetition put before or after the first that matches. */
export function insertRepetition(
  layout: Layout,
  path: Path,
  input: RepetitionInput,
  after: boolean,
  substitute: string | undefined,
): Buffer {
  if (path.component > 0) throw noTarget('a repetition is put beside a repetition');
  const text = writtenAt(layout, path, input);
  const matches = new Matches(layout, path);
  if (!matches.next()) throw noTarget('no repetition matches');
  const place = placeIn(layout, matches.segment, path, matches.repetition);
  if (place.start === place.end) return splice(layout.bytes, [insertion(layout, place, text, substitute)]);
  const { end, missing } = nextRepetition(layout, place);
  return splice(layout.bytes, [
    after
      ? insertion(layout, { start: end, end, missing }, text, substitute)
      : insertion(layout, { start: place.start, end: place.start, missing: '' }, text + missing, substitute),
  ]);
}

/** The message's bytes without what `path` matches below the segment; see `Hl7Message.remove`. */
export function removeValues(layout: Layout, path: Path): Buffer {
  refuseDelimiters(path);
  const matches = new Matches(layout, path);
  const edits: Edit[] = [];
  const gone = new Map<number, Set<number>>();
  while (matches.next()) {
    if (path.component === 0) {
      const repetitions = gone.get(matches.segment) ?? new Set();
      gone.set(matches.segment, repetitions.add(matches.repetition));
    } else if (narrow(layout, path, matches.span)) {
      edits.push({ start: matches.span.start, end: matches.span.end, bytes: NOTHING });
    }
  }
  for (const [segment, repetitions] of gone) edits.push(withoutRepetitions(layout, segment, path, repetitions));
  return splice(layout.bytes, edits);
}

const NOTHING = Buffer.alloc(0);

function withoutRepetitions(layout: Layout, segment: number, path: Path, gone: ReadonlySet<number>): Edit {
  const field = placeIn(layout, segment, path, 0);
  const every = new Matches(layout, { ...path, repetitions: EVERY }, segment);
  const left: Buffer[] = [];
  while (every.next()) {
    if (gone.has(every.repetition)) continue;
    if (left.length > 0) left.push(Buffer.from([layout.delimiters.repetition]));
    left.push(layout.bytes.subarray(every.span.start, every.span.end));
  }
  return { start: field.start, end: field.end, bytes: Buffer.concat(left) };
}

const EVERY = { where: [], index: 0 };

function edited(
  layout: Layout,
  segment: number,
  path: Path,
  repetition: number,
  text: string,
  substitute: string | undefined,
): Edit[] {
  const place = placeIn(layout, segment, path, repetition);
  return text === '' && place.missing !== '' ? [] : [insertion(layout, place, text, substitute)];
}

function insertion(layout: Layout, place: Place, text: string, substitute: string | undefined): Edit {
  const bytes = layout.charset.encode(place.missing + text, substitute);
  return { start: place.start, end: place.end, bytes };
}

function nextRepetition(layout: Layout, { end }: Place): Place {
  const { repetition } = layout.delimiters;
  if (repetition < 0)
    throw new ProtocolFault('hl7v2.bad-value', 'adding a repetition: the message declares no delimiter');
  return { start: end, end, missing: String.fromCharCode(repetition) };
}

/** The input as it stands at the path's level. */
function writtenAt(layout: Layout, path: Path, input: FieldInput): string {
  const { delimiters } = layout;
  refuseDelimiters(path);
  if (path.component === 0) {
    if (!isRepeated(input)) return writeRepetition(input, delimiters);
    if (isEvery(path.repetitions)) return writeField(input, delimiters);
  } else if (!isRepeated(input)) {
    if (!isList(input)) return writeValue(input, delimiters);
    const flat = input.filter((part): part is ValueInput => !isList(part));
    if (path.subcomponent === 0 && flat.length === input.length) return writeComponent(flat, delimiters);
  }
  throw new ProtocolFault('hl7v2.bad-value', 'setting a value: it has more levels than its place');
}

function refuseDelimiters(path: Path): void {
  if (path.field === 0) throw noTarget('the path names no field');
  if (path.field < 3 && declaresDelimiters(path.name)) throw noTarget('the delimiters of a message are fixed');
}

function noTarget(what: string): ProtocolFault {
  return new ProtocolFault('hl7v2.no-target', `editing a message: ${what}`);
}
