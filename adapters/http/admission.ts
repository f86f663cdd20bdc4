import type { IncomingMessage } from 'node:http';
import type { Callers } from './callers.ts';
import type { HttpSourceConfig } from './config.ts';
import { Refusal } from './refusal.ts';

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
  // RFC 9112 §3.2
  if (request.httpVersion === '1.1' && headers.host === undefined) throw new Refusal(400, 'there is no header Host');
  const caller = callers?.known(headers.authorization);
  if (callers && caller === undefined)
    throw new Refusal(401, 'the caller is not known', { 'www-authenticate': callers.challenge });
  const { path, query } = targetOf(request.url ?? '');
  if (path !== config.path) throw new Refusal(404, 'there is nothing at this path');
  if (!config.methods.some((each) => each === method))
    throw new Refusal(405, 'this method is not taken', { allow: config.methods.join(', ') });
  const { type, charset } = typeOf(headers['content-type']);
  if (!isTaken(type, config)) throw new Refusal(415, 'this content type is not taken');
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const packed = encoding === 'gzip' || encoding === 'x-gzip';
  if (!packed && encoding !== 'identity')
    throw new Refusal(415, 'this content encoding is not taken', { 'accept-encoding': 'gzip' });
  if (Number(headers['content-length'] ?? 0) > config.maxBodyBytes) throw tooLong();
  return { path, query, contentType: type, charset, packed, caller };
}

export function tooLong(): Refusal {
  return new Refusal(413, 'the body is longer than is taken');
}

/** Origin form, or absolute form, which every server has to take (RFC 9112 §3.2.2). */
function targetOf(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const origin = target.replace(/^https?:\/\/[^/?]*/i, '');
  const at = origin.indexOf('?');
  const path = at < 0 ? origin : origin.slice(0, at);
  return { path: path || '/', query: new URLSearchParams(at < 0 ? '' : origin.slice(at + 1)) };
}

function typeOf(header = ''): { readonly type: string; readonly charset: string | undefined } {
  const [type = '', ...parameters] = header.split(';');
  const charset = parameters.map((each) => /^\s*charset\s*=\s*"?([\w.:-]+)"?\s*$/i.exec(each)?.[1]).find(Boolean);
  return { type: type.trim().toLowerCase(), charset };
}

function isTaken(type: string, { contentTypes, multipart }: HttpSourceConfig): boolean {
  if (contentTypes === undefined || (multipart && type === 'multipart/form-data')) return true;
  return contentTypes.some((each) => {
    const taken = each.toLowerCase();
    return taken.endsWith('/*') ? type.startsWith(taken.slice(0, -1)) : type === taken;
  });
}
