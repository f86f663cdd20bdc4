// biome-ignore-all lint/suspicious/noTemplateCurlyInString: paths and headers are templates with such places
import { z } from 'zod';
import { ackCodes, errorKey } from '../../contracts/hl7v2-response.ts';
import { byteSize } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { headerTemplate, isTemplate, pathTemplate } from './template.ts';

const action = z.enum(['sent', 'retry', 'wait', 'dead-letter']);

const auth = z.union([
  z.strictObject({
    basic: endpointName('basic-auth').describe('Name of the basic-auth endpoint with our name and password.'),
  }),
  z.strictObject({
    bearer: endpointName('bearer-token').describe('Name of the bearer-token endpoint with our token.'),
    header: headerName()
      .optional()
      .describe('Header that carries the token as it is, e.g. X-API-Key; `Authorization: Bearer …` if absent.'),
  }),
  z.strictObject({
    oauth2: endpointName('oauth2-client').describe(
      'Name of the oauth2-client endpoint at which access tokens are fetched.',
    ),
  }),
]);

/** What a channel says of an HTTP destination. */
export const config = z.strictObject({
  endpoint: endpointName('http').describe('Name of the http endpoint in the environment file.'),
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').describe('Method of every request.'),
  path: z
    .string()
    .refine(isTemplate(pathTemplate), 'a path like /orders/${messageId}')
    .default('')
    .describe(
      'What follows the path of the endpoint, with places that are filled in: messageId, n, destination, effectId, channel, seq, key, receivedAt, meta.<name>.',
    ),
  contentType: z
    .string()
    .regex(/^[!-~]+\/[ -~]+$/, 'a content type like application/json')
    .default('application/octet-stream')
    .describe('Content type of the requests.'),
  headers: z
    .record(headerName(), z.string().refine(isTemplate(headerTemplate), 'a value like ${channel}'))
    .default({})
    .describe('Headers beside those, with the same places as the path; one that comes out empty is left out.'),
  idempotencyHeader: z
    .union([headerName(), z.literal(false)])
    .default('Idempotency-Key')
    .describe('Header with the effect id, by which the far end knows a retry; `false` sends none.'),
  auth: auth
    .optional()
    .describe('How we say who we are; by a client certificate of the endpoint, or not at all, if absent.'),
  connections: z
    .int()
    .positive()
    .default(4)
    .describe('Requests under way at once, each on a connection of its own; messages of one key still go one by one.'),
  connectTimeoutMs: z.int().positive().default(10_000).describe('Time for a connection, the TLS handshake included.'),
  replyTimeoutMs: z
    .int()
    .positive()
    .default(30_000)
    .describe(
      'Time from the request to the end of its answer. Then the connection is closed and the same request made again.',
    ),
  idleTimeoutMs: z
    .int()
    .positive()
    .default(10_000)
    .describe(
      'How long an unused connection is kept; shorter where the far end says so. Less than what the far end keeps.',
    ),
  maxReplyBytes: byteSize()
    .default(1024 ** 2)
    .describe('So much of an answer is kept; the rest is not read and the connection closed.'),
  maxRetryAfterMs: z
    .int()
    .min(0)
    .default(900_000)
    .describe('How long a Retry-After of an answer that means retry or wait is obeyed, at the most; 0 obeys none.'),
  response: z
    .record(responseKey(), action)
    .default({})
    .describe(
      'What an answer means: sent, retry, wait (for the whole destination) or dead-letter. Where it does not say: 2xx sent; 408, 425, 5xx and none retry; 3xx, 401, 403, 407, 429, 502, 503 and 504 wait; other 4xx dead-letter. A class stands behind every single status, those named here included. An answer that is an HL7 acknowledgement is judged by its MSA-1: AA and CA of a 2xx answer sent, AE and CE dead-letter, AR and CR retry, ERR-3.1=206 retry.',
    ),
});

export type HttpDestinationConfig = z.output<typeof config>;
export type ResponseAction = z.output<typeof action>;

function responseKey() {
  const status = z
    .string()
    .regex(/^(?:[2-5]\d\d|[2-5]xx|none)$/, 'a status like 409, a class like 4xx, none, AE or ERR-3.1=206');
  return z.union([status, z.enum(ackCodes), errorKey]);
}

/** Those that the request itself depends on are not for the configuration. */
function headerName() {
  return z
    .string()
    .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'a header name')
    .refine((name) => !reserved.has(name.toLowerCase()), 'a header that is set for you');
}

const reserved: ReadonlySet<string> = new Set([
  ...['authorization', 'connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive'],
  ...['proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);
