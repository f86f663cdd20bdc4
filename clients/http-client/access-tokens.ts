import type { DestinationContext } from '../../core/destination.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { Client, type Request } from './client.ts';
import { ClientAssertion } from './client-assertion.ts';
import type { RequestingConfig } from './config.ts';
import type { Authorization, Credentials } from './credentials.ts';

type OAuth2Client = EndpointOf<'oauth2-client'>;

interface AccessToken {
  readonly credentials: Credentials;
  /** On the monotonic clock: from then on another one is fetched. */
  readonly renewAt: number;
}

const MAX_ANSWER_BYTES = 64 * 1024;
/** A token is not used in its last minute, or its second half where it lives for less than two. */
const MARGIN_MS = 60_000;
/** How long a token is used whose server does not say for how long it holds. */
const UNSAID_MS = 300_000;

/** Access tokens for client credentials (RFC 6749 §4.4, SMART backend services): one at a time, kept until shortly before it expires. */
export class AccessTokens implements Authorization {
  readonly #endpoint: OAuth2Client;
  readonly #config: RequestingConfig;
  readonly #context: DestinationContext;
  readonly #counters: string;
  readonly #assertion: ClientAssertion | undefined;
  readonly #client: Client;
  readonly #closing = new AbortController();
  #token: AccessToken | undefined;
  #fetching: Promise<AccessToken> | undefined;

  constructor(endpoint: OAuth2Client, config: RequestingConfig, context: DestinationContext, counters: string) {
    const { connectTimeoutMs, idleTimeoutMs } = config;
    this.#endpoint = endpoint;
    this.#config = config;
    this.#context = context;
    this.#counters = counters;
    this.#assertion = endpoint.privateKey === undefined ? undefined : new ClientAssertion(endpoint, context.clock);
    this.#client = new Client(endpoint, { clock: context.clock, connections: 1, connectTimeoutMs, idleTimeoutMs });
  }

  async credentials(signal: AbortSignal): Promise<Credentials> {
    if (this.#token && this.#context.clock.monotonic() < this.#token.renewAt) return this.#token.credentials;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(away('given up'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return (await Promise.race([this.#fetching, promise])).credentials;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** One that another request has already replaced is no reason to throw away its successor. */
  refused(credentials: Credentials): boolean {
    if (this.#token?.credentials === credentials) this.#token = undefined;
    return true;
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#client[Symbol.dispose]();
  }

  async #fetch(): Promise<AccessToken> {
    const began = this.#context.clock.monotonic();
    const result = await this.#client.send(tokenRequest(this.#endpoint, this.#assertion), {
      timeoutMs: this.#config.replyTimeoutMs,
      maxReplyBytes: MAX_ANSWER_BYTES,
      signal: this.#closing.signal,
      mayBegin: () => true,
    });
    if (result.kind !== 'answer') throw away(result.error?.message ?? 'given up', result.error);
    const { status, body } = result.answer;
    const said = fieldsOf(body);
    if (status !== 200) throw away(`the server answered ${status}${codeIn(said.error)}`);
    const { access_token: token, token_type: type, expires_in: seconds } = said;
    if (typeof token !== 'string' || !/^[!-~]+$/.test(token)) throw away('the answer holds no access token');
    if (typeof type === 'string' && type.toLowerCase() !== 'bearer') throw away('the token is no bearer token');
    const holdsMs = Number.isFinite(Number(seconds)) && Number(seconds) > 0 ? Number(seconds) * 1_000 : UNSAID_MS;
    const renewAt = began + Math.max(holdsMs - MARGIN_MS, holdsMs / 2);
    this.#context.count(`${this.#counters}_tokens_fetched_total`);
    this.#token = { credentials: { authorization: `Bearer ${token}` }, renewAt };
    return this.#token;
  }
}

function tokenRequest(endpoint: OAuth2Client, assertion: ClientAssertion | undefined): Request {
  const { clientId, clientSecret = '', scope, audience, clientAuthentication } = endpoint;
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scope !== undefined) form.set('scope', scope);
  if (audience !== undefined) form.set('audience', audience);
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  };
  if (assertion) {
    // RFC 7523 §2.2
    form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    form.set('client_assertion', assertion.next());
  } else if (clientAuthentication === 'basic') {
    // RFC 6749 §2.3.1: both are form-encoded first.
    const pair = new URLSearchParams([[clientId, clientSecret]]).toString().replace('=', ':');
    headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  } else {
    form.set('client_id', clientId);
    form.set('client_secret', clientSecret);
  }
  return { method: 'POST', path: '', headers, body: Buffer.from(form.toString()) };
}

function fieldsOf(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

/** The error code of RFC 6749 §5.2, and nothing else that the server may say. */
function codeIn(error: unknown): string {
  return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : '';
}

function away(what: string, cause?: unknown): HubError {
  return new HubError('refused', 'transient', `fetching an access token: ${what}`, { cause, scope: 'destination' });
}
