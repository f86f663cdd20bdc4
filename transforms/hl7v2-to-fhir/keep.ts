import type { CodeableConcept, Extension } from '@medplum/fhirtypes';
import { schemaOf } from '../../protocols/hl7v2/schema/schema.ts';
import type { Conversion } from './conversion.ts';
import type { View } from './leaves.ts';
import { type Converter, remembered } from './remembered.ts';
import type { Draft, SegmentView } from './segment-view.ts';
import { addressOf } from './types/address.ts';
import { codeableConceptOf } from './types/coded.ts';
import { contactPointOf } from './types/contact-point.ts';
import { dateTimeOf } from './types/date-time.ts';
import { identifierOfCx, identifierOfEi } from './types/identifier.ts';
import { locationOf } from './types/location.ts';
import { nameOfXpn } from './types/name.ts';
import { organizationOfXon } from './types/organization.ts';
import { asSentBeside } from './types/period.ts';
import { practitionerOf } from './types/person.ts';
import { quantityOfCq } from './types/quantity.ts';
import { placed, V2, v2Extension } from './urls.ts';
import { tableOf } from './vocabulary.ts';

/** What became of a leaf that no rule took. */
export const KEPT = 'keep';
export const IGNORED = 'ignore';

/** Why a field is left out on purpose. */
export const ignoredFields: ReadonlyMap<string, string> = new Map([
  ...['MSH-1', 'MSH-2', 'MSH-18', 'MSH-20'].map((field) => [field, 'how the message is encoded'] as const),
  ...['MSH-13', 'MSH-14', 'MSH-15', 'MSH-16'].map((field) => [field, 'how the message is transported'] as const),
  ...'PID NK1 PV1 OBX OBR NTE DG1 AL1 IN1 PR1 GT1 FT1 SPM TXA IAM TQ1 RGS AIS AIG AIL AIP ARV IN3 UB1 UB2 DSP'
    .split(' ')
    .map((name) => [`${name}-1`, 'a sequence number within the message'] as const),
]);

type Elements = Record<string, unknown> & { extension?: Extension[] };

/**
 * Keeps what no rule has taken of a segment: beside the element that the rest of its value went into, else on the resource of
 * the segment, as an extension under its v2 path. What is left out on purpose is marked so.
 * @param segments those of the message, by their numbers
 */
export function keepRest(segment: SegmentView, segments: readonly SegmentView[], conversion: Conversion): void {
  conversion.segment = segment;
  const { home, name, fields } = segment;
  const ignored = ignoredIn.get(name);
  let which = 0;
  for (let field = 1; field < fields.length; field++) {
    // Repetitions that are all kept whole are in their order.
    let whole = 0;
    let at = -1;
    for (let view = fields[field]; view; view = view.next) {
      at++;
      if (view.isTaken()) continue;
      conversion.field = field;
      conversion.repetition = at;
      if (ignored?.includes(field) || conversion.rules.dropped(name, field)?.ignored === true) {
        view.markRest(IGNORED);
      } else if (home) {
        which ||= numberAt(home, segment, segments);
        const place = which === 1 && at === 0 ? FIRST : { which, repetition: at + 1, inOrder: whole === at };
        if (keepView(segment, field, view, home as Elements, place, conversion)) whole++;
      }
    }
  }
  conversion.field = 0;
}

/** The numbers of the fields left out on purpose, by segment. */
const ignoredIn = new Map<string, number[]>();
for (const field of ignoredFields.keys()) {
  const [name = '', n] = field.split('-');
  const known = ignoredIn.get(name);
  if (known) known.push(Number(n));
  else ignoredIn.set(name, [Number(n)]);
}

