import { z } from 'zod';
import { byteSize } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';

const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'a header name');

const caller = z.union([
  z.strictObject({
    basic: endpointName('basic-auth').describe(
      'Name of the basic-auth endpoint with the name and password of a caller.',
    ),
  }),
  z.strictObject({
    bearer: endpointName('bearer-token').describe('Name of the bearer-token endpoint with the token of a caller.'),
  }),
]);

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
    auth: z
      .array(caller)
      .min(1)
      .optional()
      .describe('Who may call, each known by a name and password or by a token; anyone who can connect if absent.'),
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
    maxBodyBytes: byteSize()
      .default(64 * 1024 ** 2)
      .describe('A longer body, also when unpacked, is answered with 413.'),
    maxBufferedBytes: byteSize()
      .default(256 * 1024 ** 2)
      .describe('Bodies of all connections in memory together; one that would exceed it is answered with 503.'),
    maxHeaderBytes: byteSize()
      .default(16 * 1024)
      .describe('A longer head of a request is answered with 431.'),
    maxConnections: z
      .int()
      .positive()
      .default(200)
      .describe('Connections kept open; beyond it the oldest idle one is closed, or the new one where none is idle.'),
    headersTimeoutMs: z
      .int()
      .positive()
      .default(10_000)
      .describe('Time for the head of a request, from its first byte.'),
    bodyTimeoutMs: z.int().positive().default(120_000).describe('Time for the body of a request; then 408.'),
    idleTimeoutMs: z
      .int()
      .positive()
      .default(60_000)
      .describe('Closes a connection on which no request has begun for so long.'),
    retryAfterMs: z
      .int()
      .positive()
      .default(30_000)
      .describe('When a sender is told to come again (`Retry-After`) while the channel takes nothing.'),
  })
  .refine((value) => value.maxBufferedBytes >= value.maxBodyBytes, {
    error: 'maxBufferedBytes is less than maxBodyBytes',
  });

export type HttpSourceConfig = z.output<typeof config>;
