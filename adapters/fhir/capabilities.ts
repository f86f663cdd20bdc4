import type { FhirResource } from '../../protocols/fhir/resource.ts';
import { resourceTypes } from '../../protocols/fhir/resource-types.ts';
import type { FhirSourceConfig } from './config.ts';

/** What a source takes, as a CapabilityStatement (hl7.org/fhir/R4/capabilitystatement.html). `since` is when it began to. */
export function capabilities(config: FhirSourceConfig, channel: string, since: number): FhirResource {
  const { format, types = [...resourceTypes], auth } = config;
  const resource = format === 'fhir.r4.Bundle' ? [] : types.map(capabilitiesOf);
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: new Date(since).toISOString(),
    kind: 'instance',
    software: { name: 'Weir' },
    implementation: {
      description: `Takes resources in for the channel ${channel} and passes them on: there is nothing to read or to search.`,
    },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'application/json', 'json'],
    rest: [
      {
        mode: 'server',
        ...(auth && { security: { description: 'HTTP authentication: Basic, or a bearer token.' } }),
        ...(resource.length > 0 && { resource }),
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
      },
    ],
  };
}

function capabilitiesOf(type: string) {
  return {
    type,
    interaction: [{ code: 'create' }, { code: 'update' }],
    versioning: 'no-version',
    readHistory: false,
    updateCreate: true,
    conditionalCreate: true,
    conditionalUpdate: true,
  };
}
