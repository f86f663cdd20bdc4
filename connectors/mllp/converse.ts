import { outcomeOfAck } from '../../contracts/hl7v2-response.ts';
import type { DestinationContext, WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import type { Framed } from '../../protocols/mllp/decoder.ts';
import { answerIn } from './answer.ts';
import type { MllpDestinationConfig } from './config.ts';
import type { Link } from './link.ts';
import type { Prepared } from './prepared.ts';
import { outcomeOfSilence } from './response-table.ts';

/**
 * Writes one message and waits for the answer that counts. After anything but such an answer the connection is destroyed:
 * what still came on it could be taken for the answer to the next message (rule 19).
 */
export function converse(
  link: Link,
  prepared: Prepared,
  config: MllpDestinationConfig,
  context: DestinationContext,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  const { promise, resolve } = Promise.withResolvers<WriteOutcome>();
  const finish = (outcome: WriteOutcome) => {
    cancel();
    signal.removeEventListener('abort', abort);
    resolve(outcome);
  };
  const breakOff = (outcome: WriteOutcome) => {
    link.destroy();
    finish(outcome);
  };
  const cancel = context.clock.timer(config.ackTimeoutMs, () => {
    breakOff(outcomeOfSilence(`awaiting the answer: none within ${config.ackTimeoutMs} ms`, config.response));
  });
  const abort = () => {
    const error = new HubError('connection-lost', 'transient', 'awaiting the answer: given up', {
      scope: 'destination',
    });
    breakOff({ status: 'uncertain', error });
  };
  signal.addEventListener('abort', abort, { once: true });
  const take = (framed: Framed): 'done' | 'more' => {
    const judged = judge(framed, prepared, config, context);
    if (judged === 'more') return 'more';
    if (judged.status === 'uncertain') breakOff(judged);
    else finish(judged);
    return 'done';
  };
  const fail = (error: HubError) => finish({ status: 'uncertain', error });
  if (prepared.awaited === 'nothing') {
    link.send(prepared.frame, { take: () => 'more', fail }, () => {
      link.rest();
      finish({ status: 'sent' });
    });
  } else {
    link.send(prepared.frame, { take, fail });
  }
  return promise;
}

function judge(
  framed: Framed,
  { awaited, controlId }: Prepared,
  config: MllpDestinationConfig,
  context: DestinationContext,
): WriteOutcome | 'more' {
  const answer = answerIn(framed);
  if (!answer) return invalid('it is no acknowledgement');
  const { ack, reply } = answer;
  const isCommit = ack.code.startsWith('C');
  if (ack.controlId !== controlId && config.messageControlId !== 'off') {
    // The application's answer to an earlier message whose commit accept was all we waited for.
    if (awaited === 'commit' && !isCommit) return 'more';
    context.count('mllp_mismatched_answers_total');
    if (config.messageControlId === 'strict') return invalid('MSA-2 is not the MSH-10 that was sent');
    context.log.warn({ destination: context.destination }, 'MSA-2 of an answer is not the MSH-10 that was sent');
  }
  // A commit accept that refuses is the last word; one that accepts is only the first of two.
  if (awaited === 'application' && ack.code === 'CA') return 'more';
  return outcomeOfAck(ack, reply, config.response);
}

function invalid(what: string): WriteOutcome {
  return { status: 'uncertain', error: new HubError('reply-invalid', 'transient', `reading the answer: ${what}`) };
}