/** Which one of its name a segment is of those that one resource keeps the rest of, from 1. */
function numberAt(home: Draft, { name, occurrence, index }: SegmentView, segments: readonly SegmentView[]): number {
  let number = 1;
  if (occurrence === 1) return number;
  for (let at = index - 1; at >= 0; at--) {
    const before = segments[at];
    if (before?.name !== name) continue;
    if (before.home === home) number++;
    // Of a resource that was made after it no segment before it can be.
    else if (before.home && (before.home.id as number) < (home.id as number)) break;
  }
  return number;
}

/** Where a value stood that is kept. */
interface Place {
  /** Which one of its name the segment is of those that the resource keeps the rest of, from 1. */
  readonly which: number;
  /** From 1. */
  readonly repetition: number;
  /** The repetitions before are all kept whole: what is kept shows which one it is. */
  readonly inOrder: boolean;
}

const FIRST: Place = { which: 1, repetition: 1, inOrder: true };

/** Answers whether it is kept whole, as one extension. */
function keepView(
  segment: SegmentView,
  field: number,
  view: View,
  home: Elements,
  kept: Place,
  conversion: Conversion,
): boolean {
  const place = placeOf(segment.name, field, conversion.version);
  const { path } = place;
  let fresh = !view.isBegun();
  // What is plain has nothing to delete, and needs not be divided for that.
  if (!fresh || !view.isPlain) {
    for (const [component, subcomponent, leaf] of view.leaves()) {
      if (leaf.mark !== undefined || !leaf.deletes) continue;
      leaf.mark = KEPT;
      fresh = false;
      const name = partName(path, view, component, subcomponent);
      extend(home, placedAt({ url: `${V2}delete`, valueString: name }, kept, false));
      conversion.issue('delete', 'the value is to be deleted; the resource says nothing of it');
    }
  }
  if (fresh) {
    const typed = typedExtension(view, place, conversion);
    if (typed) {
      extend(home, placedAt(typed, kept, kept.inOrder));
      view.markTaken(KEPT);
    }
    if (typed && view.isTaken()) return true;
  }
  const element = (view.element as Elements | undefined) ?? home;
  const single = isSingle(view);
  for (const [component, subcomponent, leaf] of view.leaves()) {
    if (leaf.mark !== undefined) continue;
    leaf.mark = KEPT;
    const name = partName(path, view, component, subcomponent);
    const extension: Extension = { url: v2Extension(name), valueString: leaf.text };
    extend(element, element === home ? placedAt(extension, kept, single && kept.inOrder) : extension);
  }
  return single && fresh && element === home;
}

function isSingle(view: View): boolean {
  return view.parts.length === 1 && view.divided(1) === undefined;
}

/** `PID-5`, and of a value of several parts which: `PID-5.2`, `PID-5.1.3`. */
function partName(path: string, view: View, component: number, subcomponent: number): string {
  if (isSingle(view)) return path;
  return `${path}.${component}${view.divided(component) === undefined ? '' : `.${subcomponent}`}`;
}

/** Notes in a kept value which segment and which repetition it stood in, where its place among the others does not show that. */
function placedAt(extension: Extension, { which, repetition }: Place, inOrder: boolean): Extension {
  const shown = inOrder || repetition === 1;
  if (which === 1 && shown) return extension;
  const note = placed(which, shown ? undefined : repetition);
  const values = extension as unknown as Record<string, Elements | string>;
  for (const key in values) {
    if (!key.startsWith('value')) continue;
    const value = values[key]!;
    const beside = typeof value === 'object' ? value : { ...(values[`_${key}`] as Elements | undefined) };
    beside.extension = [...(beside.extension ?? []), note];
    if (beside !== value) values[`_${key}`] = beside;
    break;
  }
  return extension;
}

function extend(element: Elements, extension: Extension): void {
  if (element.extension) element.extension.push(extension);
  else element.extension = [extension];
}

const newest = schemaOf('2.8');

/** A field that values are kept of. */
interface FieldPlace {
  /** `PID-5` */
  readonly path: string;
  readonly url: string;
  readonly type: string | undefined;
  /** What makes concepts of its codes. */
  readonly concept: Converter | undefined;
  readonly hasTable: boolean;
}

