import { schemaOf } from '../../../protocols/hl7v2/schema/schema.ts';
import { mapped, nameOfSystem } from '../../hl7v2-to-fhir/vocabulary.ts';
import { backFrom, tableIn } from '../codes.ts';
import type { Context } from '../context.ts';
import { type Element, isElement } from '../element.ts';
import { cameAt } from '../hints.ts';
import { put, type Repetition } from '../repetition.ts';

/** What the place of a code says about it. */
export interface CodedPlace {
  readonly vocabulary?: string | undefined;
  /** The HL7 table of the field. */
  readonly table?: string | undefined;
  /** The data type of the field: of an IS or ID the code is all. */
  readonly type?: string | undefined;
}

const PLACES = [
  { code: 1, name: 2, system: 3, version: 7 },
  { code: 4, name: 5, system: 6, version: 8 },
  { code: 10, name: 11, system: 12, version: 13 },
] as const;

/** A CodeableConcept as CWE, CNE and CE have it (HL7 2.5.1 §2.A.13): the codings that were sent, without those that maps put before them. */
export function codedOf(concept: Element, context: Context, place: CodedPlace = {}): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  const codings = saidOf(reading.objects(concept, 'coding'), context, place);
  const most = place.type === 'CE' && !context.own ? 2 : 3;
  codings.slice(0, most).forEach((coding, at) => {
    const noted = cameAt(coding, reading);
    const n = noted?.includes('10') ? 2 : noted?.includes('4') ? 1 : at;
    codingInto(made, PLACES[n]!, coding, context, n === 0 ? place : {});
  });
  const text = reading.peek(concept, 'text');
  if (text !== undefined) {
    if (made.length === 0 && cameAt(concept, reading)?.includes('9')) put(made, 9, 1, text);
    else if (made.length === 0) put(made, isCode(place.type) ? 1 : 2, 1, text);
    else if (context.own || (place.type !== 'CE' && !isCode(place.type))) put(made, 9, 1, text);
    else if (made[1]?.[0] === undefined && !isCode(place.type)) put(made, 2, 1, text);
    if (context.own || !isCode(place.type) || made[0]?.[0] === text) reading.take(concept, 'text');
  }
  return made.length > 0 ? made : undefined;
}

export function isCode(type: string | undefined): boolean {
  return type === 'IS' || type === 'ID' || type === 'ST';
}

/**
 * The codings that say what was meant: where the first is what the next is mapped to, the next. Those of FHIR’s own systems
 * follow those of others, as v2 tells the first one as its own.
 */
function saidOf(codings: readonly Element[], context: Context, { vocabulary }: CodedPlace): readonly Element[] {
  const [first, second] = codings;
  if (vocabulary === undefined || !first || !second) return codings;
  const code = context.reading.peek(second, 'code');
  const target = code === undefined ? undefined : mapped(vocabulary, code);
  if (!target || target[0] !== context.reading.peek(first, 'code')) return codings;
  context.reading.takeAll(first);
  return codings.slice(1);
}

function codingInto(
  into: Repetition,
  at: (typeof PLACES)[number],
  coding: Element,
  context: Context,
  place: CodedPlace,
): void {
  const { reading } = context;
  const code = reading.text(coding, 'code');
  const system = reading.text(coding, 'system');
  const name = reading.text(coding, 'display');
  const version = reading.text(coding, 'version');
  const back = code === undefined ? undefined : v2CodeOf(code, system, context, place);
  put(into, at.code, 1, back ?? code);
  if (back !== undefined && context.own) return;
  if (isCode(place.type) && (!context.own || isOfTable(coding, place, context))) {
    if (code === undefined) put(into, at.code, 1, name);
    return;
  }
  put(into, at.name, 1, name);
  const named = back === undefined ? system : undefined;
  if (back !== undefined && place.table !== undefined) put(into, at.system, 1, `HL7${place.table}`);
  else if (named !== undefined) put(into, at.system, 1, nameOfSystem(named));
  put(into, at.version, 1, version);
}

const newest = schemaOf('2.8');

/** Whether a coding says of a code what its table does, and the sender said nothing of that. */
function isOfTable(coding: Element, { table }: CodedPlace, { reading }: Context): boolean {
  const code = reading.peek(coding, 'code');
  const display = table === undefined || code === undefined ? undefined : newest.table(table)?.codes.get(code);
  if (display === undefined) return coding.display === undefined && coding.system === undefined;
  if (tableIn(reading.peek(coding, 'system') ?? '') !== table || cameAt(coding, reading)) return false;
  return display === (reading.peek(coding, 'display') ?? '');
}

/** The v2 code of one that a vocabulary maps v2 codes to; undefined where it is a v2 code itself, or of another system. */
function v2CodeOf(
  code: string,
  system: string | undefined,
  context: Context,
  { vocabulary }: CodedPlace,
): string | undefined {
  if (vocabulary === undefined || (system !== undefined && tableIn(system) !== undefined)) return undefined;
  const back = backFrom(vocabulary, code, context.own);
  if (back === undefined) return undefined;
  const target = mapped(vocabulary, back);
  return target && (system === undefined || target[2] === '' || target[2] === system) ? back : undefined;
}

/** A Coding where one is all: its v2 code and what it is called. */
export function codingOf(coding: Element, context: Context, place: CodedPlace): Repetition | undefined {
  const made: Repetition = [];
  codingInto(made, PLACES[0], coding, context, place);
  return made.length > 0 ? made : undefined;
}

/** The code that a concept of an identifier’s type or the like comes down to. */
export function codeIn(concept: unknown, vocabulary: string, context: Context): string | undefined {
  if (!isElement(concept)) return undefined;
  const { reading } = context;
  const text = reading.text(concept, 'text');
  for (const coding of reading.objects(concept, 'coding')) {
    const code = reading.text(coding, 'code');
    reading.takeAll(coding);
    if (code === undefined) continue;
    return backFrom(vocabulary, code, context.own) ?? (text !== undefined && code !== text ? text : code);
  }
  return text;
}
