import type { TlsClient } from '../../core/endpoint.ts';
import { describeThrown, HubError } from '../../core/errors.ts';
import { failureText, networkCodes } from '../../core/net/tls-failure.ts';

interface Explained {
  readonly code: HubError['code'];
  readonly text: string;
}

/** Somebody has to change a setting, here or at the broker: it is tried again meanwhile, and no message is lost over it. */
const setting = (text: string, code: HubError['code'] = 'refused'): Explained => ({ code, text });
/** It may be over in a moment. */
const away = (text: string): Explained => ({ code: 'connection-lost', text });

const login = setting('the broker does not accept user, or its password');

/** By the reason code of MQTT 5 (§2.4) with which the broker refuses something, or ends the connection. */
const reasons: Readonly<Record<number, Explained>> = {
  1: setting('the broker does not speak MQTT 5'),
  128: away('the broker refuses it without a reason (0x80)'),
  129: away('the broker did not understand a packet (0x81)'),
  130: away('the broker did not expect this packet (0x82)'),
  131: setting('the broker refuses it for a reason of its own (0x83)', 'reply-negative'),
  132: setting('the broker does not speak MQTT 5'),
  133: setting('the broker does not take this client id: clientId'),
  134: login,
  135: login,
  136: away('the broker is not available (0x88)'),
  137: away('the broker is busy (0x89)'),
  138: setting('the broker has banned this client: clientId, or user'),
  139: away('the broker is stopping'),
  140: setting('the broker wants another way to log in than user and password'),
  141: away('the broker has heard nothing for too long: keepAliveMs'),
  142: away('another client has connected with the same client id: clientId'),
  143: setting('the broker does not take the topic filter'),
  144: setting('the broker does not take the topic'),
  147: away('the broker has got more at once than it allows (0x93)'),
  149: setting('the packet is larger than the broker takes', 'write-failed'),
  151: setting('the broker has no more room: a quota is used up (0x97)', 'reply-negative'),
  152: away('an operator of the broker has closed the connection'),
  153: setting('the broker does not take a payload of this kind', 'write-failed'),
  154: setting('the broker keeps no retained messages: retain, or status'),
  155: setting('the broker does not offer this QoS'),
  156: setting('the broker says that another one is to be used: host'),
  157: setting('the broker has moved: host'),
  158: setting('the broker offers no shared subscriptions'),
  159: away('the broker has got too many connections in a short time'),
  161: setting('the broker offers no subscription identifiers'),
  162: setting('the broker offers no subscriptions with wildcards'),
};

const peer = { is: 'broker', at: 'host', port: 'port' };
const broken = away('the connection broke; a broker closes it, too, where it wants tls');

/** By the code of Node’s network errors, where no setting is wrong. */
const codes: Readonly<Record<string, Explained>> = {
  ECONNRESET: broken,
  EPIPE: broken,
  ETIMEDOUT: setting('no answer in time', 'reply-timeout'),
};

/**
 * What the network, TLS or the reading of a certificate's file has thrown, as an error of ours, transient, scope destination: which
 * setting is wrong where that can be told.
 */
export function mqttError(thrown: unknown, doing: string, tls?: TlsClient): HubError {
  // What dialled names what it was doing, and has the reason as its cause.
  const cause = thrown instanceof HubError && thrown.cause !== undefined ? thrown.cause : thrown;
  if (cause instanceof HubError) return cause;
  const { code, text } = explained(cause, tls);
  return destinationError(code, `${doing}: ${text}`, cause);
}

/**
 * What a reason code of the broker, 0x80 or above, means, as an error of ours, transient, scope destination. Its texts are our own: a
 * reason string of a broker may quote what a message has brought.
 * @param where what the code means for what was under way, e.g. `0x87: 'the user may not read it: subscriptions.0'`
 */
export function refusal(reasonCode: number, doing: string, where: Readonly<Record<number, string>> = {}): HubError {
  const unknown = setting(`the broker answered 0x${reasonCode.toString(16)}`, 'reply-negative');
  const { code, text } = reasons[reasonCode] ?? unknown;
  return destinationError(code, `${doing}: ${where[reasonCode] ?? text}`);
}

export function destinationError(code: HubError['code'], text: string, cause?: unknown): HubError {
  return new HubError(code, 'transient', text, { scope: 'destination', ...(cause !== undefined && { cause }) });
}

/** Whether waiting may be all that it takes; else somebody has to change a setting first. */
export function passing(error: HubError): boolean {
  if (error.code === 'connection-lost' || error.code === 'reply-timeout') return true;
  const { code } = (error.cause ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && networkCodes.has(code);
}

function explained(thrown: unknown, tls: TlsClient | undefined): Explained {
  const { code, path } = (thrown ?? {}) as { readonly code?: unknown; readonly path?: unknown };
  if (typeof code !== 'string') return away(describeThrown(thrown));
  const file = Object.entries(tls ?? {}).find(([, value]) => value === path)?.[0];
  if (file !== undefined) return setting(`tls.${file} cannot be read: ${code}`);
  // A broker without TLS takes the handshake for a packet that it does not understand, and closes.
  if (tls && code === 'ECONNRESET') {
    return away(`the connection broke; ${failureText('ERR_SSL_WRONG_VERSION_NUMBER', peer)}`);
  }
  const text = failureText(code, peer);
  if (text !== undefined) return setting(text);
  return codes[code] ?? away(code);
}
