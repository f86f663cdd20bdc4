import { type Interaction, interactionOf, isLogicalId } from './interaction.ts';
import type { IssueCode } from './outcome.ts';
import type { FhirBundle, FhirBundleEntry, FhirResource } from './resource.ts';

/** Why a resource is not what its request says. */
export interface Misfit {
  readonly status: 400 | 422;
  readonly code: IssueCode;
  /** Quotes nothing of the request. */
  readonly message: string;
  readonly expression?: string;
}

/** hl7.org/fhir/R4/http.html#create, #update: the type, and of an update the id, are those of the address. */
export function misfitOf(interaction: Interaction, resource: FhirResource, place?: string): Misfit | undefined {
  if (!('type' in interaction)) return undefined;
  const { resourceType, id } = resource;
  const at = (element: string) => `${place ?? resourceType}.${element}`;
  if (resourceType !== interaction.type)
    return misfit('the resource is of another type than the address says', place ?? resourceType);
  if (interaction.kind === 'update' && id !== interaction.id)
    return misfit('the id of the resource is not that of the address', at('id'));
  if (id !== undefined && !isLogicalId(id)) return misfit('the id of the resource is none that FHIR allows', at('id'));
  return undefined;
}

/** What a transaction or batch asks for; in order of its entries. Misfits quote nothing. */
export function requestsOf(bundle: FhirBundle): readonly BundleRequest[] | Misfit {
  const { type, entry = [] } = bundle;
  if (type !== 'transaction' && type !== 'batch')
    return misfit('only bundles of type transaction and batch are taken here', 'Bundle.type');
  const requests: BundleRequest[] = [];
  const changed = new Set<string>();
  for (const [at, each] of entry.entries()) {
    const place = `Bundle.entry[${at}]`;
    const request = requestOf(each, place);
    if ('status' in request) return request;
    // hl7.org/fhir/R4/http.html#trules: a transaction may change each resource only once.
    const { kind, url } = request;
    if (type === 'transaction' && kind !== 'create' && changed.has(url))
      return misfit('the transaction changes one resource twice', `${place}.request.url`);
    changed.add(url);
    requests.push(request);
  }
  return requests;
}

/** One entry of a transaction or batch. */
export interface BundleRequest {
  readonly kind: 'create' | 'update' | 'conditional-update' | 'delete';
  /** Below the base. */
  readonly url: string;
  /** Of an update: where the resource is then. */
  readonly location?: string;
}

function requestOf({ request, resource }: FhirBundleEntry, place: string): BundleRequest | Misfit {
  const { method = '', url = '' } = request ?? {};
  if (method === '' || url === '')
    return misfit('an entry does not say what is to be done with it', `${place}.request`);
  const [path = '', query = ''] = splitAt(url, '?');
  if (method === 'DELETE') return { kind: 'delete', url };
  if (method !== 'POST' && method !== 'PUT')
    return {
      ...misfit('only POST, PUT and DELETE are taken in bundles', `${place}.request.method`),
      status: 422,
      code: 'not-supported',
    };
  const interaction = interactionOf(method, path, query);
  if (!('type' in interaction)) return misfit('an entry has an address that is none', `${place}.request.url`);
  if (!resource) return misfit('an entry has no resource', `${place}.resource`);
  const wrong = misfitOf(interaction, resource, `${place}.resource`);
  if (wrong) return wrong;
  const { kind, type } = interaction;
  return kind === 'update' ? { kind, url, location: `${type}/${interaction.id}` } : { kind, url };
}

function splitAt(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function misfit(message: string, expression: string): Misfit {
  return { status: 400, code: 'invalid', message, expression };
}
