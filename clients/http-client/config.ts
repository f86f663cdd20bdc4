import { z } from 'zod';
import { endpointName } from '../../core/endpoint-name.ts';
import { readableBy } from '../../core/message-template.ts';
import { headerTemplate } from './template.ts';

/** The name of a header that the configuration may set: those that the request itself depends on are not for it. */
export function headerName() {
  return z
    .string()
    .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'a header name')
    .refine((name) => !reserved.has(name.toLowerCase()), 'a header that is set for you');
}

/**
 * Headers that the configuration adds, with places that are filled in from each message.
 * @param taken names in lower case that the component sets itself
 */
export function headersKey(taken: readonly string[] = []) {
  const name = headerName().refine((text) => !taken.includes(text.toLowerCase()), 'a header that is set for you');
  return z.record(name, z.string().refine(readableBy(headerTemplate), 'a value like ${channel}')).default({});
}

const reserved: ReadonlySet<string> = new Set([
  ...['authorization', 'connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive'],
  ...['proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

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

/** How we say who we are. */
export const authKeys = {
  auth: auth
    .optional()
    .describe('How we say who we are; by a client certificate of the endpoint, or not at all, if absent.'),
};

/** What a destination that makes HTTP requests says of its connections. */
export const connectionKeys = {
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
  maxRetryAfterMs: z
    .int()
    .min(0)
    .default(900_000)
    .describe('How long a Retry-After of an answer that means retry or wait is obeyed, at the most; 0 obeys none.'),
};

const whole = z.strictObject({ ...authKeys, ...connectionKeys });

/** As it is read. */
export type RequestingConfig = z.output<typeof whole>;
