import type { ProblemCode } from '../../../core/config/problem.ts';
import { didYouMean } from '../../../core/config/suggestion.ts';
import { schemaOf } from '../../../protocols/hl7v2/schema/schema.ts';
import { readCondition } from '../compile/condition.ts';
import { readTarget, type Target } from '../compile/target.ts';
import type { Condition } from '../condition.ts';
import { converterOf, dataTypeMaps } from '../converters.ts';
import bindings from '../generated/bindings.json' with { type: 'json' };
import type { CodeTarget, Rule } from '../rule.ts';
import { officialRules } from '../segment-map.ts';
import { isVocabulary, siteVocabulary, vocabularyNames } from '../vocabulary.ts';
import { elementTable, namesUnder, resourceNames } from './element-table.ts';
import type { RuleEntry } from './rules-file.ts';
import { viaFor } from './via.ts';

/** What is wrong with an entry, at one of its keys. */
export class Mistake extends Error {
  readonly key: keyof RuleEntry | '';
  readonly code: ProblemCode;

  constructor(key: keyof RuleEntry | '', code: ProblemCode, message: string) {
    super(message);
    this.key = key;
    this.code = code;
  }
}

interface Read {
  readonly map: string;
  readonly rules: readonly Rule[];
}

interface Source {
  readonly segment: string;
  readonly field: number;
  readonly component?: number;
}

/**
 * Reads an entry that adds a rule or stands for one, as rules of the maps that it belongs in.
 * @param before the rule that it stands for: what the entry does not say stays as it was
 * @throws Mistake
 */
