import { createHash, timingSafeEqual } from 'node:crypto';
import type { SourceContext } from '../../core/source.ts';
import type { ListeningConfig } from './config.ts';

/** Who may call: the name of the endpoint with the caller's secret, or undefined for anybody else. */
export interface Callers {
  known(authorization: string | undefined): string | undefined;
  /** `WWW-Authenticate` of the refusals. */
  readonly challenge: string;
}

interface Caller {
  readonly name: string;
  /** Hashed: comparing hashes takes the same time whatever is presented, lengths included. */
  readonly secret: Buffer;
}

/** Undefined where anyone may call. Every caller is compared with, so that time says nothing of which one was nearest. */
export function callersOf(auth: ListeningConfig['auth'], context: SourceContext): Callers | undefined {
  if (auth === undefined) return undefined;
  const basic: Caller[] = [];
  const bearer: Caller[] = [];
  for (const each of auth) {
    if ('basic' in each) {
      const { user, password } = context.endpoint('basic-auth', each.basic);
      basic.push({ name: each.basic, secret: hashOf(`${user}:${password}`) });
    } else {
      bearer.push({ name: each.bearer, secret: hashOf(context.endpoint('bearer-token', each.bearer).token) });
    }
  }
  const schemes = [
    ...(basic.length > 0 ? ['Basic realm="weir", charset="UTF-8"'] : []),
    ...(bearer.length > 0 ? ['Bearer'] : []),
  ];
  return {
    challenge: schemes.join(', '),
    known: (authorization) => {
      const [, scheme = '', presented = ''] = /^(\S+) +(\S+)$/.exec(authorization ?? '') ?? [];
      switch (scheme.toLowerCase()) {
        case 'basic':
          return among(basic, Buffer.from(presented, 'base64'));
        case 'bearer':
          return among(bearer, presented);
        default:
          return undefined;
      }
    },
  };
}

function among(callers: readonly Caller[], presented: string | Buffer): string | undefined {
  const hash = hashOf(presented);
  let found: string | undefined;
  for (const { name, secret } of callers) if (timingSafeEqual(secret, hash)) found ??= name;
  return found;
}

function hashOf(text: string | Buffer): Buffer {
  return createHash('sha256').update(text).digest();
}
