import { hl7v2 } from '../../contracts/hl7v2.ts';
import { json } from '../../contracts/json.ts';
import { defineAdapter } from '../../core/define.ts';
import { bytes, type Format } from '../../core/format.ts';
import { config } from './config.ts';
import { httpSource } from './source.ts';

const formats: Readonly<Record<string, Format<unknown>>> = { bytes, json, hl7v2 };

/**
 * Takes the bodies of POST and PUT requests (RFC 9110) and answers each when it has reached the channel's `ackAfter`: 200 when it
 * is done, 202 when it is kept to be done, 422 when it is refused for good, 503 with `Retry-After` when nothing can be taken now.
 * The answer is JSON with id and status, or what a destination said (`replyFrom`), or, for HL7 content types, an acknowledgement
 * (HL7 over HTTP, hapifhir.github.io/hapi-hl7v2/hapi-hl7overhttp/specification.html). Requests of one connection are in order.
 */
export const http = defineAdapter({
  type: 'http',
  summary: 'Takes the bodies of HTTP requests and answers each with what became of it (RFC 9110, HL7 over HTTP).',
  produces: ({ format }) => formats[format] ?? bytes,
  acknowledges: 'reply',
  config,
  examples: [
    {
      title: 'Orders of the portal as JSON, for callers with a token',
      config: {
        endpoint: 'portal-in',
        path: '/orders',
        format: 'json',
        contentTypes: ['application/json'],
        auth: [{ bearer: 'portal-token' }],
        headers: ['X-Request-Id'],
      },
    },
    { title: 'HL7 over HTTP', config: { endpoint: 'hl7-in', path: '/hl7', format: 'hl7v2' } },
    {
      title: 'Reports that are uploaded by a form',
      config: { endpoint: 'upload', methods: ['POST'], multipart: { part: 'report' }, maxBodyBytes: '128MB' },
    },
  ],
  resources: ({ endpoint }) => [`endpoint:${endpoint}`],
  create: (settings, context) => httpSource(settings, context),
});
