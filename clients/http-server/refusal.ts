import type { OutgoingHttpHeaders } from 'node:http';

/** Why a request is not taken. Its text is ours: it quotes nothing of the request. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;

  constructor(status: number, message: string, headers: OutgoingHttpHeaders = {}) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.headers = headers;
  }
}

/** The sender is gone, or the source is halted: there is nobody to answer. */
export class Gone extends Error {}

/** The channel takes nothing now; the same request may be made again later. */
export function comeAgain(retryAfterMs: number, message: string): Refusal {
  return new Refusal(503, message, { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) });
}

export function tooLong(): Refusal {
  return new Refusal(413, 'the body is longer than is taken');
}
