import type { Extension } from '@medplum/fhirtypes';
import { schemaOf } from '../../protocols/hl7v2/schema/schema.ts';
import type { Conversion } from './conversion.ts';
import type { View } from './leaves.ts';
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
    const views = fields[field];
    if (!views) continue;
    // Repetitions that are all kept whole are in their order.
    let whole = 0;
    for (let at = 0; at < views.length; at++) {
      const view = views[at]!;
      if (view.isTaken()) continue;
      conversion.field = field;
      conversion.repetition = at;
      if (ignored?.includes(field) || conversion.rules.dropped(name, field)?.ignored === true) {
        for (const [, , leaf] of view.leaves()) leaf.mark ??= IGNORED;
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
  const path = `${segment.name || 'line'}-${field}`;
  const leaves = view.leaves();
  let fresh = true;
  for (const [component, subcomponent, leaf] of leaves) {
    if (leaf.mark !== undefined) fresh = false;
    else if (leaf.deletes) {
      leaf.mark = KEPT;
      fresh = false;
      const name = partName(path, view, component, subcomponent);
      extend(home, placedAt({ url: `${V2}delete`, valueString: name }, kept, false));
      conversion.issue('delete', 'the value is to be deleted; the resource says nothing of it');
    }
  }
  if (fresh) {
    const typed = typedExtension(segment, field, view, path, leaves.length, conversion);
    if (typed) {
      extend(home, placedAt(typed, kept, kept.inOrder));
      view.markTaken(KEPT);
    }
    if (typed && view.isTaken()) return true;
  }
  const place = (view.element as Elements | undefined) ?? home;
  const single = isSingle(view);
  for (const [component, subcomponent, leaf] of leaves) {
    if (leaf.mark !== undefined) continue;
    leaf.mark = KEPT;
    const name = partName(path, view, component, subcomponent);
    const extension: Extension = { url: v2Extension(name), valueString: leaf.text };
    extend(place, place === home ? placedAt(extension, kept, single && kept.inOrder) : extension);
  }
  return single && fresh && place === home;
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

/** A whole repetition as the element that its data type makes. */
function typedExtension(
  segment: SegmentView,
  field: number,
  view: View,
  path: string,
  leaves: number,
  conversion: Conversion,
): Extension | undefined {
  const schema = schemaOf(conversion.version);
  const definition = schema.segment(segment.name)?.fields[field - 1] ?? newest.segment(segment.name)?.fields[field - 1];
  const url = v2Extension(path);
  const { resources } = conversion;
  const made = (value: object | undefined, name: string): Extension | undefined => {
    if (value === undefined) return undefined;
    view.element = value;
    return { url, [name]: value } as Extension;
  };
  switch (definition?.type) {
    case 'CE':
    case 'CWE':
    case 'CNE':
      return made(codeableConceptOf(view, { table: tableOf(segment.name, field) }), 'valueCodeableConcept');
    case 'IS':
    case 'ID':
      return leaves === 1 && tableOf(segment.name, field) !== undefined
        ? made(codeableConceptOf(view, { table: tableOf(segment.name, field) }), 'valueCodeableConcept')
        : undefined;
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
