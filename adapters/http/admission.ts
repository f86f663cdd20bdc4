import type { IncomingMessage } from 'node:http';
import type { Callers } from '../../clients/http-server/callers.ts';
import { Refusal } from '../../clients/http-server/refusal.ts';
import { callerOf, packingOf, targetOf, typeOf } from '../../clients/http-server/request-head.ts';
import type { HttpSourceConfig } from './config.ts';

/** What is known of a request before its body is read. */
export interface Admitted {
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower case, without parameters; empty where there is none. */
  readonly contentType: string;
  readonly charset: string | undefined;
  readonly packed: boolean;
  /** Name of the endpoint by whose secret the caller is known. */
  readonly caller: string | undefined;
}

/** Throws Refusal for what the head of a request shows: 400, 401, 404, 405, 413, 415. */
export function admit(request: IncomingMessage, config: HttpSourceConfig, callers: Callers | undefined): Admitted {
  const { headers, method = '' } = request;
  const caller = callerOf(request, callers);
  const { path, query } = targetOf(request.url);
  if (path !== config.path) throw new Refusal(404, 'there is nothing at this path');
  if (!config.methods.some((each) => each === method))
    throw new Refusal(405, 'this method is not taken', { allow: config.methods.join(', ') });
  const { type, charset } = typeOf(headers['content-type']);
  if (!isTaken(type, config)) throw new Refusal(415, 'this content type is not taken');
  return { path, query, contentType: type, charset, packed: packingOf(request, config.maxBodyBytes), caller };
}

function isTaken(type: string, { contentTypes, multipart }: HttpSourceConfig): boolean {
  if (contentTypes === undefined || (multipart && type === 'multipart/form-data')) return true;
  return contentTypes.some((each) => {
    const taken = each.toLowerCase();
    return taken.endsWith('/*') ? type.startsWith(taken.slice(0, -1)) : type === taken;
  });
}
