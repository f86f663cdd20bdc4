import { z } from 'zod';
import { authKeys, buffersNoBody, buffersOneBody, listeningKeys } from '../../clients/http-server/config.ts';
import { endpointName } from '../../core/endpoint-name.ts';

const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'a header name');

const multipart = z.strictObject({
  part: z.string().min(1).optional().describe('Only parts of this name become messages; every file if absent.'),
  maxParts: z.int().positive().default(100).describe('A request with more parts is refused.'),
});

/** What a channel says of an HTTP source. */
export const config = z
  .strictObject({
    endpoint: endpointName('tcp-listen').describe('Name of the listening endpoint in the environment file.'),
    path: z
      .string()
      .regex(/^\/[!-~]*$/, 'a path like /orders')
      .refine((path) => !/[?#]/.test(path), 'a path without query')
      .default('/')
      .describe('Path of the requests that are taken, as it is written; every other one is answered with 404.'),
    methods: z
      .array(z.enum(['POST', 'PUT']))
      .min(1)
      .default(['POST', 'PUT'])
      .describe('Methods that are taken; every other one is answered with 405.'),
    format: z
      .enum(['bytes', 'json', 'hl7v2'])
      .default('bytes')
      .describe(
        'What the bodies are read as, where the channel does not say. With `hl7v2`, requests of an HL7 content type are answered with an acknowledgement.',
      ),
    contentTypes: z
      .array(z.string().regex(/^[\w.+-]+\/(?:[\w.+-]+|\*)$/, 'a content type like application/json or text/*'))
      .min(1)
      .optional()
      .describe('Content types that are taken; every other one is answered with 415. Any if absent.'),
    multipart: multipart
      .optional()
      .describe('Makes messages of the parts of a multipart/form-data body; without it such a body is one message.'),
    ...authKeys,
    headers: z
      .array(headerName.refine((name) => !/^(?:proxy-)?authorization$|^cookie$/i.test(name), 'no header with a secret'))
      .default([])
      .describe('Headers that are kept as meta `http.header.<name>`, in lower case.'),
    query: z
      .array(z.string().min(1))
      .default([])
      .describe('Query parameters that are kept as meta `http.query.<name>`.'),
    dedupeHeader: headerName
      .default('Idempotency-Key')
      .describe(
        'Header that says which message this is, where the channel detects duplicates; MSH-3, MSH-4 and MSH-10 say it for hl7v2 without.',
      ),
    replyContentType: z
      .string()
      .regex(/^[!-~]+\/[ -~]+$/, 'a content type like application/json')
      .default('application/octet-stream')
      .describe('Content type of the answers where they come from a destination (`replyFrom`).'),
    ...listeningKeys,
  })
  .refine(buffersOneBody, { error: buffersNoBody });

export type HttpSourceConfig = z.output<typeof config>;
