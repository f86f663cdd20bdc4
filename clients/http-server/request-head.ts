import type { IncomingMessage } from 'node:http';
import type { Callers } from './callers.ts';
import { Refusal, tooLong } from './refusal.ts';

/**
 * The name of the endpoint by whose secret the caller is known; undefined where anyone may call. Throws Refusal 400 or 401.
 */
export function callerOf({ headers, httpVersion }: IncomingMessage, callers: Callers | undefined): string | undefined {
  // RFC 9112 §3.2
  if (httpVersion === '1.1' && headers.host === undefined) throw new Refusal(400, 'there is no header Host');
  const caller = callers?.known(headers.authorization);
  if (callers && caller === undefined)
    throw new Refusal(401, 'the caller is not known', { 'www-authenticate': callers.challenge });
  return caller;
}

export interface Target {
  readonly path: string;
  /** As it came, without its question mark. */
  readonly search: string;
  readonly query: URLSearchParams;
}

/** Origin form, or absolute form, which every server has to take (RFC 9112 §3.2.2). */
export function targetOf(target = ''): Target {
  const origin = target.replace(/^https?:\/\/[^/?]*/i, '');
  const at = origin.indexOf('?');
  const path = at < 0 ? origin : origin.slice(0, at);
  const search = at < 0 ? '' : origin.slice(at + 1);
  return { path: path || '/', search, query: new URLSearchParams(search) };
}

/** Lower case, without parameters; empty where there is none. */
export function typeOf(header = ''): { readonly type: string; readonly charset: string | undefined } {
  const [type = '', ...parameters] = header.split(';');
  const charset = parameters.map((each) => /^\s*charset\s*=\s*"?([\w.:-]+)"?\s*$/i.exec(each)?.[1]).find(Boolean);
  return { type: type.trim().toLowerCase(), charset };
}

/** Whether a body that may come is packed. Throws Refusal 413 or 415. */
export function packingOf({ headers }: IncomingMessage, maxBytes: number): boolean {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const packed = encoding === 'gzip' || encoding === 'x-gzip';
  if (!packed && encoding !== 'identity')
    throw new Refusal(415, 'this content encoding is not taken', { 'accept-encoding': 'gzip' });
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLong();
  return packed;
}
