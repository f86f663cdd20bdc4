import { V2 } from '../hl7v2-to-fhir/urls.ts';
import type { Context } from './context.ts';
import { type Element, isElement, MOST_DEPTH } from './element.ts';
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

interface Kept {
  readonly extension: Element;
  readonly field: number;
  readonly component: number | undefined;
  readonly subcomponent: number;
}

/** What an element’s own extensions keep of a segment. */
function* keptIn(element: Element, segment: string, context: Context): Generator<Kept> {
  for (const extension of context.reading.objects(element, 'extension')) {
    const { url } = extension;
    if (typeof url !== 'string' || !url.startsWith(V2) || context.reading.has(extension, 'url')) continue;
    const [, name, field, component, subcomponent] = PATH.exec(url.slice(V2.length)) ?? [];
    if (name !== segment || field === undefined) continue;
    yield {
      extension,
      field: Number(field),
      component: component === undefined ? undefined : Number(component),
      subcomponent: Number(subcomponent ?? '1'),
    };
  }
}

/** Puts back into a repetition what was kept beside the element that the rest of it became. */
export function keptBeside(element: Element, segment: string, field: number, into: Repetition, context: Context): void {
  for (const { extension, field: own, component, subcomponent } of keptIn(element, segment, context)) {
    if (own !== field || component === undefined) continue;
    context.reading.take(extension, 'url');
    put(into, component, subcomponent, context.reading.text(extension, 'valueString'));
  }
}

/**
 * Puts back into a segment what is kept of it anywhere in an element: components into the first repetition that they do not
 * stand in yet, whole repetitions behind the others.
 */
export function keptWithin(element: Element, draft: SegmentDraft, context: Context, depth = 0): void {
  if (depth > MOST_DEPTH) return;
  const parts = new Map<string, number>();
  for (const kept of keptIn(element, draft.name, context)) {
    context.reading.take(kept.extension, 'url');
    if (kept.component === undefined) {
      const whole = wholeOf(kept, draft.name, context);
      if (whole) addWhole(draft, kept.field, whole);
      continue;
    }
    const place = `${kept.field}.${kept.component}.${kept.subcomponent}`;
    const at = parts.get(place) ?? 0;
    parts.set(place, at + 1);
    const made: Repetition = [];
    put(made, kept.component, kept.subcomponent, context.reading.text(kept.extension, 'valueString'));
    const there = draft.fields.get(kept.field)?.[at];
    if (there) merge(there, made, true);
    else draft.add(kept.field, made, at);
  }
  for (const key in element) {
    const value = element[key];
    for (const each of Array.isArray(value) ? value : [value])
      if (isElement(each)) keptWithin(each, draft, context, depth + 1);
  }
}

/** A kept value of one component is the first of what a rule read less of. */
function addWhole(draft: SegmentDraft, field: number, whole: Repetition): void {
  const there = draft.fields.get(field);
  const [first] = there ?? [];
  if (there?.length === 1 && first && first.length === 1 && whole.length === 1) merge(first, whole, true);
  else draft.add(field, whole);
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
