import { ProtocolFault } from '../fault.ts';
import { jsonFault } from './json-fault.ts';
import { resourceTypes } from './resource-types.ts';

/** A resource of which nothing is known but its type. */
export interface FhirResource {
  readonly resourceType: string;
  readonly [element: string]: unknown;
}

export interface FhirBundleEntry {
  readonly fullUrl?: string;
  readonly resource?: FhirResource;
  readonly request?: FhirBundleRequest;
  readonly response?: { readonly status?: string; readonly location?: string; readonly outcome?: FhirResource };
}

/** What is to be done with the resource of an entry (Bundle.entry.request). */
export interface FhirBundleRequest {
  readonly method?: string;
  readonly url?: string;
  readonly ifNoneExist?: string;
  readonly ifMatch?: string;
}

export interface FhirBundle extends FhirResource {
  readonly resourceType: 'Bundle';
  readonly type?: string;
  readonly entry?: readonly FhirBundleEntry[];
}

/** Brackets within brackets, at the most: no resource that means something comes near it. */
const MAX_DEPTH = 200;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a resource in JSON (hl7.org/fhir/R4/json.html): its type is one of R4's, and where it is a bundle, its entries and what they
 * hold are what such things are. What it gives is frozen, all the way down. Throws ProtocolFault `fhir.not-utf8`,
 * `fhir.not-json` with the place, `fhir.no-resource`, `fhir.unknown-type`, `fhir.bad-bundle` or `fhir.too-deep`.
 */
export function readResource(raw: Uint8Array): FhirResource {
  const value = parsed(textOf(raw));
  freeze(value, 0);
  return resourceIn(value, 'fhir.no-resource', 'the body');
}

/** A byte order mark is none of the text's. */
function textOf(raw: Uint8Array): string {
  try {
    return utf8.decode(raw);
  } catch {
    throw new ProtocolFault('fhir.not-utf8', 'reading a resource: it is not UTF-8');
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own text quotes what it read.
    const fault = jsonFault(text);
    const where = fault
      ? `expected ${fault.expected} at line ${fault.line}, column ${fault.column}`
      : 'it cannot be parsed';
    throw new ProtocolFault('fhir.not-json', `reading a resource: not JSON: ${where}`, fault?.offset);
  }
}

function freeze(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_DEPTH)
    throw new ProtocolFault('fhir.too-deep', `reading a resource: nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) for (const item of value) freeze(item, depth + 1);
  else for (const name in value) freeze((value as Readonly<Record<string, unknown>>)[name], depth + 1);
  Object.freeze(value);
}

function resourceIn(value: unknown, code: 'fhir.no-resource' | 'fhir.bad-bundle', what: string): FhirResource {
  if (!isObject(value)) throw new ProtocolFault(code, `reading a resource: ${what} is no JSON object`);
  const type = value.resourceType;
  if (typeof type !== 'string') throw new ProtocolFault(code, `reading a resource: ${what} has no resourceType`);
  if (!resourceTypes.has(type))
    throw new ProtocolFault(
      'fhir.unknown-type',
      `reading a resource: ${what} has a resourceType that R4 does not have`,
    );
  if (type === 'Bundle') checkBundle(value);
  return value as FhirResource;
}

function checkBundle({ type, entry }: Readonly<Record<string, unknown>>): void {
  if (type !== undefined && typeof type !== 'string') throw badBundle('type is no text');
  if (entry === undefined) return;
  if (!Array.isArray(entry)) throw badBundle('entry is no list');
  for (const [at, each] of entry.entries()) checkEntry(each, `entry[${at}]`);
}

function checkEntry(entry: unknown, place: string): void {
  if (!isObject(entry)) throw badBundle(`${place} is no object`);
  const { fullUrl, resource, request, response } = entry;
  if (fullUrl !== undefined && typeof fullUrl !== 'string') throw badBundle(`${place}.fullUrl is no text`);
  if (resource !== undefined) resourceIn(resource, 'fhir.bad-bundle', `${place}.resource`);
  for (const [name, part] of Object.entries({ request, response })) {
    if (part === undefined) continue;
    if (!isObject(part)) throw badBundle(`${place}.${name} is no object`);
    const odd = texts.find((each) => part[each] !== undefined && typeof part[each] !== 'string');
    if (odd) throw badBundle(`${place}.${name}.${odd} is no text`);
    if (part.outcome !== undefined) resourceIn(part.outcome, 'fhir.bad-bundle', `${place}.${name}.outcome`);
  }
}

const texts = ['method', 'url', 'ifNoneExist', 'ifMatch', 'status', 'location'];

function badBundle(what: string): ProtocolFault {
  return new ProtocolFault('fhir.bad-bundle', `reading a bundle: ${what}`);
}

export function isBundle(resource: FhirResource): resource is FhirBundle {
  return resource.resourceType === 'Bundle';
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
