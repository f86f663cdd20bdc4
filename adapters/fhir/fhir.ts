import { checked } from '../../clients/fhir/checked.ts';
import { fhirBundle, fhirResource, type Resource } from '../../contracts/fhir.ts';
import { defineAdapter } from '../../core/define.ts';
import type { Format } from '../../core/format.ts';
import { config } from './config.ts';
import { fhirSource } from './source.ts';

const formats: Readonly<Record<string, Format<Resource>>> = {
  'fhir.r4': checked(fhirResource),
  'fhir.r4.Bundle': checked(fhirBundle) as Format<Resource>,
};

/**
 * Takes resources and transaction and batch bundles by FHIR's REST interface (hl7.org/fhir/R4/http.html): create, update, both also
 * conditional, and what it takes, as `metadata`. A request is one message, its body as it came. The answer comes when the message
 * has reached the channel's `ackAfter`: 201 or 200 as the interaction has it, or what a destination said (`replyFrom`); else an
 * OperationOutcome with 422 when it is refused for good, 503 with `Retry-After` when nothing can be taken now.
 */
export const fhir = defineAdapter({
  type: 'fhir',
  summary: 'Takes resources and bundles by FHIR’s REST interface, version R4, in JSON (hl7.org/fhir/R4/http.html).',
  produces: ({ format }) => formats[format] ?? fhirResource,
  acknowledges: 'reply',
  config,
  examples: [
    {
      title: 'Patients and appointments of the portal, for callers with a token',
      config: { endpoint: 'portal-fhir', types: ['Patient', 'Appointment'], auth: [{ bearer: 'portal-token' }] },
    },
    {
      title: 'Bundles alone, up to 8 MB',
      config: { endpoint: 'fhir-in', format: 'fhir.r4.Bundle', maxBodyBytes: '8MB' },
    },
  ],
  resources: ({ endpoint }) => [`endpoint:${endpoint}`],
  create: (settings, context) => fhirSource(settings, context),
});