export function readRules(
  entry: RuleEntry,
  id: string,
  before?: { readonly map: string; readonly rule: Rule },
): readonly Read[] {
  const source: Source = before ? { segment: before.map.slice(0, 3), field: before.rule.field } : sourceOf(entry.from!);
  const resource = /^\w*/.exec(entry.to ?? '')![0];
  const map = before?.map;
  const about = map === undefined ? resource : (/\[(\w+)/.exec(map)?.[1] ?? '');
  if (entry.to !== undefined && resource !== about)
    throw new Mistake('to', 'path-invalid', `the row is about ${about}, not ${resource}`);
  const target = entry.to === undefined ? undefined : targetOf(entry.to, about, id);
  const rules = rulesOf(entry, id, source, target, before?.rule);
  if (map !== undefined) return [{ map, rules }];
  return mapsOf(source.segment, about).map((each) => ({ map: each, rules }));
}

function sourceOf(text: string): Source {
  const [, segment, field, component] = /^([A-Z][A-Z0-9]{2})(?:-([1-9]\d{0,2})(?:\.([1-9]\d?))?)?$/.exec(text) ?? [];
  if (segment === undefined)
    throw new Mistake('from', 'path-invalid', `${text} is no field or component: ZPI-3, PID-10.4`);
  const newest = schemaOf('2.8');
  const definition = newest.segment(segment);
  if (definition && field !== undefined && Number(field) > definition.fields.length)
    throw new Mistake('from', 'path-invalid', `${segment} has ${definition.fields.length} fields`);
  if (!definition && !segment.startsWith('Z') && !Object.keys(officialRules).some((map) => map.startsWith(segment)))
    throw new Mistake('from', 'path-invalid', `no version has a segment ${segment}; those of sites begin with Z`);
  return {
    segment,
    field: Number(field ?? 0),
    ...(component !== undefined && { component: Number(component) }),
  };
}

/** The maps that make such a resource of such a segment; a new one, beside them, where there is none. */
function mapsOf(segment: string, resource: string): readonly string[] {
  const maps = [`${segment}[${resource}]`, `${segment}[${resource}-Component]`];
  const known = maps.filter((map) => Object.hasOwn(officialRules, map));
  return known.length > 0 ? known : [maps[0]!];
}

/** Elements that are no place for values: what a resource is called, the words of it for people, rules that others would have to know. */
const CLOSED = new Set(['id', 'text', 'contained', 'implicitRules', 'modifierExtension', 'meta', 'language']);

function targetOf(text: string, resource: string, id: string): Target {
  if (!elementTable.isResource(resource)) {
    const hint = didYouMean(resource, resourceNames);
    throw new Mistake('to', 'path-invalid', `no rule makes a ${resource || 'resource'} of a message${hint}`);
  }
  const path = text.slice(resource.length + 1);
  if (path === '' || text[resource.length] !== '.')
    throw new Mistake('to', 'path-invalid', `an element is missing: ${resource}.identifier`);
  let target: Target;
  try {
    target = readTarget(path, resource, elementTable);
  } catch (thrown) {
    const { message } = thrown as Error;
    const [, parent, name] = /^(\S+) has no element (\w+)$/.exec(message) ?? [];
    const hint = name === undefined ? '' : didYouMean(name, namesUnder(parent!));
    throw new Mistake('to', 'path-invalid', `${message.replace(/#\w*/, '')}${hint}`);
  }
  if (target.assignment !== undefined) throw new Mistake('to', 'path-invalid', 'a value goes into the key value');
  const steps = target.steps.split(/\.|>/).map((step) => step.replace(/#.*/, ''));
  const closed = steps.find(
    (step, at) => step === 'id' || step === 'modifierExtension' || (at === 0 && CLOSED.has(step)),
  );
  if (closed) throw new Mistake('to', 'path-invalid', `${closed} is no place for a value of a message`);
  if (/\bextension#\w/.test(target.steps))
    throw new Mistake('to', 'path-invalid', 'an extension of a site is one of its own: it has no number');
  if (steps.some((step, at) => step === 'repeat' && at > 0 && at < steps.length - 1))
    throw new Mistake('to', 'path-invalid', 'how often something is done is said as a whole: by an RPT');
  // What has no number is an element of its own: it joins none that another rule makes.
  const own = id.replace(/\W/g, '_');
  return { ...target, steps: target.steps.replace(/#(?!\w)/g, `#${own}`) };
}

function rulesOf(
  entry: RuleEntry,
  id: string,
  source: Source,
  target: Target | undefined,
  before: Rule | undefined,
): readonly Rule[] {
  const to = target?.steps ?? before!.to;
  const type = target?.type ?? before!.type;
  const binding = target ? target.binding : before!.binding;
  const others = target ? target.others : before!.others;
  const fixed = entry.value ?? (target || entry.via || entry.vocabulary || entry.codes ? undefined : before?.fixed);
  if (source.field === 0 && fixed === undefined)
    throw new Mistake('from', 'key-missing', 'of a segment as such a value is needed: the key value');
  const via = fixed === undefined ? viaOf(entry, type, source, target ? undefined : before?.via) : undefined;
  const vocabulary = vocabularyOf(entry, type, target ? undefined : before?.vocabulary);
  const when = entry.when === undefined ? before?.when : conditionOf(entry.when, source);
  const rule: Rule = {
    id,
    field: source.field,
    ...(source.component !== undefined && { component: source.component }),
    ...(when && { when }),
    to,
    type,
    ...(binding !== undefined && { binding }),
    ...(others && { others }),
    ...(via !== undefined && { via }),
    ...(vocabulary !== undefined && { vocabulary }),
    ...(fixed !== undefined && { fixed }),
  };
  check(rule, source.segment, entry);
  return [...urlOf(rule, entry, target), rule];
}

/** The URL of an extension, before its value. */
function urlOf(rule: Rule, { url }: RuleEntry, target: Target | undefined): readonly Rule[] {
  const [, extension] = /^(.*\bextension#\w+)(?:\.|$)/.exec(target?.steps ?? '') ?? [];
  if (extension === undefined) {
    if (url !== undefined)
      throw new Mistake('url', 'value-invalid', 'it goes with an extension: to: Patient.extension.valueString');
    return [];
  }
  if (!/\bextension#\w+\.value[A-Z]/.test(rule.to))
    throw new Mistake('to', 'path-invalid', 'the value of an extension says its type: extension.valueString');
  if (url === undefined) throw new Mistake('to', 'key-missing', 'an extension says what it is: the key url is missing');
  if (url.startsWith('http://hl7.org/fhir/'))
    throw new Mistake(
      'url',
      'value-invalid',
      'what HL7 defines has rules of its own: an extension of a site has a URL of the site',
    );
  const { id, field, component, when } = rule;
  const place = { id, field, ...(component !== undefined && { component }), ...(when && { when }) };
  return [{ ...place, to: `${extension}.url`, type: 'uri', fixed: url }];
}

function viaOf(entry: RuleEntry, type: string, source: Source, before: string | undefined): string | undefined {
  if (entry.via === undefined) {
    const dataType = source.component === undefined ? dataTypeOf(source) : undefined;
    const via = before ?? viaFor(type, dataType);
    if (via === 'none')
      throw new Mistake(
        'to',
        'value-invalid',
        `the field is ${dataType}, of which no ${type} is made: via can name another map for it`,
      );
    return via;
  }
  if (!dataTypeMaps.includes(entry.via)) {
    const hint = didYouMean(entry.via, dataTypeMaps);
    throw new Mistake('via', 'value-invalid', `there is no data type map ${entry.via}${hint}`);
  }
  return entry.via;
}

function dataTypeOf({ segment, field }: Source): string | undefined {
  return schemaOf('2.8').segment(segment)?.fields[field - 1]?.type;
}

function vocabularyOf({ vocabulary, codes }: RuleEntry, type: string, before: string | undefined): string | undefined {
  const key = vocabulary === undefined ? 'codes' : 'vocabulary';
  if ((vocabulary !== undefined || codes) && !['code', 'Coding', 'CodeableConcept', 'boolean'].includes(type))
    throw new Mistake(key, 'value-invalid', `the element is ${type}, which has no code`);
  if (vocabulary !== undefined && !isVocabulary(vocabulary))
    throw new Mistake(
      'vocabulary',
      'table-unknown',
      `there is no vocabulary ${vocabulary}${didYouMean(vocabulary, vocabularyNames)}`,
    );
  if (!codes) return vocabulary ?? before;
  const entries = Object.entries(codes).map(([code, target]): [string, CodeTarget] => [
    code,
    typeof target === 'string' ? [target, '', ''] : [target.code, target.display ?? '', target.system ?? ''],
  ]);
  return siteVocabulary(Object.fromEntries(entries));
}

function conditionOf(text: string, { segment, field }: Source): Condition {
  try {
    return readCondition(text, field === 0 ? segment : `${segment}-${field}`).condition;
  } catch (thrown) {
    throw new Mistake('when', 'value-invalid', (thrown as Error).message);
  }
}

const codes = bindings as Readonly<Record<string, readonly string[]>>;
/** Elements whose codes are no list, and of which any that is written as one will do. */
const OPEN = /\/(?:mimetypes)$/;

/** Whether the rule can be carried out, and gives what R4 has there. */
function check({ to, type, binding, via, vocabulary, fixed, ...rule }: Rule, segment: string, entry: RuleEntry): void {
  const listed = binding === undefined ? undefined : codes[binding];
  if (binding !== undefined && !listed && !OPEN.test(binding))
    throw new Mistake('to', 'value-invalid', `the codes that it takes are no list: ${binding}`);
  if (type === 'Reference')
    throw new Mistake(
      'to',
      'path-invalid',
      'it refers to a resource: say which, as in generalPractitioner(Practitioner)',
    );
  if (fixed !== undefined) {
    checkValue(fixed, type, listed);
    return;
  }
  const made = via === undefined ? undefined : /\[(\w+)/.exec(via)?.[1];
  const isWord = made === 'string' || made === 'Annotation';
  const right = made === type || (isWord && (type === 'string' || type === 'markdown')) || isOfficial(via, type);
  if (via !== undefined && !right)
    throw new Mistake(
      entry.via === undefined ? 'to' : 'via',
      'value-invalid',
      `${via} makes ${made}, and the element is ${type}`,
    );
  try {
    converterOf({ to, type, ...rule, ...(via !== undefined && { via }) }, segment, undefined);
  } catch {
    throw new Mistake(
      'to',
      'value-invalid',
      `the element is ${type}, which no value of a message is made into as a whole`,
    );
  }
  const wrong =
    listed && vocabulary !== undefined && entry.codes
      ? Object.values(entry.codes).find((each) => !listed.includes(typeof each === 'string' ? each : each.code))
      : undefined;
  if (wrong !== undefined)
    throw new Mistake(
      'codes',
      'value-invalid',
      `${typeof wrong === 'string' ? wrong : wrong.code} is none of the codes of the element`,
    );
}

/** Pairs that the official maps have: a length of stay is a Duration by its map. */
function isOfficial(via: string | undefined, type: string): boolean {
  return Object.values(officialRules).some((rules) => rules.some((rule) => rule.via === via && rule.type === type));
}

function checkValue(value: string, type: string, listed: readonly string[] | undefined): void {
  const wrong = (message: string) => new Mistake('value', 'value-invalid', message);
  switch (type) {
    case 'string':
    case 'markdown':
      return;
    case 'code':
      if (/^\S+(?: \S+)*$/.test(value) && (!listed || listed.includes(value))) return;
      throw wrong(`${value} is none of the codes of the element${listed ? didYouMean(value, listed) : ''}`);
    case 'uri':
      if (/^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(value)) return;
      throw wrong('it is no absolute URI');
    case 'boolean':
      if (value === 'true' || value === 'false') return;
      throw wrong('it is true or false');
    default:
      throw wrong(`the element is ${type}: only text, codes, URIs and true or false can be given so`);
  }
}
