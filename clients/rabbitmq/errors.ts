import { describeThrown, HubError } from '../../core/errors.ts';
import { failureText, networkCodes } from '../../core/net/tls-failure.ts';

interface Explained {
  readonly code: HubError['code'];
  readonly kind: HubError['kind'];
  readonly scope: HubError['scope'];
  readonly text: string;
}

/** Somebody has to change a setting, here or at the broker: it is tried again meanwhile, and no message is lost over it. */
const setting = (text: string, code: HubError['code'] = 'refused'): Explained => ({
  code,
  kind: 'transient',
  scope: 'destination',
  text,
});

/** By the reply code of AMQP 0-9-1 (§1.2) with which the broker ends a channel or a connection. */
const replies: Readonly<Record<number, Explained>> = {
  311: { code: 'write-failed', kind: 'permanent', scope: 'message', text: 'the broker takes no message of this size' },
  320: setting('the broker is stopping, or an operator has closed the connection', 'connection-lost'),
  402: setting('there is no such virtual host: vhost'),
  403: setting('the user may not do this: its rights at the broker'),
  404: setting('there is no such exchange or queue', 'not-found'),
  405: setting('the queue is locked by another connection: it is exclusive there'),
  406: setting('the broker does not take this as it is: a condition is not met'),
  501: setting('the broker did not understand a frame', 'connection-lost'),
  503: setting('the broker did not expect this command', 'connection-lost'),
  504: setting('the broker knows no such channel', 'connection-lost'),
  505: setting('the broker did not expect this frame', 'connection-lost'),
  506: setting('the broker, or the user, has as many connections or channels as allowed'),
  530: setting('the broker does not allow it: vhost, or the rights of the user'),
  540: setting('the broker does not offer this'),
  541: setting('the broker has failed (541)', 'connection-lost'),
};

const peer = { is: 'broker', at: 'nodes' };
const broken = setting('the connection broke; a broker closes it, too, where it wants tls', 'connection-lost');

/** By the code of Node’s network errors, where no setting is wrong. */
const codes: Readonly<Record<string, Explained>> = {
  ECONNRESET: broken,
  EPIPE: broken,
  ABORT_ERR: setting('no answer in time', 'reply-timeout'),
};

/** By what the driver says itself, where it has no code for it. */
const texts: readonly (readonly [RegExp, Explained])[] = [
  [/^Handshake terminated by server: 403/, setting('the broker does not accept user, or its password')],
  [/^Expected ConnectionOpenOk/, setting('the broker has no such vhost, or the user no rights in it: vhost')],
  [/^SASL mechanism EXTERNAL/, setting('the broker takes no certificate in place of user and password: user')],
  [/^SASL mechanism/, setting('the broker offers no login with user and password')],
  [/^Heartbeat timeout/, setting('the broker does not answer any more', 'connection-lost')],
  [/opening handshake$/, broken],
];

/**
 * What the driver has thrown, as an error of ours: which setting is wrong where that can be told, else what the network did. Its
 * texts are our own: those of a broker quote names that a message may have brought.
 * @param where what the reply code of a broker means for the command that was under way, e.g. `404: 'there is no such queue: queue'`
 */
export function rabbitError(thrown: unknown, doing: string, where: Readonly<Record<number, string>> = {}): HubError {
  if (thrown instanceof HubError) return thrown;
  const { code, kind, scope, text } = explained(thrown, where);
  return new HubError(code, kind, `${doing}: ${text}`, { scope, cause: thrown });
}

function explained(thrown: unknown, where: Readonly<Record<number, string>>): Explained {
  const { code, message } = (thrown ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  if (typeof code === 'number') {
    const reply = replies[code] ?? setting(`the broker answered ${code}`, 'reply-negative');
    return where[code] === undefined ? reply : { ...reply, text: where[code] };
  }
  if (typeof code === 'string') {
    const text = failureText(code, peer);
    if (text !== undefined) return setting(text);
    if (codes[code]) return codes[code];
  }
  for (const [pattern, means] of texts) if (typeof message === 'string' && pattern.test(message)) return means;
  return setting(describeThrown(thrown), 'connection-lost');
}

/** Whether waiting may be all that it takes; else somebody has to change a setting first. */
export function passing(error: HubError): boolean {
  if (error.code === 'connection-lost' || error.code === 'reply-timeout') return true;
  const { code } = (error.cause ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && networkCodes.has(code);
}
