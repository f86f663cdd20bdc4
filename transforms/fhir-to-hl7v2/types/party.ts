import { nameOfSystem } from '../../hl7v2-to-fhir/vocabulary.ts';
import { backFrom } from '../codes.ts';
import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { cameAt } from '../hints.ts';
import { put, putAll, type Repetition } from '../repetition.ts';
import { codeIn } from './coded.ts';
import { authorityOf, eiOf, hdOf } from './identifier.ts';
import { nameInto, XCN } from './name.ts';
import { timeIn } from './time.ts';

/** A reference to what is not in the bundle, as far as it says who is meant: its identifier, and its words in a place. */
function loose(reference: Element, words: number, context: Context): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  const identifier = reading.object(reference, 'identifier');
  if (identifier) put(made, 1, 1, reading.text(identifier, 'value'));
  put(made, words, 1, reading.text(reference, 'display'));
  if (reference.reference !== undefined && made.length === 0)
    context.issue('dangling', '', 'a reference leads to nothing in the bundle, and says nothing of what is meant');
  return made.length > 0 ? made : undefined;
}

/** A Practitioner, or a PractitionerRole’s, as XCN (HL7 2.5.1 §2.A.86). */
export function xcnOf(reference: Element, context: Context): Repetition | undefined {
  const target = context.target(reference);
  if (!target) return loose(reference, 2, context);
  if (target.resourceType !== 'PractitionerRole') return xcnOfPerson(target, context, chosenBy(reference, context));
  const [person, chosen] = personIn(target, context);
  return person && xcnOfPerson(person, context, chosen);
}

/** Which of the names and numbers of a joined resource a reference means, where that is not the first. */
type Chosen = (key: string) => number;

function chosenBy(reference: Element, { reading }: Context): Chosen {
  const parts = cameAt(reference, reading) ?? [];
  return (key) => {
    const said = parts.find((each) => each.startsWith(`${key}=`))?.slice(key.length + 1);
    if (said === undefined) return key === 'alias' ? -1 : 0;
    return said === 'none' ? -1 : Number(said) || 0;
  };
}

const first: Chosen = (key) => (key === 'alias' ? -1 : 0);

/** The person of a role, and which of the names and numbers are meant. */
function personIn(role: Element, context: Context): readonly [person: Element | undefined, chosen: Chosen] {
  const reference = context.reading.object(role, 'practitioner');
  return reference ? [context.target(reference), chosenBy(reference, context)] : [undefined, first];
}

export function xcnOfPerson(person: Element, context: Context, chosen: Chosen = first): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  const identifier = reading.objects(person, 'identifier')[chosen('identifier')];
  if (identifier) {
    put(made, 1, 1, reading.text(identifier, 'value'));
    putAll(made, 9, authorityOf(identifier, context));
    put(made, 13, 1, codeIn(identifier.type, 'IdentifierType', context));
  }
  const name = reading.objects(person, 'name')[chosen('name')];
  if (name) nameInto(made, name, XCN, context);
  const qualification = reading.objects(person, 'qualification')[chosen('qualification')];
  const code = reading.object(qualification, 'code');
  if (code) put(made, 7, 1, degreeOf(code, context));
  return made.length > 0 ? made : undefined;
}

function degreeOf(concept: Element, context: Context): string | undefined {
  const { reading } = context;
  const [coding] = reading.objects(concept, 'coding');
  const code = reading.text(coding, 'code');
  reading.takeAll(coding);
  const back = code === undefined ? undefined : backFrom('DegreeLicenseCertificate', code, context.own);
  return back ?? reading.text(concept, 'text') ?? code;
}

/** An Organization as XON (HL7 2.5.1 §2.A.88). */
export function xonOf(reference: Element, context: Context): Repetition | undefined {
  const organization = context.target(reference);
  if (!organization) return loose(reference, 1, context);
  return xonOfOrganization(organization, context, chosenBy(reference, context));
}

export function xonOfOrganization(
  organization: Element,
  context: Context,
  chosen: Chosen = first,
): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  const alias = chosen('alias') < 0 ? undefined : reading.texts(organization, 'alias')[chosen('alias')];
  if (chosen('name') >= 0) put(made, 1, 1, alias ?? reading.text(organization, 'name'));
  const identifier = reading.objects(organization, 'identifier')[chosen('identifier')];
  if (
    identifier &&
    identifier.type === undefined &&
    identifier.system === undefined &&
    identifier.assigner === undefined
  ) {
    // Of an HD value the name is the identifier, too.
    if (reading.peek(identifier, 'value') === reading.peek(organization, 'name')) return made;
  }
  if (identifier) {
    const [at = '10'] = cameAt(identifier, reading) ?? [];
    put(made, at === '3' ? 3 : 10, 1, reading.text(identifier, 'value'));
    putAll(made, 6, authorityOf(identifier, context));
    put(made, 7, 1, codeIn(identifier.type, 'IdentifierType', context));
  }
  return made.length > 0 ? made : undefined;
}

/** An Organization, or a Device, that a coded value named. */
export function partyAsCwe(reference: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const party = context.target(reference);
  if (!party) return loose(reference, 2, context);
  const made: Repetition = [];
  const [identifier] = reading.objects(party, 'identifier');
  const system = reading.text(identifier, 'system');
  put(made, 1, 1, reading.text(identifier, 'value'));
  const name = reading.text(party, 'name') ?? reading.text(reading.objects(party, 'deviceName')[0], 'name');
  reading.takeAll(party.deviceName);
  const [alias] = reading.texts(party, 'alias');
  const [at] = cameAt(party, reading) ?? [];
  put(made, at === '9' ? 9 : 2, 1, name);
  if (system !== undefined) put(made, 3, 1, nameOfSystem(system));
  put(made, 9, 1, alias);
  return made.length > 0 ? made : undefined;
}

