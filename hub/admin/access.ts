import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { RequestHandler } from 'express';
import { HubError } from '../../core/errors.ts';
import { refuse } from './failure.ts';

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Throws HubError `config-invalid` for an address that others can reach while nobody has to say who they are. */
export function assertGuarded(host: string, token: string | undefined): void {
  if (token !== undefined || isLoopback(host)) return;
  throw new HubError(
    'config-invalid',
    'permanent',
    `opening the admin API on ${host}: an address that is not loopback needs admin.token`,
  );
}

/**
 * On loopback only names of loopback are served: a web page whose name was made to point here (DNS rebinding) still sends its
 * own name in Host.
 */
export function hostCheck(host: string): RequestHandler {
  return (request, response, next) => {
    if (!isLoopback(host) || isLoopback(hostName(request.headers.host))) next();
    else refuse(response, 403, 'host-refused', 'the admin API is served under names of loopback only');
  };
}

function hostName(header: string | undefined): string {
  if (header === undefined) return '';
  return header.startsWith('[') ? header.slice(1, header.indexOf(']')) : header.replace(/:\d+$/, '');
}

/** Wants `Authorization: Bearer <token>`, where a token is set. Compares hashes, so that time tells nothing of either. */
export function tokenCheck(token: string | undefined): RequestHandler {
  if (token === undefined) return (_request, _response, next) => next();
  const wanted = digest(token);
  return (request, response, next) => {
    const given = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), wanted)) return next();
    response.setHeader('www-authenticate', 'Bearer');
    const what = given === undefined ? 'needs its bearer token' : 'refuses this bearer token';
    refuse(response, 401, 'token-needed', `the admin API ${what}`);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
