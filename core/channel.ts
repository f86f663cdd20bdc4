import { z } from 'zod';
import { channelTests } from './config/channel-tests.ts';
import { byteSize } from './define.ts';
import type { DestinationSpec } from './destination.ts';
import type { NamedDevices } from './device-profile.ts';
import { validationModes } from './finding.ts';
import type { Format } from './format.ts';
import type { Message } from './message.ts';
import type { SourceSpec } from './source.ts';
import type { FilterSpec, Predicate, TransformSpec } from './transform.ts';

/** What a channel says beside its source, route, steps and destinations: the same keys in YAML and TypeScript. */
export const channelOptions = z.strictObject({
  ackAfter: z
    .enum(['stored', 'transformed', 'settled'])
    .default('stored')
    .describe('When the sender gets its answer: once the message is durable, transformed, or delivered.'),
  ackOn: z.array(z.string()).optional().describe('Destinations that `settled` waits for; all if absent.'),
  ackTimeoutMs: z
    .int()
    .positive()
    .default(20_000)
    .describe(
      'How long an answer waits for `transformed`, `settled` or `replyFrom`; keep it below the sender’s own time-out.',
    ),
  onUnsettled: z
    .enum(['reject', 'accept'])
    .default('reject')
    .describe(
      'At ackTimeoutMs: `reject` withdraws what was not begun and answers negatively; `accept` keeps it queued and answers positively.',
    ),
  unmatched: z
    .strictObject({
      reply: z
        .enum(['AA', 'AE', 'AR'])
        .default('AA')
        .describe('What a sender is answered whose message no destination wants.'),
      as: z
        .enum(['filtered', 'error'])
        .default('filtered')
        .describe('Whether such a message counts as filtered or as an error.'),
    })
    .optional()
    .describe(
      'A message that passed the channel’s filter but that every destination filtered. Absent: it is filtered.',
    ),
  validation: z
    .enum(validationModes)
    .default('off')
    .describe(
      'Whether messages are looked at by their standard and the sender’s profile: `report` counts and notes what is wrong, `reject` refuses messages with errors and needs an `ackAfter` of at least `transformed`.',
    ),
  mode: z
    .enum(['message', 'query'])
    .default('message')
    .describe(
      '`query` is for senders that ask and wait: the answer of `replyFrom`, or that there is none in time; nothing is queued, tried again or replayed.',
    ),
  replyFrom: z.string().optional().describe('The destination whose answer goes back to the sender as it came.'),
  duplicates: z
    .enum(['off', 'detect'])
    .default('off')
    .describe('`detect` answers a repeated message (same sender, control id and content) without processing it again.'),
  content: z
    .enum(['full', 'raw', 'metadata'])
    .default('full')
    .describe('What is kept of a settled message: raw, sent and reply bytes; raw only; or neither (no replay then).'),
  retention: z
    .strictObject({
      contentDays: z.number().positive().default(30).describe('Days after which content is deleted.'),
      messageDays: z.number().positive().default(90).describe('Days after which the message’s summary is deleted too.'),
    })
    .prefault({})
    .describe('How long messages are kept. What is unsettled or an open error is never deleted.'),
  limits: z
    .strictObject({
      maxInFlight: z
        .int()
        .positive()
        .default(1_000)
        .describe('Messages of this channel in memory; the rest waits in the store.'),
      maxInFlightBytes: byteSize()
        .default(67_108_864)
        .describe('Bytes of those messages; one larger message is let through alone.'),
      maxBacklogBytes: byteSize()
        .default(10 * 1024 ** 3)
        .describe('Bytes of unsettled messages that the store takes for this channel before `whenFull`.'),
      whenFull: z
        .enum(['wait', 'reject'])
        .default('wait')
        .describe('`wait` stops reading from the sender; `reject` answers negatively.'),
      maxHeldKeys: z
        .int()
        .positive()
        .default(10_000)
        .describe(
          'Keys a destination holds back behind failing messages; beyond it the destination stops with an alarm.',
        ),
      stepTimeoutMs: z
        .int()
        .nonnegative()
        .default(5_000)
        .describe('A filter or step that runs longer is ended and the message becomes an error; 0 never ends it.'),
      drainMs: z.int().nonnegative().default(30_000).describe('How long a stop waits for what is in flight.'),
    })
    .prefault({})
    .describe('Bounds of memory, store and time.'),
  placement: z
    .enum(['every', 'one'])
    .optional()
    .describe(
      'With several hubs: whether the source runs on every one of them or on one only. Absent: `every` for sources that listen, else `one`; and `one` where the sender’s answer has to be kept for another hub to give it (`mode: query`, or `replyFrom` without `content: full`).',
    ),
  labels: z
    .record(z.string(), z.string())
    .default({})
    .describe('Words to group and find channels by: group, owner, site.'),
  tests: channelTests.default([]).describe('Messages that come in, and what has to come out of them, by destination.'),
});

