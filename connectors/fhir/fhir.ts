import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { FhirDestination } from './fhir-destination.ts';

/**
 * Creates and updates resources at a FHIR server by its REST interface (hl7.org/fhir/R4/http.html), and has it carry out transaction
 * and batch bundles. A message is sent when the server says so by its status, and a batch when it says so of every entry; what else
 * it says is looked up in `response`. Conditions, and updates at an id, have no second effect when they are repeated; a plain create
 * whose answer was lost is made again.
 */
export const fhir = defineConnector({
  type: 'fhir',
  summary: 'Creates and updates resources at a FHIR server, by themselves or in bundles (hl7.org/fhir/R4/http.html).',
  // A resource or a bundle, whichever format of FHIR or JSON it comes in; what is neither is a dead letter.
  accepts: 'any',
  // One message a call: with several, the slowest answer of a batch would hold up the others.
  batching: 'independent',
  maxBatch: 1,
  concurrency: (c) => c.connections,
  effect: 'atLeastOnce',
  config,
  examples: [
    {
      title: 'Bundles for the clinical repository, which knows us by a key (SMART backend services)',
      config: { endpoint: 'repository', interaction: 'bundle', auth: { oauth2: 'repository-login' } },
    },
    {
      title: 'Patients, found by the number of the hospital, and checked before they are sent',
      config: { endpoint: 'registry', identifier: 'urn:oid:2.16.840.1.113883.19.5', validate: 'reject' },
    },
    {
      title: 'A server of several tenants, told by a header which one is meant',
      config: { endpoint: 'repository', headers: { 'X-Tenant': 'north', 'X-Source': '${channel}' } },
    },
  ],
  create: (c, context) => new FhirDestination(c, context),
});
