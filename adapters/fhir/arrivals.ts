import type { IncomingMessage } from 'node:http';
import { Refusal } from '../../clients/http-server/refusal.ts';
import type { Meta } from '../../core/format.ts';
import type { Arrival } from '../../core/message.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import type { Interaction } from '../../protocols/fhir/interaction.ts';
import { type BundleRequest, type Misfit, misfitOf, requestsOf } from '../../protocols/fhir/requests.ts';
import { type FhirResource, isBundle, readResource } from '../../protocols/fhir/resource.ts';
import type { Admitted } from './admission.ts';
import type { FhirSourceConfig } from './config.ts';
import { ResourceRefusal } from './resource-refusal.ts';

/** What was posted. */
export interface Posted {
  readonly interaction: Interaction;
  readonly resource: FhirResource;
  /** Of a transaction or batch: what each of its entries asks for. */
  readonly requests: readonly BundleRequest[] | undefined;
}

/** Throws Refusal where a body is no resource, or not the one that its address says. */
export function postedIn(body: Buffer, interaction: Interaction): Posted {
  if (body.length === 0) throw new Refusal(400, 'the body is empty');
  const resource = read(body);
  if (interaction.kind !== 'bundle') {
    refuseIf(misfitOf(interaction, resource));
    return { interaction, resource, requests: undefined };
  }
  if (!isBundle(resource))
    throw new ResourceRefusal(400, 'invalid', 'only bundles are taken here', resource.resourceType);
  const requests = requestsOf(resource);
  if ('status' in requests) throw refusalOf(requests);
  return { interaction, resource, requests };
}

function read(body: Buffer): FhirResource {
  try {
    return readResource(body);
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    throw new ResourceRefusal(400, 'structure', fault.message);
  }
}

function refuseIf(misfit: Misfit | undefined): void {
  if (misfit) throw refusalOf(misfit);
}

function refusalOf({ status, code, message, expression }: Misfit): ResourceRefusal {
  return new ResourceRefusal(status, code, message, expression);
}

/** A request is one message, a bundle too: what belongs together stays together. */
export function arrivalOf(
  request: IncomingMessage,
  body: Buffer,
  { caller }: Admitted,
  posted: Posted,
  peer: string,
  { dedupeHeader }: FhirSourceConfig,
): Arrival {
  const key = request.headers[dedupeHeader.toLowerCase()];
  return {
    raw: body,
    meta: { peer, ...(caller !== undefined && { 'http.caller': caller }), ...metaOf(request, posted) },
    ...(typeof key === 'string' && key !== '' && { dedupeKey: `${caller ?? ''}/${key}` }),
  };
}

/** What the request says beside the resource; a destination of type `fhir` can ask its far end for the same. */
function metaOf({ headers }: IncomingMessage, { interaction, resource }: Posted): Meta {
  const meta: Record<string, string> = { 'fhir.type': resource.resourceType };
  meta['fhir.interaction'] = interaction.kind === 'bundle' ? String(resource.type) : interaction.kind;
  if (interaction.kind === 'update') meta['fhir.id'] = interaction.id;
  if (interaction.kind === 'conditional-update') meta['fhir.search'] = interaction.search;
  for (const [name, header] of Object.entries(kept)) {
    const value = headers[header];
    if (typeof value === 'string' && value !== '') meta[name] = value;
  }
  return meta;
}

const kept = {
  'fhir.ifNoneExist': 'if-none-exist',
  'fhir.ifMatch': 'if-match',
  'fhir.requestId': 'x-request-id',
} as const;
