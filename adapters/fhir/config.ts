import { z } from 'zod';
import { authKeys, buffersNoBody, buffersOneBody, listeningKeys } from '../../clients/http-server/config.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { resourceTypes } from '../../protocols/fhir/resource-types.ts';

/** What a channel says of a FHIR source. */
export const config = z
  .strictObject({
    endpoint: endpointName('tcp-listen').describe('Name of the listening endpoint in the environment file.'),
    path: z
      .string()
      .regex(/^(?:\/[\w.~-]+)*$/, 'a path like /fhir, without a slash at its end')
      .default('/fhir')
      .describe('Path that every address begins with, the base of the server; every other one is answered with 404.'),
    format: z
      .enum(['fhir.r4', 'fhir.r4.Bundle'])
      .default('fhir.r4')
      .describe(
        'What messages are: any resource, bundles among them; or transaction and batch bundles alone, every other request being refused.',
      ),
    types: z
      .array(z.string().refine((type) => resourceTypes.has(type), 'a resource type of R4'))
      .min(1)
      .optional()
      .describe(
        'Resource types that are taken by themselves; those of others are answered with 404. All of R4 if absent. Bundles may hold any.',
      ),
    ...authKeys,
    dedupeHeader: z
      .string()
      .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'a header name')
      .default('Idempotency-Key')
      .describe('Header that says which message this is, where the channel detects duplicates.'),
    ...listeningKeys,
  })
  .refine(buffersOneBody, { error: buffersNoBody })
  .refine(({ format, types }) => format === 'fhir.r4' || types === undefined, {
    error: 'types are of resources that are taken by themselves',
  });

export type FhirSourceConfig = z.output<typeof config>;
