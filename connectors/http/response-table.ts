import { type AckTable, acknowledgementIn, outcomeOfAck } from '../../contracts/hl7v2-response.ts';
import type { WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import { isHl7ContentType } from '../../protocols/hl7v2/content-type.ts';
import type { ReceivedAck } from '../../protocols/hl7v2/read-ack.ts';
import type { Answer } from './client.ts';
import type { HttpDestinationConfig, ResponseAction } from './config.ts';
import { retryAfter } from './retry-after.ts';

type Config = Pick<HttpDestinationConfig, 'response' | 'maxRetryAfterMs'>;
type Table = Config['response'];

/**
 * What is said of one status goes before what is said of its class. The far end as a whole is away, or does not know us, where a
 * gateway, a limit, a login or a redirection answers: that costs no message an attempt (rule 15).
 */
const defaults: Table = {
  '2xx': 'sent',
  '3xx': 'wait',
  '4xx': 'dead-letter',
  '5xx': 'retry',
  '401': 'wait',
  '403': 'wait',
  '407': 'wait',
  '408': 'retry',
  '425': 'retry',
  '429': 'wait',
  '502': 'wait',
  '503': 'wait',
  '504': 'wait',
};

/** What becomes of a message that got this answer at `now`. */
export function outcomeOf(answer: Answer, config: Config, now: number): WriteOutcome {
  const outcome = judged(answer, config.response);
  if (outcome.status !== 'error' || outcome.error.kind === 'permanent') return outcome;
  const retryAfterMs = Math.min(retryAfter(answer.headers, now), config.maxRetryAfterMs);
  return retryAfterMs > 0 ? { ...outcome, retryAfterMs } : outcome;
}

/** An acknowledgement says more than the status it came with; but one that accepts, with a status that does not, accepts nothing. */
function judged(answer: Answer, table: Table): WriteOutcome {
  const { status, body } = answer;
  const succeeded = status >= 200 && status < 300;
  const says = hl7In(answer);
  const ack = says === 'nothing' ? undefined : acknowledgementIn(body);
  if (ack && (succeeded || !isPositive(ack))) return outcomeOfAck(ack, body, ackTable(table));
  if (says === 'declared' && succeeded && !ack) {
    const error = new HubError('reply-invalid', 'transient', 'reading the answer: it is no acknowledgement');
    return { status: 'uncertain', error, reply: body };
  }
  return outcomeOfStatus(answer, table);
}

/** Whether the answer says that it is HL7 v2, or looks like it. */
function hl7In({ headers, body }: Answer): 'declared' | 'seen' | 'nothing' {
  if (body.length === 0) return 'nothing';
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (isHl7ContentType(type)) return 'declared';
  return body.length > 3 && body.toString('latin1', 0, 3) === 'MSH' ? 'seen' : 'nothing';
}

function isPositive({ code }: ReceivedAck): boolean {
  return code === 'AA' || code === 'CA';
}

/** What the table says of HL7 acknowledgements. */
export function ackTable(table: Table): AckTable {
  const entries = Object.entries(table).map(([key, action]) => [key, action === 'sent' ? 'accept' : action]);
  return Object.fromEntries(entries) as AckTable;
}

function outcomeOfStatus({ status, body }: Answer, table: Table): WriteOutcome {
  const code = String(status);
  const kind = `${code[0]}xx`;
  const action = table[code] ?? defaults[code] ?? table[kind] ?? defaults[kind] ?? 'retry';
  const reply = body.length > 0 ? { reply: body } : {};
  if (action === 'sent') return { status: 'sent', ...reply };
  const message = `sending the message: the far end answered ${code}`;
  return { status: 'error', error: refusal('reply-negative', action, message), ...reply };
}

/** What becomes of a message to which nothing came back in time. */
export function outcomeOfSilence(waitedMs: number, table: Table): WriteOutcome {
  const action = table.none ?? 'retry';
  if (action === 'sent') return { status: 'sent' };
  const error = refusal('reply-timeout', action, `awaiting the answer: none within ${waitedMs} ms`);
  return { status: action === 'retry' ? 'uncertain' : 'error', error };
}

function refusal(code: 'reply-negative' | 'reply-timeout', action: Exclude<ResponseAction, 'sent'>, message: string) {
  return new HubError(code, action === 'dead-letter' ? 'permanent' : 'transient', message, {
    scope: action === 'wait' ? 'destination' : 'message',
  });
}