/** By version and segment: of those that a version has. */
const places = new Map<string, Map<string, FieldPlace[]>>();

function placeOf(segment: string, field: number, version: string): FieldPlace {
  const schema = schemaOf(version);
  let named = places.get(schema.version);
  if (!named) places.set(schema.version, (named = new Map()));
  let list = named.get(segment);
  if (!list) {
    const own = schema.segment(segment)?.fields;
    const newer = newest.segment(segment)?.fields;
    const length = Math.max(own?.length ?? 0, newer?.length ?? 0);
    list = Array.from({ length }, (_, n) => fieldPlace(segment, n + 1, (own?.[n] ?? newer?.[n])?.type));
    // What senders make up is not kept.
    if (own ?? newer) named.set(segment, list);
  }
  return list[field - 1] ?? fieldPlace(segment, field, undefined);
}

function fieldPlace(segment: string, field: number, type: string | undefined): FieldPlace {
  const path = `${segment || 'line'}-${field}`;
  const table = tableOf(segment, field);
  const isCoded = type !== undefined && CODED.has(type);
  const concept = isCoded ? remembered((view) => codeableConceptOf(view, { table })) : undefined;
  return { path, url: v2Extension(path), type, concept, hasTable: table !== undefined };
}

const CODED = new Set(['CE', 'CWE', 'CNE', 'IS', 'ID']);

/** A whole repetition as the element that its data type makes. */
function typedExtension(
  view: View,
  { url, type, concept, hasTable }: FieldPlace,
  conversion: Conversion,
): Extension | undefined {
  if (concept) {
    const isOne = type === 'IS' || type === 'ID';
    if (isOne && !(hasTable && (view.isSingle || view.leaves().length === 1))) return undefined;
    const value = concept(view, conversion) as CodeableConcept | undefined;
    if (value === undefined) return undefined;
    view.element = value;
    return { url, valueCodeableConcept: value };
  }
  const { resources } = conversion;
  const made = (value: object | undefined, name: string): Extension | undefined => {
    if (value === undefined) return undefined;
    view.element = value;
    return { url, [name]: value } as Extension;
  };
  switch (type) {
    case 'CX':
      return made(identifierOfCx(view, conversion), 'valueIdentifier');
    case 'EI':
      return made(identifierOfEi(view, conversion), 'valueIdentifier');
    case 'XPN':
      return made(nameOfXpn(view, conversion), 'valueHumanName');
    case 'XAD':
      return made(addressOf(view, conversion), 'valueAddress');
    case 'XTN':
      return made(contactPointOf(view, conversion), 'valueContactPoint');
    case 'CQ':
      return made(quantityOfCq(view, conversion), 'valueQuantity');
    case 'XCN': {
      const draft = practitionerOf(view, conversion);
      return made(draft && resources.reference(draft), 'valueReference');
    }
    case 'XON': {
      const draft = organizationOfXon(view, conversion);
      return made(draft && resources.reference(draft), 'valueReference');
    }
    case 'PL': {
      const draft = locationOf(view, conversion);
      return made(draft && resources.reference(draft), 'valueReference');
    }
    case 'TS':
    case 'DTM':
    case 'DT': {
      const text = view.peek(1);
      const time = text === undefined ? undefined : dateTimeOf(text, conversion);
      if (time === undefined) return undefined;
      view.take(1, KEPT);
      return { url, valueDateTime: time, ...asSentBeside('valueDateTime', text) };
    }
    default:
      return undefined;
  }
}

/** The resource of a segment that no map is about: its values are all extensions. */
export function unmapped(segment: SegmentView, subject: Draft | undefined, conversion: Conversion): Draft {
  const basic = conversion.resources.make('Basic');
  basic.code = { coding: [{ system: `${V2}segment`, code: segment.name || 'line' }] };
  if (subject) basic.subject = conversion.resources.reference(subject);
  return basic;
}
