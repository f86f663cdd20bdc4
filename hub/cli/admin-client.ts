import { userInfo } from 'node:os';
import { readSettings } from '../settings.ts';
import { CommandFailure, exit, exitFor } from './exit.ts';

/** Options that every command that talks to the hub takes. */
export interface ClientOptions {
  readonly admin?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly reason?: string;
  readonly ticket?: string;
  readonly actor?: string;
}

export interface Call {
  readonly method?: 'GET' | 'POST';
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Uint8Array | object;
  /** Names the actor and this reason, where `--reason` gives no other. */
  readonly reason?: string;
}

/**
 * Calls the admin API and resolves with its JSON. Throws CommandFailure: unreachable, or what the API answered.
 * @param accept statuses whose answer is a report all the same
 */
export async function call<T>(
  options: ClientOptions,
  path: string,
  { method = 'GET', query = {}, body, reason }: Call = {},
  accept: readonly number[] = [],
): Promise<T> {
  const { url, token } = target(options);
  const address = new URL(path, url);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(name, value);
  const headers = { ...authorization(token), ...(reason !== undefined && who(options, reason)) };
  const bytes = body instanceof Uint8Array;
  const type = body && { 'content-type': bytes ? 'application/octet-stream' : 'application/json' };
  const content = bytes ? body : body && JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(address, {
      method,
      headers: { ...headers, ...type },
      ...(content !== undefined && { body: content as NonNullable<RequestInit['body']> }),
    });
  } catch {
    throw new CommandFailure(exit.unreachable, `no hub answers at ${url.origin}; is it running? (--admin says where)`);
  }
  const answer = (await response.json().catch(() => ({}))) as { readonly code?: string; readonly message?: string };
  if (response.ok || accept.includes(response.status)) return answer as T;
  const message = answer.message ?? `the hub answered ${response.status}`;
  throw new CommandFailure(exitFor(answer.code ?? ''), message + (hints[answer.code ?? ''] ?? ''));
}

function authorization(token: string | undefined): Readonly<Record<string, string>> {
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** Who asks, and why; on the audit trail of the hub. */
function who({ actor, reason: given, ticket }: ClientOptions, reason: string): Readonly<Record<string, string>> {
  return {
    'weir-actor': encodeURIComponent(actor ?? userInfo().username),
    'weir-reason': encodeURIComponent(given ?? reason),
    ...(ticket && { 'weir-ticket': encodeURIComponent(ticket) }),
  };
}

/**
 * Opens a stream of server-sent events of the admin API and yields the data of each as it comes, until `signal` aborts or the hub
 * ends it. Throws CommandFailure as `call` does.
 */
export async function* events(options: ClientOptions, path: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  const { url, token } = target(options);
  let response: Response;
  const headers = { ...authorization(token), ...(options.reason !== undefined && who(options, options.reason)) };
  try {
    response = await fetch(new URL(path, url), { signal, headers });
  } catch {
    if (signal.aborted) return;
    throw new CommandFailure(exit.unreachable, `no hub answers at ${url.origin}; is it running? (--admin says where)`);
  }
  if (!response.ok || !response.body) {
    const { code = '', message } = (await response.json().catch(() => ({}))) as Partial<Record<string, string>>;
    const text = message ?? `the hub answered ${response.status}`;
    throw new CommandFailure(exitFor(code), text + (hints[code] ?? ''));
  }
  let rest = '';
  try {
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1] ?? 'message';
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) yield { event, data: JSON.parse(data) };
      }
    }
  } catch (thrown) {
    if (!signal.aborted)
      throw new CommandFailure(exit.unreachable, `the hub at ${url.origin} is gone`, { cause: thrown });
  }
}

/** One event of a stream. */
export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
}

/** What to do about it, for people on this command line. */
const hints: Readonly<Record<string, string>> = {
  'token-needed': '; it comes from admin.token of weir.yaml, or else from WEIR_ADMIN_TOKEN',
  'confirmation-needed': '; --confirm does it all the same',
};

/** `--admin`, else the environment variable WEIR_ADMIN, else what `weir.yaml` says. */
function target(options: ClientOptions): { readonly url: URL; readonly token: string | undefined } {
  const given = options.admin ?? process.env.WEIR_ADMIN;
  const settings = given ? undefined : readSettings({ config: options.config }).admin;
  const token = settings?.token ?? process.env.WEIR_ADMIN_TOKEN;
  if (!given) {
    const host = settings!.host === '0.0.0.0' || settings!.host === '::' ? '127.0.0.1' : settings!.host;
    return { url: new URL(`http://${host.includes(':') ? `[${host}]` : host}:${settings!.port}`), token };
  }
  try {
    return { url: new URL(/^https?:\/\//.test(given) ? given : `http://${given}`), token };
  } catch {
    throw new CommandFailure(exit.usage, `--admin takes an address like http://127.0.0.1:8640, not ${given}`);
  }
}
