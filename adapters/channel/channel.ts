import { z } from 'zod';
import { defineAdapter } from '../../core/define.ts';
import { bytes } from '../../core/format.ts';
import type { Life } from '../../core/source.ts';

const config = z.strictObject({
  name: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe('The channels that may give it messages; any of the hub if absent.'),
});

/**
 * Takes the messages that destinations `channel` of other channels of the hub give it. They are stored as they come, each once,
 * whatever the other channel repeats; nobody waits for an answer. What they are read as is the channel’s `format`.
 */
export const channel = defineAdapter({
  type: 'channel',
  summary: 'Takes the messages that other channels of the hub give it, each once.',
  produces: bytes,
  acknowledges: 'never',
  config,
  examples: [
    { title: 'What the router gives', config: { name: 'adt-router' } },
    { title: 'What any channel gives', config: {} },
  ],
  create: (_, context) => ({
    run: async (_intake, life) => {
      context.report('idle');
      await ended(life);
      context.report('stopped');
    },
  }),
});

/** The runtime puts the messages in: there is nothing to listen for. */
function ended({ drain, halt }: Life): Promise<void> {
  const either = AbortSignal.any([drain, halt]);
  return new Promise((resolve) => {
    if (either.aborted) resolve();
    else either.addEventListener('abort', () => resolve(), { once: true });
  });
}
