import { z } from 'zod';
import { defineConnector } from '../../core/define.ts';
import type { Destination } from '../../core/destination.ts';

const sent = Promise.resolve();

/**
 * Sends nowhere: for load tests, and for messages that are only to be kept and found. It never touches payload or bytes, and one
 * promise answers every write.
 */
export const discard = defineConnector({
  type: 'discard',
  summary: 'Takes every message and sends it nowhere.',
  accepts: 'any',
  batching: 'independent',
  effect: 'transactional',
  maxBatch: 10_000,
  config: z.strictObject({}),
  examples: [{ title: 'Messages that are only kept', config: {} }],
  create: (_, context): Destination<unknown> => ({
    write: (batch) => {
      context.count('discard_messages_total', batch.length);
      return sent;
    },
    [Symbol.asyncDispose]: () => sent,
  }),
});
