import type { ErrorRequestHandler, Response } from 'express';
import type { Log } from '../../core/component.ts';
import { describeThrown, type ErrorCode, HubError } from '../../core/errors.ts';

/** How each error of the hub is answered over HTTP; a code that is not listed is 500, or 503 where trying again can help. */
const statuses: Partial<Record<ErrorCode, number>> = {
  'config-invalid': 422,
  'not-found': 404,
  'not-allowed': 409,
  'confirmation-needed': 409,
  'store-full': 503,
  draining: 503,
};

/** A request that cannot be understood; `status` is the HTTP one. */
export class RequestFailure extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function refuse(response: Response, status: number, code: string, message: string): void {
  response.status(status).json({ code, message });
}

/** Every error leaves as `{ code, message }`; what is no error of the hub's own is logged, and says nothing of its text. */
export function failureHandler(log: Log): ErrorRequestHandler {
  return (thrown: unknown, _request, response, next) => {
    if (response.headersSent) return next(thrown);
    if (thrown instanceof RequestFailure) return refuse(response, thrown.status, thrown.code, thrown.message);
    if (thrown instanceof HubError) {
      const status = statuses[thrown.code] ?? (thrown.kind === 'transient' ? 503 : 500);
      return refuse(response, status, thrown.code, thrown.message);
    }
    const status = bodyStatus(thrown);
    if (status !== undefined)
      return refuse(
        response,
        status,
        'request-invalid',
        status === 413 ? 'the request is too large' : 'the request cannot be read',
      );
    log.error({ error: describeThrown(thrown) }, 'answering an admin request failed');
    return refuse(response, 500, 'internal', 'answering the request failed; the log says more');
  };
}

/** What the body parsers throw carries a status of its own. */
function bodyStatus(thrown: unknown): number | undefined {
  const status = (thrown as { readonly status?: unknown } | null)?.status;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
