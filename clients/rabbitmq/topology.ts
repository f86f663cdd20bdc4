import type { Channel } from 'amqplib';
import { z } from 'zod';
import { rabbitError } from './errors.ts';

const name = () => z.string().min(1).max(255);
const args = () =>
  z
    .record(z.string().min(1).max(255), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe('Further arguments, in the broker’s own words: `x-single-active-consumer: true`.');

const exchange = z.strictObject({
  type: z
    .string()
    .min(1)
    .default('direct')
    .describe('How it chooses queues: `direct`, `topic`, `fanout`, `headers`, or a type that a plugin brings.'),
  alternateExchange: name().optional().describe('Exchange that gets what no queue is bound for.'),
  arguments: args(),
});

const queue = z.strictObject({
  type: z
    .enum(['quorum', 'classic'])
    .default('quorum')
    .describe('`quorum` is kept by several nodes; `classic` by one, and it alone knows priorities.'),
  deadLetterExchange: z
    .string()
    .max(255)
    .optional()
    .describe('Exchange that gets what is refused, expires or is too much; empty is the default one. Lost if absent.'),
  deadLetterRoutingKey: name().optional().describe('Routing key that it goes on with; that of the message if absent.'),
  maxPriority: z
    .int()
    .min(1)
    .max(255)
    .optional()
    .describe('Highest priority that it knows, only of a classic queue; each one costs memory: up to 10 are usual.'),
  messageTtlMs: z.int().positive().optional().describe('A message that waits for longer is a dead letter.'),
  maxLength: z.int().positive().optional().describe('Messages that may wait.'),
  overflow: z
    .enum(['drop-head', 'reject-publish'])
    .default('reject-publish')
    .describe('What maxLength does: refuse new messages, or make dead letters of the oldest.'),
  deliveryLimit: z
    .int()
    .positive()
    .optional()
    .describe('Deliveries of one message, only of a quorum queue, after which it is a dead letter.'),
  arguments: args(),
});

const binding = z.strictObject({
  exchange: name().describe('Exchange that messages come from.'),
  queue: name().optional().describe('Queue that gets them.'),
  toExchange: name().optional().describe('Exchange that gets them, in place of a queue.'),
  routingKey: z.string().max(255).default('').describe('Routing key or, at a topic exchange, pattern: `lab.*.stat`.'),
  arguments: args(),
});

/** What is to be at the broker: all of it survives the broker's restart. */
export const topology = z
  .strictObject({
    exchanges: z.record(name(), exchange).default({}).describe('Exchanges by name.'),
    queues: z.record(name(), queue).default({}).describe('Queues by name.'),
    bindings: z
      .array(
        binding.refine(({ queue, toExchange }) => (queue === undefined) !== (toExchange === undefined), {
          error: 'one of queue and toExchange',
        }),
      )
      .default([])
      .describe('Which exchange gives to which queue.'),
  })
  .refine(({ queues }) => Object.values(queues).every((each) => each.type === 'classic' || !each.maxPriority), {
    error: 'maxPriority is for a classic queue',
  })
  .refine(({ queues }) => Object.values(queues).every((each) => each.type === 'quorum' || !each.deliveryLimit), {
    error: 'deliveryLimit is for a quorum queue',
  });

export type Topology = z.output<typeof topology>;

/**
 * Makes what is not there yet; what is there as described is left alone. Throws HubError that names the part of `declare` that is
 * there in another way, or that the user may not make; the channel is of no use then.
 */
export async function declare(channel: Channel, { exchanges, queues, bindings }: Topology): Promise<void> {
  for (const [called, { type, alternateExchange, arguments: more }] of Object.entries(exchanges))
    await doing(`declare.exchanges.${called}`, () =>
      channel.assertExchange(called, type, {
        durable: true,
        arguments: more,
        ...(alternateExchange === undefined ? {} : { alternateExchange }),
      }),
    );
  for (const [called, settings] of Object.entries(queues))
    await doing(`declare.queues.${called}`, () =>
      channel.assertQueue(called, { durable: true, arguments: queueArguments(settings) }),
    );
  for (const [at, { exchange, queue, toExchange, routingKey, arguments: more }] of bindings.entries())
    await doing(`declare.bindings.${at}`, () =>
      queue === undefined
        ? channel.bindExchange(toExchange ?? '', exchange, routingKey, more)
        : channel.bindQueue(queue, exchange, routingKey, more),
    );
}

async function doing(setting: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    throw rabbitError(thrown, 'declaring exchanges and queues', {
      403: `the user may not make it: its rights at the broker, or ${setting}`,
      404: `it names an exchange or queue that is not there: ${setting}`,
      406: `it is there in another way: ${setting}`,
      503: `the broker does not know this type: ${setting}`,
    });
  }
}

type Queue = Topology['queues'][string];

function queueArguments(settings: Queue): Readonly<Record<string, unknown>> {
  const of: Readonly<Record<string, unknown>> = {
    'x-queue-type': settings.type,
    'x-dead-letter-exchange': settings.deadLetterExchange,
    'x-dead-letter-routing-key': settings.deadLetterRoutingKey,
    'x-max-priority': settings.maxPriority,
    'x-message-ttl': settings.messageTtlMs,
    'x-max-length': settings.maxLength,
    'x-overflow': settings.maxLength === undefined ? undefined : settings.overflow,
    'x-delivery-limit': settings.deliveryLimit,
  };
  return {
    ...Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)),
    ...settings.arguments,
  };
}
