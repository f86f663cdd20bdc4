import { describeThrown, HubError } from '../../core/errors.ts';
import { failureText } from '../../core/net/tls-failure.ts';

/** What the driver hangs on its errors. */
interface Thrown {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly apiId?: unknown;
  readonly canRetry?: unknown;
  readonly needsRejoin?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** Everything that an error of the driver holds: itself, what it gathers and what caused it. */
function* within(thrown: unknown): Generator<Thrown> {
  if (typeof thrown !== 'object' || thrown === null) return;
  const error = thrown as Thrown;
  yield error;
  if (Array.isArray(error.errors)) for (const each of error.errors) yield* within(each);
  yield* within(error.cause);
}

/** Whether a broker answered with this error, by its name in the protocol: `NOT_LEADER_OR_FOLLOWER`. */
export function answered(thrown: unknown, ...ids: readonly string[]): boolean {
  for (const { apiId } of within(thrown)) if (typeof apiId === 'string' && ids.includes(apiId)) return true;
  return false;
}

/** The answer of a broker that refused part of a request; undefined where there was none. */
export function answerIn<T>(thrown: unknown): T | undefined {
  const { response } = (thrown ?? {}) as { readonly response?: T };
  return response;
}

interface Explained {
  readonly code: HubError['code'];
  readonly kind: HubError['kind'];
  readonly scope: HubError['scope'];
  readonly text: string;
}

/** Somebody has to change a setting, here or at the brokers: it is tried again meanwhile, and no message is lost over it. */
const setting = (text: string, code: HubError['code'] = 'refused'): Explained => ({
  code,
  kind: 'transient',
  scope: 'destination',
  text,
});
const ofMessage = (text: string): Explained => ({ code: 'write-failed', kind: 'permanent', scope: 'message', text });

/** By what the broker answered. */
const answers: Readonly<Record<string, Explained>> = {
  SASL_AUTHENTICATION_FAILED: setting('the broker does not accept sasl.user, or its sasl.password'),
  UNSUPPORTED_SASL_MECHANISM: setting('the broker does not offer the sasl.mechanism'),
  ILLEGAL_SASL_STATE: setting('the broker does not expect a login here: sasl is for another port'),
  TOPIC_AUTHORIZATION_FAILED: setting('the user may not do this with the topic: its rights at the brokers, or topic'),
  GROUP_AUTHORIZATION_FAILED: setting('the user may not read as this group: its rights at the brokers, or group'),
  CLUSTER_AUTHORIZATION_FAILED: setting('the user may not do this with the cluster: its rights at the brokers'),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: setting(
    'the user may not use this transactional id: its rights at the brokers, or transactionalId',
  ),
  UNKNOWN_TOPIC_OR_PARTITION: setting('the cluster has no such topic: topic', 'not-found'),
  INVALID_TOPIC_EXCEPTION: setting('this is no name of a topic: topic', 'config-invalid'),
  INCONSISTENT_GROUP_PROTOCOL: setting('other programs read as this group in another way: group'),
  INVALID_GROUP_ID: setting('this is no name of a group: group', 'config-invalid'),
  INVALID_REPLICATION_FACTOR: setting('the cluster has not as many brokers as replicas are wanted: replication'),
  MESSAGE_TOO_LARGE: ofMessage('the message is larger than the topic takes (max.message.bytes)'),
  RECORD_LIST_TOO_LARGE: ofMessage('the message is larger than the brokers take'),
  INVALID_RECORD: ofMessage(
    'the topic does not take such a message: one without a key where it keeps the last of each',
  ),
  INVALID_TIMESTAMP: ofMessage('the topic does not take the time of the message'),
  PRODUCER_FENCED: fenced(),
  INVALID_PRODUCER_EPOCH: fenced(),
};

function fenced(): Explained {
  const text = 'another hub has taken over under the same id: nothing more is written here';
  return { code: 'not-allowed', kind: 'permanent', scope: 'destination', text };
}

const peer = { is: 'broker', at: 'brokers' };
const noTls = setting(failureText('ERR_SSL_WRONG_VERSION_NUMBER', peer)!);

/** By what the driver says itself, where it has no code for it. */
const texts: readonly (readonly [RegExp, Explained])[] = [
  [/^Unknown topic /, answers.UNKNOWN_TOPIC_OR_PARTITION!],
  [/^Broker requires TLS/, setting('the broker speaks only TLS on this port: tls is missing')],
  [/^TLS handshake failed/, noTls],
  [/^SASL authentication failed|^Authentication failed/, answers.SASL_AUTHENTICATION_FAILED!],
  [/timed out/, setting('no answer in time', 'reply-timeout')],
  [/^no answer yet/, setting('the broker was asked, and has not answered yet', 'reply-timeout')],
];

/**
 * What the driver has thrown, as an error of ours: which setting is wrong where that can be told, else what the network did. Its
 * texts are our own, since those of a broker may quote what it was sent.
 */
export function kafkaError(thrown: unknown, doing: string): HubError {
  if (thrown instanceof HubError) return thrown;
  const { code, kind, scope, text } = explained(thrown);
  return new HubError(code, kind, `${doing}: ${text}`, { scope, cause: thrown });
}

function explained(thrown: unknown): Explained {
  const all = [...within(thrown)];
  for (const { apiId } of all) if (typeof apiId === 'string' && answers[apiId]) return answers[apiId];
  for (const { code } of all) {
    const text = typeof code === 'string' ? failureText(code, peer) : undefined;
    if (text !== undefined) return setting(text);
  }
  for (const { message } of all)
    for (const [pattern, means] of texts) if (typeof message === 'string' && pattern.test(message)) return means;
  const refusal = all.find(({ apiId }) => typeof apiId === 'string');
  if (refusal) return setting(`the broker answered ${String(refusal.apiId)}`, 'reply-negative');
  if (all.some(({ message }) => message === 'Connection closed'))
    return setting('the connection was closed; a broker does so, too, where it wants sasl or tls', 'connection-lost');
  return setting(describeThrown(all.find(({ code }) => isSystemCode(code)) ?? thrown), 'connection-lost');
}

function isSystemCode(code: unknown): boolean {
  return typeof code === 'string' && /^E[A-Z]+$/.test(code);
}

/** Whether trying the same again can help: the network broke, brokers have not settled who leads, or no longer know the member. */
export function passing(thrown: unknown): boolean {
  if (thrown instanceof HubError) return thrown.kind === 'transient';
  for (const { needsRejoin } of within(thrown)) if (needsRejoin === true) return true;
  for (const { canRetry } of within(thrown)) if (canRetry === false) return false;
  return true;
}