export const destinationOptions = z.strictObject({
  order: z
    .enum(['key', 'strict', 'none'])
    .default('key')
    .describe('`key` keeps messages of one key in order, `strict` all of them one at a time, `none` keeps no order.'),
  afterDeadLetter: z
    .enum(['continue', 'hold-key', 'stop'])
    .default('continue')
    .describe(
      'After a message became a dead letter: go on, hold back its key until somebody resolves it, or stop the destination.',
    ),
  retry: z
    .strictObject({
      initialMs: z
        .int()
        .positive()
        .default(1_000)
        .describe('Wait before the second attempt; it doubles with each one, with jitter.'),
      maxMs: z.int().positive().default(60_000).describe('Longest wait between two attempts.'),
      maxAttempts: z
        .int()
        .positive()
        .optional()
        .describe('Attempts after which the message is a dead letter; unlimited if absent.'),
      maxAgeMs: z
        .int()
        .positive()
        .optional()
        .describe('Age in the queue after which the message is a dead letter; unlimited if absent.'),
    })
    .prefault({})
    .describe('How a message that failed for a passing reason is tried again.'),
  rate: z
    .strictObject({
      perSecond: z
        .number()
        .positive()
        .max(1_000_000)
        .describe('Messages a second, on average; 0.5 is one every two seconds. What is tried again counts again.'),
      burst: z
        .int()
        .positive()
        .max(1_000_000)
        .optional()
        .describe('Messages that may go at once after a pause; what a second brings if absent.'),
      shared: z
        .string()
        .regex(/^[\w.-]{1,64}$/, 'a name like lab-api: letters, digits and . _ -')
        .optional()
        .describe(
          'Destinations of whatever channel that give the same name have the rate together: the limit of one far end.',
        ),
    })
    .optional()
    .describe(
      'How fast messages may go out; beyond it they wait, in their order. Hubs with `redis` count together there, others each for itself.',
    ),
  placement: z
    .enum(['every', 'one'])
    .optional()
    .describe(
      'With several hubs the one that has the channel connects to its destinations, and no other: a peer that takes a single connection gets one, with or without `one`. `every` has no effect, and `weir check` says so.',
    ),
  writeTimeoutMs: z
    .int()
    .positive()
    .default(60_000)
    .describe('A write that takes longer is aborted and counts as uncertain: the same bytes go again.'),
});

export type ChannelOptions = z.output<typeof channelOptions>;
export type DestinationOptions = z.output<typeof destinationOptions>;

// The pipeline is erased: the builder has proved that each step takes what the one before it gives, so here payloads are `any`.
// biome-ignore lint/suspicious/noExplicitAny: the one place where payload types are erased
export type Erased = any;

export type StepDefinition =
  | { readonly kind: 'filter'; readonly name: string; readonly filter: FilterSpec<Erased> | Predicate<Erased> }
  | {
      readonly kind: 'transform';
      readonly name: string;
      readonly transform: TransformSpec<Erased, Erased> | ((payload: Erased, message: Message<Erased>) => Erased);
      readonly produces: Format<Erased>;
    };

export type KeyFunction<T> = (payload: T, message: Message<T>) => string | readonly string[];

export interface DestinationDefinition {
  readonly name: string;
  /** What it starts from: the channel's transformed payload, or the one that was received. */
  readonly input: 'transformed' | 'source';
  readonly steps: readonly StepDefinition[];
  /** The format its steps end in: what is frozen, and sent. */
  readonly format: Format<Erased>;
  readonly to: DestinationSpec<Erased>;
  readonly options: DestinationOptions;
}

/** A channel as frozen data: what a YAML file and a TypeScript file both yield. */
export interface ChannelDefinition {
  readonly name: string;
  readonly source: SourceSpec<Erased>;
  /** The format of what arrives. */
  readonly format: Format<Erased>;
  /** Filters of the route stage, before any transform. */
  readonly filters: readonly (StepDefinition & { readonly kind: 'filter' })[];
  /** None: one key for the whole channel, i.e. total order. */
  readonly key?: KeyFunction<Erased>;
  readonly steps: readonly StepDefinition[];
  readonly destinations: readonly DestinationDefinition[];
  readonly options: ChannelOptions;
  /** What the answer of `replyFrom` goes through before the sender gets it, read as the channel's format. */
  readonly reply?: { readonly steps: readonly StepDefinition[]; readonly format: Format<Erased> };
  /** Those that its source and destinations name, by name; filled in when the channel is loaded. */
  readonly deviceProfiles?: ReadonlyMap<string, NamedDevices>;
  /** Of a channel that the runtime made for a destination that collects: the channel of that destination. */
  readonly collectedFrom?: string;
}
