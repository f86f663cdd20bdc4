import type { Request } from 'express';
import type { Reader } from '../../core/store/message-store.ts';
import { RequestFailure } from './failure.ts';

/**
 * Who asks, and why: headers `weir-actor`, `weir-reason` and `weir-ticket`, percent-encoded UTF-8. Headers of our own also keep
 * other web pages out: a browser sends them across origins only after asking, and is never told yes.
 */
export function readerOf(request: Request): Reader {
  const actor = header(request, 'weir-actor');
  const reason = header(request, 'weir-reason');
  const ticket = header(request, 'weir-ticket');
  if (!actor || !reason) {
    throw new RequestFailure(400, 'reader-needed', 'who asks and why is needed: headers weir-actor and weir-reason');
  }
  return ticket ? { actor, reason, ticket } : { actor, reason };
}

/** Whether the request says who asks, so that `readerOf` has to be asked. */
export function hasReader(request: Request): boolean {
  return request.get('weir-actor') !== undefined || request.get('weir-reason') !== undefined;
}

function header(request: Request, name: string): string {
  const text = request.get(name) ?? '';
  try {
    return decodeURIComponent(text).trim().slice(0, 500);
  } catch {
    throw new RequestFailure(400, 'request-invalid', `the header ${name} is not percent-encoded UTF-8`);
  }
}
