import { z } from 'zod';
import { authKeys, connectionKeys, headerName, headersKey } from '../../clients/http-client/config.ts';
import { responseActions } from '../../clients/http-client/status-table.ts';
import { pathTemplate } from '../../clients/http-client/template.ts';
import { ackCodes, errorKey } from '../../contracts/hl7v2-response.ts';
import { byteSize } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { readableBy } from '../../core/message-template.ts';

/** What a channel says of an HTTP destination. */
export const config = z.strictObject({
  endpoint: endpointName('http').describe('Name of the http endpoint in the environment file.'),
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').describe('Method of every request.'),
  path: z
    .string()
    .refine(readableBy(pathTemplate), 'a path like /orders/${messageId}')
    .default('')
    .describe(
      'What follows the path of the endpoint, with places that are filled in: messageId, n, destination, effectId, channel, seq, key, receivedAt, meta.<name>.',
    ),
  contentType: z
    .string()
    .regex(/^[!-~]+\/[ -~]+$/, 'a content type like application/json')
    .default('application/octet-stream')
    .describe('Content type of the requests.'),
  headers: headersKey().describe(
    'Headers beside those, with the same places as the path; one that comes out empty is left out.',
  ),
  idempotencyHeader: z
    .union([headerName(), z.literal(false)])
    .default('Idempotency-Key')
    .describe('Header with the effect id, by which the far end knows a retry; `false` sends none.'),
  ...authKeys,
  ...connectionKeys,
  maxReplyBytes: byteSize()
    .default(1024 ** 2)
    .describe('So much of an answer is kept; the rest is not read and the connection closed.'),
  response: z
    .record(responseKey(), z.enum(responseActions))
    .default({})
    .describe(
      'What an answer means: sent, retry, wait (for the whole destination) or dead-letter. Where it does not say: 2xx sent; 408, 425, 5xx and none retry; 3xx, 401, 403, 407, 429, 502, 503 and 504 wait; other 4xx dead-letter. A class stands behind every single status, those named here included. An answer that is an HL7 acknowledgement is judged by its MSA-1: AA and CA of a 2xx answer sent, AE and CE dead-letter, AR and CR retry, ERR-3.1=206 retry.',
    ),
});

export type HttpDestinationConfig = z.output<typeof config>;

function responseKey() {
  const status = z
    .string()
    .regex(/^(?:[2-5]\d\d|[2-5]xx|none)$/, 'a status like 409, a class like 4xx, none, AE or ERR-3.1=206');
  return z.union([status, z.enum(ackCodes), errorKey]);
}
