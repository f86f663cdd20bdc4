import { V2 } from '../../hl7v2-to-fhir/urls.ts';
import type { Context } from '../context.ts';
import { type Element, isElement } from '../element.ts';
import { asSent } from '../hints.ts';
import { keptBeside, keptWithin } from '../kept.ts';
import { mapBack } from '../map-back.ts';
import { divided, put, type Repetition, SegmentDraft } from '../repetition.ts';
import { edOf, encodedAs, rpOf } from '../types/attachment.ts';
import { codedOf } from '../types/coded.ts';
import { xtnOf } from '../types/contact.ts';
import { cxOf, eiOf } from '../types/identifier.ts';
import { cqOf, numberIn, unitOf } from '../types/quantity.ts';
import { textInto } from '../types/text.ts';
import { timeIn, timeOfDay } from '../types/time.ts';
import { notesAfter } from './notes.ts';
import { participationsIn } from './participation.ts';

const TYPE = `${V2}OBX-2`;
const GROUP = `${V2}OBX-4`;
const VALUE = `${V2}OBX-5`;

/** OBX and the notes on it; each component of an observation that is one of several is an OBX of its own. */
export function observationSegments(observation: Element, context: Context): SegmentDraft[] {
  const { reading } = context;
  context.written.add(observation);
  const components = reading.objects(observation, 'component');
  const draft = new SegmentDraft('OBX');
  mapBack(components.length > 0 ? 'OBX[Observation-Component]' : 'OBX[Observation]').read(observation, draft, context);
  subIdentifier(observation, draft, context);
  const type = typeOf(observation, context);
  const own = components.length > 0 && context.own;
  if (own) for (const component of components) valueInto(draft, component, type, context, observation);
  else valueInto(draft, observation, type, context, observation);
  keptWithin(observation, draft, context);
  rangeInto(draft, observation, context);
  const company = participationsIn(observation, context);
  const notes = [...company, ...notesAfter(observation, context)];
  if (own || components.length === 0) return [draft, ...notes];
  const parts = components.map((component, at) => componentSegment(component, draft, at + 1, context));
  // An observation of nothing but components has no value of its own to tell.
  const head = draft.has(5) ? [draft] : [];
  return [...head, ...parts, ...notes];
}

function componentSegment(component: Element, around: SegmentDraft, at: number, context: Context): SegmentDraft {
  const draft = new SegmentDraft('OBX');
  mapBack('OBX[Observation]').read(component, draft, context);
  valueInto(draft, component, undefined, context, component);
  rangeInto(draft, component, context);
  draft.need(4, String(at));
  for (const field of [11, 14, 16, 23]) {
    const [value] = around.fields.get(field) ?? [];
    if (value && !draft.has(field)) draft.add(field, value);
  }
  return draft;
}

/** OBX-2 as it was sent. */
function typeOf(observation: Element, context: Context): string | undefined {
  const kept = context.reading.objects(observation, 'extension').find(({ url }) => url === TYPE);
  if (!kept) return undefined;
  const [coding] = context.reading.objects(context.reading.object(kept, 'valueCodeableConcept'), 'coding');
  return context.reading.peek(coding, 'code') ?? context.reading.peek(kept, 'valueString');
}

/** OBX-4 is kept as it is written, parts and all. */
function subIdentifier(observation: Element, draft: SegmentDraft, { reading }: Context): void {
  const kept = reading.objects(observation, 'extension').find(({ url }) => url === GROUP);
  const text = kept && reading.text(kept, 'valueString');
  if (!kept || text === undefined) return;
  reading.take(kept, 'url');
  draft.add(4, divided(text));
}

