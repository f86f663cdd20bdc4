import type { Request } from '../../clients/http-client/client.ts';
import { fhirContentType } from '../../contracts/fhir.ts';
import { HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { isLogicalId } from '../../protocols/fhir/interaction.ts';
import { type FhirBundle, type FhirResource, isBundle, isObject } from '../../protocols/fhir/resource.ts';
import type { FhirDestinationConfig } from './config.ts';
import type { Compose, Composed } from './kit.ts';

type Config = Pick<FhirDestinationConfig, 'interaction' | 'identifier' | 'prefer'>;

/** The request of one message: its bytes as they are. Throws HubError `encode-failed`, permanent, where it cannot be one. */
export function requestOf(
  resource: FhirResource,
  message: Outgoing<unknown>,
  config: Config,
  compose: Compose,
): Request {
  const { method, path, headers } = interactionOf(resource, message, config, compose);
  return {
    method,
    path,
    headers: {
      ...headers,
      'content-type': fhirContentType,
      'x-request-id': message.effectId,
      ...(config.prefer && { prefer: `return=${config.prefer}` }),
    },
    body: message.bytes,
  };
}

/** A bundle that is to be carried out entry by entry. */
export function isToCarryOut(resource: FhirResource): resource is FhirBundle {
  return isBundle(resource) && (resource.type === 'transaction' || resource.type === 'batch');
}

function interactionOf(resource: FhirResource, message: Outgoing<unknown>, config: Config, compose: Compose): Composed {
  const { resourceType, id } = resource;
  switch (config.interaction) {
    case 'bundle':
      if (!isToCarryOut(resource)) throw failed('it is neither a transaction nor a batch');
      return compose((kit) => kit.transaction({ body: resource }));
    case 'create':
      return create(
        compose,
        resourceType,
        config.identifier === undefined ? undefined : conditionOf(resource, config.identifier),
      );
    case 'update':
      return config.identifier === undefined
        ? update(compose, resourceType, id)
        : found(compose, resource, config.identifier);
    case 'auto':
      if (isToCarryOut(resource)) return compose((kit) => kit.transaction({ body: resource }));
      if (config.identifier !== undefined) return found(compose, resource, config.identifier);
      return (
        asReceived(compose, resource, message) ??
        (id === undefined ? create(compose, resourceType) : update(compose, resourceType, id))
      );
    default:
      return config.interaction satisfies never;
  }
}

/** What the sender of a `fhir` source asked for; undefined where the message came in another way, or is another resource by now. */
function asReceived(
  compose: Compose,
  { resourceType, id }: FhirResource,
  { meta }: Outgoing<unknown>,
): Composed | undefined {
  if (meta['fhir.type'] !== resourceType) return undefined;
  const headers: Record<string, string> =
    meta['fhir.ifMatch'] === undefined ? {} : { 'if-match': meta['fhir.ifMatch'] };
  switch (meta['fhir.interaction']) {
    case 'create':
      return create(compose, resourceType, meta['fhir.ifNoneExist']);
    case 'update':
      return update(compose, resourceType, id, headers);
    case 'conditional-update':
      return compose((kit) =>
        kit.request(`${resourceType}?${meta['fhir.search'] ?? ''}`, { method: 'PUT', options: { headers } }),
      );
    default:
      return undefined;
  }
}

function create(compose: Compose, resourceType: string, condition?: string): Composed {
  const headers: Record<string, string> = condition === undefined ? {} : { 'if-none-exist': condition };
  return compose((kit) => kit.create({ resourceType, body: { resourceType }, options: { headers } }));
}

function update(compose: Compose, resourceType: string, id: unknown, headers: Record<string, string> = {}): Composed {
  if (!isLogicalId(id)) throw failed('it has no id to be updated at');
  return compose((kit) => kit.update({ resourceType, id, body: { resourceType }, options: { headers } }));
}

/** An update of what the far end finds by the identifier. */
function found(compose: Compose, resource: FhirResource, system: string): Composed {
  const { resourceType } = resource;
  const searchParams = { identifier: tokenOf(resource, system) };
  return compose((kit) => kit.update({ resourceType, searchParams, body: { resourceType } }));
}

function conditionOf(resource: FhirResource, system: string): string {
  return new URLSearchParams({ identifier: tokenOf(resource, system) }).toString();
}

/** `system|value`, as a search has it (hl7.org/fhir/R4/search.html#escaping). */
function tokenOf({ identifier }: FhirResource, system: string): string {
  const all: readonly unknown[] = Array.isArray(identifier) ? identifier : [identifier];
  const own = all.find((each) => isObject(each) && each.system === system && typeof each.value === 'string');
  const value = isObject(own) ? String(own.value) : '';
  if (value === '') throw failed('it has no identifier of the system by which it is found');
  return `${system}|${value.replaceAll(/[\\$,|]/g, String.raw`\$&`)}`;
}

function failed(what: string): HubError {
  return new HubError('encode-failed', 'permanent', `writing the request: ${what}`);
}
