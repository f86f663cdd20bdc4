import { z } from 'zod';
import { byteSize } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';

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

/** Who may call. */
export const authKeys = {
  auth: z
    .array(caller)
    .min(1)
    .optional()
    .describe('Who may call, each known by a name and password or by a token; anyone who can connect if absent.'),
};

/** What a source that is an HTTP server says of its connections and requests. */
export const listeningKeys = {
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
  headersTimeoutMs: z.int().positive().default(10_000).describe('Time for the head of a request, from its first byte.'),
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
};

const endpoint = { endpoint: endpointName('tcp-listen') };
const whole = z.strictObject({ ...endpoint, ...authKeys, ...listeningKeys });

/** As it is read. */
export type ListeningConfig = z.output<typeof whole>;

/** For the schema of the whole: one body has to fit into what all have together. */
export function buffersOneBody(value: Pick<ListeningConfig, 'maxBodyBytes' | 'maxBufferedBytes'>): boolean {
  return value.maxBufferedBytes >= value.maxBodyBytes;
}
export const buffersNoBody = 'maxBufferedBytes is less than maxBodyBytes';