/** OBX-2, OBX-5 and OBX-6: the value by the element that holds it, in the type that it came in where that is known. */
function valueInto(
  draft: SegmentDraft,
  holder: Element,
  said: string | undefined,
  context: Context,
  observation: Element,
): void {
  const { reading } = context;
  const quantity = reading.object(holder, 'valueQuantity');
  if (quantity) {
    quantityInto(draft, quantity, said, context);
    return;
  }
  const concept = reading.object(holder, 'valueCodeableConcept');
  if (concept) {
    const value = codedOf(concept, context, { type: said === 'IS' || said === 'ID' ? said : undefined });
    if (value) keptBeside(concept, 'OBX', 5, value, context);
    typed(draft, said ?? (context.version < '2.5' ? 'CE' : 'CWE'), value);
    return;
  }
  if (reading.peek(holder, 'valueString') !== undefined) {
    textValue(draft, holder, said, context);
    return;
  }
  const time = timeIn(holder, 'valueDateTime', context);
  if (time !== undefined) {
    typed(draft, said ?? (time.length === 8 ? 'DT' : context.version < '2.6' ? 'TS' : 'DTM'), [[time]]);
    return;
  }
  const clock = reading.text(holder, 'valueTime');
  const period = reading.object(holder, 'valuePeriod');
  const range = reading.object(holder, 'valueRange');
  const ratio = reading.object(holder, 'valueRatio');
  const sampled = reading.object(holder, 'valueSampledData');
  const truth = reading.text(holder, 'valueBoolean');
  const whole = numberIn(holder, 'valueInteger', context);
  if (clock !== undefined)
    typed(draft, said ?? 'TM', [[asSent(holder, 'valueTime', reading) ?? timeOfDay(clock) ?? clock]]);
  else if (period) {
    const value: Repetition = [];
    put(value, 1, 1, timeIn(period, 'start', context));
    put(value, 2, 1, timeIn(period, 'end', context));
    typed(draft, said ?? 'DR', value);
  } else if (range) rangeValue(draft, range, said, context);
  else if (ratio) ratioValue(draft, ratio, context);
  else if (truth !== undefined) typed(draft, said ?? 'ID', [[truth === 'true' ? 'Y' : 'N']]);
  else if (whole !== undefined) typed(draft, said ?? 'NM', [[whole]]);
  else if (sampled) {
    const values = (reading.text(sampled, 'data') ?? '').split(' ').filter((each) => /^-?[\d.]+$/.test(each));
    typed(
      draft,
      'NA',
      values.map((each) => [each]),
    );
  } else elsewhere(draft, observation, said, context);
}

function typed(draft: SegmentDraft, type: string, value: Repetition | undefined): void {
  if (!value || value.length === 0) return;
  draft.add(5, value);
  draft.need(2, type);
}

function unitsInto(draft: SegmentDraft, quantity: Element | undefined, context: Context): void {
  const unit = unitOf(quantity, context);
  if (unit && !draft.has(6)) draft.add(6, unit);
}

function quantityInto(draft: SegmentDraft, quantity: Element, said: string | undefined, context: Context): void {
  const comparator = context.reading.text(quantity, 'comparator');
  if (said === 'CQ') {
    typed(draft, 'CQ', cqOf(quantity, context));
    return;
  }
  const number = numberIn(quantity, 'value', context);
  unitsInto(draft, quantity, context);
  if (number === undefined) return;
  if (comparator === undefined && said !== 'SN') typed(draft, said ?? 'NM', [[number]]);
  else typed(draft, said ?? 'SN', [[comparator ?? '='], [number]]);
}

function rangeValue(draft: SegmentDraft, range: Element, said: string | undefined, context: Context): void {
  const { reading } = context;
  const low = reading.object(range, 'low');
  const high = reading.object(range, 'high') ?? beyond(range, context);
  const [from, to] = [numberIn(low, 'value', context), numberIn(high, 'value', context)];
  unitsInto(draft, low, context);
  unitsInto(draft, high, context);
  const value: Repetition = [];
  if (said === 'NR') {
    put(value, 1, 1, from);
    put(value, 2, 1, to);
  } else {
    if (from === undefined || to === undefined) put(value, 1, 1, from === undefined ? '<=' : '>=');
    put(value, 2, 1, from ?? to);
    if (from !== undefined && to !== undefined) {
      put(value, 3, 1, '-');
      put(value, 4, 1, to);
    }
  }
  typed(draft, said ?? 'SN', value);
}

