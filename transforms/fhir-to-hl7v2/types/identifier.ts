import { codingSystem, table } from '../../hl7v2-to-fhir/urls.ts';
import { nameOfSystem } from '../../hl7v2-to-fhir/vocabulary.ts';
import { backFrom, namespaceIn } from '../codes.ts';
import type { Context } from '../context.ts';
import { type Element, isElement } from '../element.ts';
import { cameAt } from '../hints.ts';
import { put, putAll, type Repetition, textAt } from '../repetition.ts';
import { codeIn } from './coded.ts';
import { timeIn } from './time.ts';

/** Kinds of universal identifiers; one that the table does not have is a sender's own. */
const UNIVERSAL = new Set<unknown>([table('0301'), codingSystem('HL70301')]);
const URI_SYSTEM = 'urn:ietf:rfc:3986';

/** An organization, device or place as the HD value that names it: its name, its universal identifier and what kind that is. */
export function hdOf(party: Element | undefined, context: Context): Repetition | undefined {
  const { reading } = context;
  if (!party) return undefined;
  const made: Repetition = [];
  const identifiers = reading.objects(party, 'identifier');
  const universal = identifiers.find(
    (each) => kindOf(each) !== undefined || each.system === URI_SYSTEM || cameAt(each, reading)?.includes('2'),
  );
  const plain = identifiers.find((each) => each !== universal && reading.peek(each, 'system') === undefined);
  const name = reading.peek(plain, 'value') ?? reading.peek(party, 'name');
  if (name !== undefined && name === reading.peek(party, 'name')) reading.take(party, 'name');
  if (plain) reading.take(plain, 'value');
  put(made, 1, 1, name);
  if (universal) {
    const value = reading.text(universal, 'value');
    const kind = kindOf(universal);
    reading.takeAll(universal.type);
    reading.take(universal, 'system');
    put(made, 2, 1, value?.replace(/^urn:(?:oid|uuid):/, ''));
    put(made, 3, 1, kind ?? (context.own ? undefined : value?.startsWith('urn:oid:') ? 'ISO' : undefined));
  }
  return made.length > 0 ? made : undefined;
}

function kindOf({ type }: Element): string | undefined {
  if (!isElement(type) || !Array.isArray(type.coding)) return undefined;
  const coding = type.coding.find((each) => isElement(each) && UNIVERSAL.has(each.system));
  return isElement(coding) && typeof coding.code === 'string' ? coding.code : undefined;
}

/** Who assigned an identifier: the organization that it says, else what its system means. */
export function authorityOf(identifier: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const assigner = reading.object(identifier, 'assigner');
  const organization = assigner && context.target(assigner);
  const system = reading.text(identifier, 'system');
  const configured = system === undefined ? undefined : context.names.get(system);
  const said = organization && hdOf(organization, context);
  if (said && (context.own || textAt(said, 1) === configured || configured === undefined)) return said;
  if (configured !== undefined) return [[configured]];
  if (system === undefined) {
    const display = reading.text(assigner, 'display');
    return display === undefined ? undefined : [[display]];
  }
  return authorityIn(system);
}

/** The HD value of an identifier’s system. */
export function authorityIn(system: string): Repetition {
  const name = namespaceIn(system);
  if (name !== undefined) return [[name]];
  if (system.startsWith('urn:oid:')) return [[], [system.slice('urn:oid:'.length)], ['ISO']];
  if (system.startsWith('urn:uuid:')) return [[], [system.slice('urn:uuid:'.length)], ['UUID']];
  return [[], [system], ['URI']];
}

/** An Identifier as CX (HL7 2.5.1 §2.A.14). */
export function cxOf(identifier: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  const value = reading.text(identifier, 'value');
  put(made, 1, 1, value);
  putAll(made, 4, authorityOf(identifier, context));
  put(made, 5, 1, codeIn(identifier.type, 'IdentifierType', context));
  const period = reading.object(identifier, 'period');
  put(made, 7, 1, timeIn(period, 'start', context));
  put(made, 8, 1, timeIn(period, 'end', context));
  return made.length > 0 ? made : undefined;
}

/** An Identifier as EI: its authority is the rest of its components. */
export function eiOf(identifier: Element, context: Context): Repetition | undefined {
  const made: Repetition = [];
  put(made, 1, 1, context.reading.text(identifier, 'value'));
  authorityOf(identifier, context)?.forEach((parts, at) => {
    put(made, at + 2, 1, parts[0]);
  });
  return made.length > 0 ? made : undefined;
}

/** An Identifier as one half of an EIP: an EI in subcomponents. */
export function eipOf(identifier: Element, half: 1 | 2, context: Context): Repetition | undefined {
  const made: Repetition = [];
  context.reading.takeAll(identifier.type);
  putAll(made, half, eiOf(identifier, context));
  return made.length > 0 ? made : undefined;
}

/** A driver’s licence (DLN): number, who issued it, when it expires. */
export function dlnOf(identifier: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  put(made, 1, 1, reading.text(identifier, 'value'));
  const system = reading.text(identifier, 'system');
  if (system !== undefined) put(made, 2, 1, context.names.get(system) ?? namespaceIn(system) ?? system);
  put(made, 3, 1, timeIn(reading.object(identifier, 'period'), 'end', context));
  reading.takeAll(identifier.type);
  return made.length > 0 ? made : undefined;
}

/** A practitioner’s licence or other number (PLN). */
export function plnOf(identifier: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  put(made, 1, 1, reading.text(identifier, 'value'));
  put(made, 2, 1, licenceType(identifier.type, context));
  put(made, 4, 1, timeIn(reading.object(identifier, 'period'), 'end', context));
  return made.length > 0 ? made : undefined;
}

function licenceType(concept: unknown, context: Context): string | undefined {
  if (!isElement(concept)) return undefined;
  const code = context.reading.peek(context.reading.objects(concept, 'coding')[0], 'code');
  const back = code === undefined ? undefined : backFrom('PractitionerIDNumberType', code, context.own);
  return codeIn(concept, 'IdentifierType', context) && (back ?? code ?? context.reading.text(concept, 'text'));
}

/** An Identifier that was a coded value: the code is its value. */
export function identifierAsCwe(identifier: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  put(made, 1, 1, reading.text(identifier, 'value'));
  put(made, 2, 1, reading.text(reading.object(identifier, 'type'), 'text'));
  const system = reading.text(identifier, 'system');
  if (system !== undefined) put(made, 3, 1, context.names.get(system) ?? namespaceIn(system) ?? nameOfSystem(system));
  return made.length > 0 ? made : undefined;
}
