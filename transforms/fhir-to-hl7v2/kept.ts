import { V2 } from '../hl7v2-to-fhir/urls.ts';
import type { Context } from './context.ts';
import { type Element, isElement, MOST_DEPTH } from './element.ts';
import { placeOf } from './hints.ts';
import { merge, put, type Repetition, type SegmentDraft } from './repetition.ts';
import { fieldOf } from './types/back.ts';
import { codedOf } from './types/coded.ts';
import { xadOf, xtnOf } from './types/contact.ts';
import { cxOf, eiOf } from './types/identifier.ts';
import { xpnOf } from './types/name.ts';
import { plOf, xcnOf, xonOf } from './types/party.ts';
import { cqOf } from './types/quantity.ts';
import { timeIn } from './types/time.ts';

const PATH = /^([A-Z][A-Z0-9]{2})-(\d{1,3})(?:\.(\d{1,2})(?:\.(\d{1,2}))?)?$/;

const DELETE = `${V2}delete`;

interface Kept {
  readonly extension: Element;
  /** Which segment of its name it stood in, from 1. */
  readonly which: number;
  /** Which repetition, from 1, where that is noted. */
  readonly repetition: number | undefined;
  readonly field: number;
  readonly component: number | undefined;
  readonly subcomponent: number;
  /** It is no value: what the sender asks to delete. */
  readonly deletes: boolean;
}

/** What an element’s own extensions keep of a segment. */
function* keptIn(element: Element, segment: string, context: Context): Generator<Kept> {
  const { reading } = context;
  for (const extension of reading.objects(element, 'extension')) {
    const { url } = extension;
    if (typeof url !== 'string' || !url.startsWith(V2) || reading.has(extension, 'url')) continue;
    const deletes = url === DELETE;
    const path = deletes ? (reading.peek(extension, 'valueString') ?? '') : url.slice(V2.length);
    const [, name, field, component, subcomponent] = PATH.exec(path) ?? [];
    if (name !== segment || field === undefined) continue;
    yield {
      extension,
      ...placeOf(extension, reading),
      field: Number(field),
      component: component === undefined ? undefined : Number(component),
      subcomponent: Number(subcomponent ?? '1'),
      deletes,
    };
  }
}

/** Puts back into a repetition what was kept beside the element that the rest of it became. */
export function keptBeside(element: Element, segment: string, field: number, into: Repetition, context: Context): void {
  for (const { extension, field: own, component, subcomponent, deletes } of keptIn(element, segment, context)) {
    if (own !== field || component === undefined || deletes) continue;
    context.reading.take(extension, 'url');
    put(into, component, subcomponent, context.reading.text(extension, 'valueString'));
  }
}

/** The numbers of the segments of a name that a resource keeps values of, in their order. */
export function keptNumbers(element: Element, segment: string, context: Context): number[] {
  return [...new Set([...keptIn(element, segment, context)].map(({ which }) => which))].sort((a, b) => a - b);
}

/**
 * Puts back into a segment what is kept of it anywhere in an element.
 * @param which the number of the segment among those of its name that the element itself keeps values of
 */
export function keptWithin(element: Element, draft: SegmentDraft, context: Context, which = 1, depth = 0): void {
  if (depth > MOST_DEPTH) return;
  keptOn(element, draft, context, which);
  for (const key in element) {
    const value = element[key];
    for (const each of Array.isArray(value) ? value : [value])
      if (isElement(each)) keptWithin(each, draft, context, 1, depth + 1);
  }
}

/**
 * Puts back into a segment what the extensions of an element itself keep of it: where a place is noted there; else components
 * into the first repetition that they do not stand in yet, and whole repetitions from the first on, over what a rule has read
 * of less than all of one.
 */
export function keptOn(element: Element, draft: SegmentDraft, context: Context, which: number): void {
  const parts = new Map<string, number>();
  /** The next repetition for what is noted nowhere. */
  const nextAt = (place: string) => {
    const at = parts.get(place) ?? 0;
    parts.set(place, at + 1);
    return at;
  };
  for (const kept of keptIn(element, draft.name, context)) {
    if (kept.which !== which) continue;
    const { extension, field, component, subcomponent, repetition, deletes } = kept;
    context.reading.take(extension, 'url');
    if (component === undefined && !deletes) {
      const whole = wholeOf(kept, draft.name, context);
      if (whole) joinAt(draft, field, whole, repetition === undefined ? nextAt(`${field}`) : repetition - 1);
      continue;
    }
    if (deletes) context.reading.takeAll(extension);
    const text = deletes ? '""' : context.reading.text(extension, 'valueString');
    const made: Repetition = [];
    put(made, component ?? 1, subcomponent, text);
    const at = repetition === undefined ? nextAt(`${field}.${component}.${subcomponent}`) : repetition - 1;
    joinAt(draft, field, made, at);
  }
}

/** Puts a kept value into a repetition, from 0, over what is there. */
function joinAt(draft: SegmentDraft, field: number, value: Repetition, at: number): void {
  const there = draft.fields.get(field)?.[at];
  if (there) merge(there, value, true);
  else draft.add(field, value, at);
}

function wholeOf({ extension, field }: Kept, segment: string, context: Context): Repetition | undefined {
  const { reading } = context;
  const place = fieldOf(segment, field, context);
  const text = reading.text(extension, 'valueString');
  if (text !== undefined) return [[text]];
  const time = timeIn(extension, 'valueDateTime', context);
  if (time !== undefined) return [[time]];
  const key = Object.keys(extension).find((each) => each.startsWith('value'));
  const value = key === undefined ? undefined : extension[key];
  if (!isElement(value)) return undefined;
  const made = typedOf(key!, value, place?.type, place?.table, context);
  if (made) keptBeside(value, segment, field, made, context);
  return made;
}

function typedOf(
  key: string,
  value: Element,
  type: string | undefined,
  table: string | undefined,
  context: Context,
): Repetition | undefined {
  switch (key) {
    case 'valueCodeableConcept':
      return codedOf(value, context, { table, type });
    case 'valueIdentifier':
      return type === 'EI' ? eiOf(value, context) : cxOf(value, context);
    case 'valueHumanName':
      return xpnOf(value, context);
    case 'valueAddress':
      return xadOf(value, context);
    case 'valueContactPoint':
      return xtnOf(value, context);
    case 'valueQuantity':
      return cqOf(value, context);
    case 'valueReference':
      return type === 'XON' ? xonOf(value, context) : type === 'PL' ? plOf(value, context) : xcnOf(value, context);
    default:
      return undefined;
  }
}
