import { z } from 'zod';
import { defineConnector } from '../../core/define.ts';
import type { DestinationContext, WriteOutcome } from '../../core/destination.ts';
import { asHubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';

const config = z.strictObject({
  name: z.string().describe('The channel of this hub that gets the messages; its source is `channel`.'),
});

/**
 * Gives messages to another channel of the hub: `sent` means durable there. The effect id is the message's identity there, so that what
 * is repeated is taken once. Where the other channel is away or full they wait.
 */
export const channel = defineConnector({
  type: 'channel',
  summary: 'Gives messages to another channel of the hub, durably and each once.',
  accepts: 'any',
  batching: 'prefix',
  effect: 'transactional',
  maxBatch: 100,
  config,
  examples: [{ title: 'On to the channel of the laboratory', config: { name: 'adt-lab' } }],
  create: ({ name }, context) => ({
    write: (batch, { signal }) => give(name, batch, context, signal),
    [Symbol.asyncDispose]: async () => {},
  }),
});

async function give(
  name: string,
  batch: readonly Outgoing<unknown>[],
  context: DestinationContext,
  signal: AbortSignal,
): Promise<readonly WriteOutcome[]> {
  const outcomes: WriteOutcome[] = [];
  for (const message of batch) {
    if (signal.aborted) break;
    try {
      await context.give(name, message);
      outcomes.push({ status: 'sent' });
    } catch (thrown) {
      const error = asHubError(thrown, 'store-failed', `giving a message to channel ${name}`, 'transient');
      outcomes.push({ status: 'error', error });
      break;
    }
  }
  while (outcomes.length < batch.length) outcomes.push({ status: 'untried' });
  return outcomes;
}