/** The components of a PL by the physical type of a Location. */
const LEVELS: Readonly<Record<string, number>> = { si: 4, bu: 7, lvl: 8, wa: 1, ro: 2, bd: 3 };

/** A Location, and those that it is part of, as PL (HL7 2.5.1 §2.A.53). */
export function plOf(reference: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const innermost = context.target(reference);
  if (!innermost) return loose(reference, context.own ? 1 : 9, context);
  const made: Repetition = [];
  const seen = new Set<Element>();
  for (let place: Element | undefined = innermost; place && !seen.has(place); place = partOf(place, context)) {
    seen.add(place);
    levelInto(made, place, place === innermost, context);
  }
  put(made, 9, 1, reading.text(innermost, 'description'));
  return made.length > 0 ? made : undefined;
}

function partOf(place: Element, context: Context): Element | undefined {
  const reference = context.reading.object(place, 'partOf');
  return reference && context.target(reference);
}

function levelInto(into: Repetition, place: Element, innermost: boolean, context: Context): void {
  const { reading } = context;
  const [coding] = reading.objects(reading.object(place, 'physicalType'), 'coding');
  const kind = reading.text(coding, 'code');
  reading.takeAll(place.physicalType);
  reading.take(place, 'mode');
  const own = kind === undefined ? undefined : LEVELS[kind];
  const level = own ?? (into[0]?.[0] === undefined ? 1 : 4);
  const named = hdOf(place, context);
  if (own !== undefined || !context.own) {
    if (named) putAll(into, level, named);
    else
      put(
        into,
        level,
        1,
        reading.text(place, 'name') ?? reading.peek(reading.objects(place, 'identifier')[0], 'value'),
      );
  }
  if (!innermost) return;
  // A comprehensive identifier stands behind those of the level.
  const whole = reading.objects(place, 'identifier').find((each) => each.assigner !== undefined || isNamed(each));
  if (whole) putAll(into, 10, eiOf(whole, context));
}

function isNamed({ system, type }: Element): boolean {
  return typeof system === 'string' && system !== 'urn:ietf:rfc:3986' && type === undefined;
}

/** A place that was a facility’s HD value. */
export function locationAsHd(reference: Element, context: Context): Repetition | undefined {
  const place = context.target(reference);
  if (!place) return loose(reference, 1, context);
  context.reading.takeAll(place.physicalType);
  return hdOf(place, context) ?? undefined;
}

/** A place that was an organization’s XON value. */
export function locationAsXon(reference: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const place = context.target(reference);
  if (!place) return loose(reference, 1, context);
  const made: Repetition = [];
  put(made, 1, 1, reading.text(place, 'name'));
  const [identifier] = reading.objects(place, 'identifier');
  if (identifier) {
    const [at = '10'] = cameAt(identifier, reading) ?? [];
    put(made, at === '3' ? 3 : 10, 1, reading.text(identifier, 'value'));
    put(made, 7, 1, codeIn(identifier.type, 'IdentifierType', context));
  }
  return made.length > 0 ? made : undefined;
}

/** A PractitionerRole as NDL: the person in subcomponents (CNN), from when until when, where. */
export function ndlOf(reference: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const role = context.target(reference);
  const made: Repetition = [];
  if (role?.resourceType !== 'PractitionerRole') {
    const person = role ? xcnOfPerson(role, context) : loose(reference, 2, context);
    person?.slice(0, 7).forEach((parts, at) => {
      put(made, 1, at + 1, parts[0]);
    });
    return made.length > 0 ? made : undefined;
  }
  const [person, chosen] = personIn(role, context);
  if (person) cnnInto(made, person, chosen, context);
  const period = reading.object(role, 'period');
  put(made, 2, 1, timeIn(period, 'start', context));
  put(made, 3, 1, timeIn(period, 'end', context));
  const [location] = reading.objects(role, 'location');
  const place = location && plOf(location, context);
  // NDL-4 to NDL-11 are point of care, room, bed, facility, -, -, building, floor.
  for (const [from, to] of [
    [1, 4],
    [2, 5],
    [3, 6],
    [4, 7],
    [7, 10],
    [8, 11],
  ] as const)
    put(made, to, 1, place?.[from - 1]?.[0]);
  return made.length > 0 ? made : undefined;
}

function cnnInto(into: Repetition, person: Element, chosen: Chosen, context: Context): void {
  const { reading } = context;
  const identifier = reading.objects(person, 'identifier')[chosen('identifier')];
  const name = reading.objects(person, 'name')[chosen('name')];
  const [given, middle] = reading.texts(name, 'given');
  const [suffix, degree] = reading.texts(name, 'suffix');
  const at = cameAt(name, reading) ?? [];
  put(into, 1, 1, reading.text(identifier, 'value'));
  put(into, 1, 2, reading.text(name, 'family'));
  put(into, 1, at.includes('given') ? 4 : 3, given);
  put(into, 1, 4, middle);
  put(into, 1, at.includes('degree') ? 7 : 5, suffix);
  put(into, 1, 6, reading.texts(name, 'prefix')[0]);
  put(into, 1, 7, degree);
  const authority = identifier && authorityOf(identifier, context);
  for (const n of [1, 2, 3]) put(into, 1, n + 8, authority?.[n - 1]?.[0]);
}
