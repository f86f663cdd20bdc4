import { resourceTypes } from './resource-types.ts';

/** What a request on a FHIR base asks for (hl7.org/fhir/R4/http.html), of what can be taken in. */
export type Interaction =
  | { readonly kind: 'capabilities' }
  /** A transaction or batch bundle. */
  | { readonly kind: 'bundle' }
  | { readonly kind: 'create'; readonly type: string }
  | { readonly kind: 'update'; readonly type: string; readonly id: string }
  /** `search` as it came, without what is about the answer alone. */
  | { readonly kind: 'conditional-update'; readonly type: string; readonly search: string };

/** Why a request cannot be taken, by its method and target alone. */
export interface NoInteraction {
  readonly kind: 'none';
  readonly status: 400 | 404 | 405;
  /** Quotes nothing of the request. */
  readonly message: string;
  /** Methods that are taken there. */
  readonly allow?: readonly string[];
}

/** hl7.org/fhir/R4/datatypes.html#id */
const logicalId = /^[A-Za-z0-9.-]{1,64}$/;
/** Parameters that say how the answer is to look (hl7.org/fhir/R4/http.html#parameters). */
const aboutTheAnswer: ReadonlySet<string> = new Set(['_format', '_pretty', '_summary', '_elements']);

export function isLogicalId(text: unknown): text is string {
  return typeof text === 'string' && logicalId.test(text);
}

/**
 * @param path below the base, with or without its first slash: `Patient/123`
 * @param query without its question mark
 */
export function interactionOf(method: string, path: string, query: string): Interaction | NoInteraction {
  const [type = '', id, ...more] = path.replace(/^\//, '').split('/');
  if (type === '') return id === undefined ? onlyFor(method, ['POST'], { kind: 'bundle' }) : nothingThere;
  if (type === 'metadata') {
    return id === undefined ? onlyFor(method, ['GET', 'HEAD'], { kind: 'capabilities' }) : nothingThere;
  }
  if (!resourceTypes.has(type)) return type.startsWith('$') ? noOperation : noSuchType;
  if (id === undefined) return onType(method, type, query);
  if (id.startsWith('$')) return noOperation;
  if (more.length > 0 || id.startsWith('_')) return nothingThere;
  if (!isLogicalId(id)) return { kind: 'none', status: 400, message: 'the id is none that FHIR allows' };
  return onlyFor(method, ['PUT'], { kind: 'update', type, id });
}

function onType(method: string, type: string, query: string): Interaction | NoInteraction {
  if (method !== 'PUT') return onlyFor(method, ['POST', 'PUT'], { kind: 'create', type });
  const search = withoutAnswering(query);
  if (search === '') {
    return { kind: 'none', status: 400, message: 'an update needs an id, or a search that finds the resource' };
  }
  return { kind: 'conditional-update', type, search };
}

function withoutAnswering(query: string): string {
  return query
    .split('&')
    .filter((each) => each !== '' && !aboutTheAnswer.has(each.split('=')[0] ?? ''))
    .join('&');
}

function onlyFor(method: string, allow: readonly string[], interaction: Interaction): Interaction | NoInteraction {
  if (allow.includes(method)) return interaction;
  return { kind: 'none', status: 405, message: 'this interaction is not supported here', allow };
}

const nothingThere: NoInteraction = { kind: 'none', status: 404, message: 'there is nothing at this path' };
const noOperation: NoInteraction = { kind: 'none', status: 404, message: 'operations are not supported' };
const noSuchType: NoInteraction = { kind: 'none', status: 404, message: 'R4 has no such resource type' };
