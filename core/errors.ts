/** Whether trying again can help. It alone decides a retry. */
export type ErrorKind = 'transient' | 'permanent';

/**
 * What the error says something about. A `destination` error (refused, reset, 401, TLS) opens that destination's circuit and
 * spends none of the message's attempts; a `message` error is about this one payload.
 */
export type ErrorScope = 'message' | 'destination';

/** Every code a hub error can carry, with its meaning. Codes are never reused. */
export const errorCodes = {
  // what came in
  'frame-malformed': 'The bytes between two messages, or the frame around one, broke the framing protocol.',
  'frame-oversized': 'A message was longer than the source allows.',
  'decode-failed': 'The payload is not what its format says it is.',
  'encode-failed': 'A value could not be written in its format.',
  unmatched: 'No destination wanted a message of this type.',
  'validation-failed': 'The message is not what its standard, or its sender’s profile, says it has to be.',
  'processing-refused': 'The message is for another processing: a test message in production, or the other way round.',
  duplicate: 'The same message was received before.',
  // our own steps
  'step-failed': 'A filter, key or transform step threw.',
  'step-timeout': 'A step ran longer than stepTimeoutMs and was ended.',
  poison: 'The message was being transformed at three crashes in a row.',
  // what goes out
  refused: 'The far end could not be reached, or refused the connection.',
  'connection-lost': 'The connection broke while a message was on its way.',
  'reply-timeout': 'The far end did not answer in time.',
  'reply-invalid': 'The answer is not an acknowledgement of the message that was sent.',
  'reply-negative': 'The far end answered that it does not accept the message.',
  'write-failed': 'The destination could not write the message.',
  'attempts-exhausted': 'The message was tried as often, or for as long, as its destination allows.',
  cancelled: 'The message was withdrawn before it was sent, because its sender was told that it was not accepted.',
  skipped: 'An operator skipped the message.',
  // the hub itself
  draining: 'The channel is stopping.',
  'store-full': 'The message store has reached its quota, or the disk its reserve.',
  'store-failed': 'The message store could not read or write.',
  'store-locked': 'Another hub has this message store open.',
  'lease-lost': 'Another hub has taken over the channel, or may have: nothing was written.',
  'event-log-failed': 'The event log could not read or write.',
  'search-failed': 'The search index could not read or write.',
  'port-in-use': 'Another program, or another channel, listens on this address.',
  'config-invalid': 'A configuration value is missing or wrong.',
  'not-found': 'Nothing has this name or id.',
  'not-allowed': 'The state it is in, or the rights of the caller, do not permit the action.',
  'confirmation-needed': 'The action has a consequence that its caller has to confirm.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/**
 * The one error class. The message says what was being done, then what happened: "decoding MSH from 10.0.0.7: no field
 * separator". It never holds a payload, a name or a patient identifier.
 */
export class HubError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly scope: ErrorScope;

  constructor(
    code: ErrorCode,
    kind: ErrorKind,
    message: string,
    options: { readonly cause?: unknown; readonly scope?: ErrorScope } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HubError';
    this.code = code;
    this.kind = kind;
    this.scope = options.scope ?? 'message';
  }
}

/** What of an error is stored beside a message and sent over the admin API. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly scope: ErrorScope;
  readonly message: string;
}

export function errorRecord(error: HubError): ErrorRecord {
  return { code: error.code, kind: error.kind, scope: error.scope, message: error.message };
}

export function fromRecord(record: ErrorRecord): HubError {
  return new HubError(record.code, record.kind, record.message, { scope: record.scope });
}

/** Anything thrown, as a HubError: itself if it is one, else `code` with the thrown error's class and no text of its own. */
export function asHubError(thrown: unknown, code: ErrorCode, doing: string, kind: ErrorKind = 'permanent'): HubError {
  if (thrown instanceof HubError) return thrown;
  return new HubError(code, kind, `${doing}: ${describeThrown(thrown)}`, { cause: thrown });
}

/**
 * A thrown value without its text, which may quote the payload ("Unexpected token D in 'DOE^JOHN'"): its class, its code where
 * it has one, and the place that threw.
 */
export function describeThrown(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `a thrown ${typeof thrown}`;
  const code = (thrown as { code?: unknown }).code;
  const place = /\(?((?:file:\/\/)?[^\s()]+:\d+:\d+)\)?/.exec(thrown.stack?.split('\n    at ')[1] ?? '')?.[1];
  const file = place?.replace(/^.*[\\/](?=[^\\/]*$)/, '').replace(/\?[^:]*/, '');
  return `${thrown.name}${typeof code === 'string' ? ` ${code}` : ''}${file ? ` at ${file}` : ''}`;
}
