import type { Answer } from '../../clients/http-client/client.ts';
import { actionOfStatus, obeying, refusal, statusDefaults } from '../../clients/http-client/status-table.ts';
import { type AckTable, acknowledgementIn, outcomeOfAck } from '../../contracts/hl7v2-response.ts';
import type { WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import { isHl7ContentType } from '../../protocols/hl7v2/content-type.ts';
import type { ReceivedAck } from '../../protocols/hl7v2/read-ack.ts';
import type { HttpDestinationConfig } from './config.ts';

type Config = Pick<HttpDestinationConfig, 'response' | 'maxRetryAfterMs'>;
type Table = Config['response'];

/** What becomes of a message that got this answer at `now`. */
export function outcomeOf(answer: Answer, config: Config, now: number): WriteOutcome {
  return obeying(judged(answer, config.response), answer, config.maxRetryAfterMs, now);
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
  const action = actionOfStatus(status, table, statusDefaults);
  const reply = body.length > 0 ? { reply: body } : {};
  if (action === 'sent') return { status: 'sent', ...reply };
  const message = `sending the message: the far end answered ${status}`;
  return { status: 'error', error: refusal('reply-negative', action, message), ...reply };
}