/** A high end below the low one is no end of a range: it stands beside it. */
function beyond(range: Element, { reading }: Context): Element | undefined {
  const kept = reading.objects(range, 'extension').find(({ url }) => url === `${V2}high`);
  if (kept) reading.take(kept, 'url');
  return kept && reading.object(kept, 'valueQuantity');
}

function ratioValue(draft: SegmentDraft, ratio: Element, context: Context): void {
  const { reading } = context;
  const [one, other] = [reading.object(ratio, 'numerator'), reading.object(ratio, 'denominator')];
  const value: Repetition = [];
  put(value, 1, 1, reading.text(one, 'comparator'));
  put(value, 2, 1, numberIn(one, 'value', context));
  put(value, 3, 1, ':');
  put(value, 4, 1, numberIn(other, 'value', context));
  unitsInto(draft, one, context);
  unitsInto(draft, other, context);
  typed(draft, 'SN', value);
}

const TEXTS = new Set(['TX', 'FT', 'ST']);

function textValue(draft: SegmentDraft, holder: Element, said: string | undefined, context: Context): void {
  const text = context.reading.peek(holder, 'valueString') ?? '';
  if (said === undefined && !context.own) {
    textInto(draft, 5, holder, 'valueString', context);
    draft.need(2, text.includes('\n') ? 'FT' : text.length > 199 ? 'TX' : 'ST');
  } else if (said === undefined || TEXTS.has(said)) textInto(draft, 5, holder, 'valueString', context);
  else if (said === 'NA' || said === 'MA')
    for (const line of (context.reading.text(holder, 'valueString') ?? '').split('\n')) draft.add(5, divided(line));
  // Of a structured number told in words the parts are kept.
  else if (said === 'SN') context.reading.take(holder, 'valueString');
  else draft.add(5, divided(context.reading.text(holder, 'valueString') ?? ''));
}

/** A value that R4 has no element for: a document, an identifier, a number to call. */
function elsewhere(draft: SegmentDraft, observation: Element, said: string | undefined, context: Context): void {
  const { reading } = context;
  for (const kept of reading.objects(observation, 'extension')) {
    if (kept.url !== VALUE) continue;
    const identifier = reading.object(kept, 'valueIdentifier');
    const contact = reading.object(kept, 'valueContactPoint');
    const value = identifier ? (said === 'EI' ? eiOf : cxOf)(identifier, context) : contact && xtnOf(contact, context);
    if (!value) continue;
    reading.take(kept, 'url');
    if (identifier) keptBeside(identifier, 'OBX', 5, value, context);
    typed(draft, said ?? (identifier ? 'CX' : 'XTN'), value);
  }
  for (const document of context.resources.targets(observation, 'derivedFrom')) {
    if (document.resourceType !== 'DocumentReference') continue;
    for (const content of reading.objects(document, 'content')) {
      const attachment = reading.object(content, 'attachment');
      if (!attachment) continue;
      const link = attachment.data === undefined;
      const value = link ? rpOf(attachment, context) : edOf(attachment, context);
      if (value) {
        keptBeside(attachment, 'OBX', 5, value, context);
        encodedAs(value);
      }
      typed(draft, said ?? (link ? 'RP' : 'ED'), value);
    }
    for (const key of ['status', 'type', 'subject']) if (isElement(document[key])) reading.takeAll(document[key]);
  }
}

/** A reference range that is said in numbers, as OBX-7 writes them. */
function rangeInto(draft: SegmentDraft, holder: Element, context: Context): void {
  const { reading } = context;
  const [range] = reading.objects(holder, 'referenceRange');
  if (!range || draft.has(7)) return;
  const low = numberIn(reading.object(range, 'low'), 'value', context);
  const high = numberIn(reading.object(range, 'high'), 'value', context);
  if (low === undefined && high === undefined) return;
  for (const each of [range.low, range.high]) reading.takeAll(each);
  draft.add(7, [[low === undefined ? `<${high}` : high === undefined ? `>${low}` : `${low}-${high}`]]);
}
