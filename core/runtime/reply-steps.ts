import type { Destination, WriteOutcome } from '../destination.ts';
import { asHubError, HubError } from '../errors.ts';
import type { Format } from '../format.ts';
import type { Message, Outgoing } from '../message.ts';
import { isMany } from '../transform.ts';
import type { RunnableStep } from './runnable-step.ts';

/** What the answer of `replyFrom` goes through before the sender gets it. */
export interface ReplySteps {
  /** What its bytes are read as. */
  readonly format: Format<unknown>;
  readonly steps: readonly RunnableStep[];
  /** What the steps end in. */
  readonly produces: Format<unknown>;
}

/**
 * A destination whose positive answers go through steps; a negative one stays as it came. An answer that a step fails on, or filters,
 * makes the write an error: its sender is not told what nobody could read.
 */
export function withReplySteps(destination: Destination<unknown>, reply: ReplySteps): Destination<unknown> {
  return {
    write: async (batch, context) => {
      const outcomes = await destination.write(batch, context);
      if (!outcomes) return outcomes;
      return Promise.all(outcomes.map((outcome, index) => transformed(outcome, batch[index], reply)));
    },
    [Symbol.asyncDispose]: () => destination[Symbol.asyncDispose](),
  };
}

async function transformed(
  outcome: WriteOutcome,
  message: Outgoing<unknown> | undefined,
  reply: ReplySteps,
): Promise<WriteOutcome> {
  if (outcome.status !== 'sent' || !outcome.reply || !message) return outcome;
  try {
    let payload: unknown = reply.format.decode(outcome.reply, message.meta);
    for (const step of reply.steps) payload = await ran(step, payload, message);
    return { status: 'sent', reply: reply.produces.encode(payload) };
  } catch (thrown) {
    return {
      status: 'error',
      error: asHubError(thrown, 'step-failed', 'transforming the reply'),
      reply: outcome.reply,
    };
  }
}

async function ran(
  step: RunnableStep,
  payload: unknown,
  { id, seq, channel, keys, receivedAt, version, meta }: Outgoing<unknown>,
) {
  const message: Message<unknown> = { id, seq, channel, keys, receivedAt, version, meta, payload };
  if (step.kind === 'filter') {
    if (step.passes(payload, message)) return payload;
    throw new HubError('step-failed', 'permanent', `running ${step.name} on the reply: it does not let it through`);
  }
  const result = await step.run(payload, message);
  if (isMany(result) || result === undefined)
    throw new HubError('step-failed', 'permanent', `running ${step.name} on the reply: one reply has to come of it`);
  return result;
}
