import type { DestinationContext } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import { AccessTokens } from './access-tokens.ts';
import type { RequestingConfig } from './config.ts';
import type { Authorization, Credentials } from './credentials.ts';

/**
 * How the requests of a destination say who makes them. Throws HubError `config-invalid` where a secret cannot stand in a header.
 * @param counters what the names of its counters begin with
 */
export function authorizationOf(
  config: RequestingConfig,
  context: DestinationContext,
  counters: string,
): Authorization {
  const { auth } = config;
  if (auth === undefined) return unchanging({});
  if ('oauth2' in auth)
    return new AccessTokens(context.endpoint('oauth2-client', auth.oauth2), config, context, counters);
  if ('basic' in auth) {
    const { user, password } = context.endpoint('basic-auth', auth.basic);
    return unchanging({ authorization: basic(user, password) });
  }
  const { token } = context.endpoint('bearer-token', auth.bearer);
  if (!/^[!-~]+$/.test(token)) {
    throw new HubError('config-invalid', 'permanent', `reading the token of ${auth.bearer}: it is not visible ASCII`);
  }
  return unchanging(auth.header ? { [auth.header.toLowerCase()]: token } : { authorization: `Bearer ${token}` });
}

/** RFC 7617, in UTF-8. */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function unchanging(credentials: Credentials): Authorization {
  return { credentials: async () => credentials, refused: () => false, [Symbol.dispose]: () => {} };
}
