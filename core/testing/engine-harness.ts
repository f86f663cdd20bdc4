import { afterEach } from 'vitest';
import { z } from 'zod';
import type { Clock } from '../component.ts';
import { defineAdapter, defineConnector } from '../define.ts';
import type { Batching, Destination, DestinationSpec, WriteContext, WriteOutcome } from '../destination.ts';
import type { Endpoint } from '../endpoint.ts';
import { HubError } from '../errors.ts';
import { openMemoryLog } from '../events/memory-log.ts';
import type { Format } from '../format.ts';
import type { Arrival, Outgoing } from '../message.ts';
import type { Receipt } from '../outcome.ts';
import type { SharedRates } from '../rates.ts';
import { createEngine } from '../runtime/create-engine.ts';
import type { Engine } from '../runtime/engine.ts';
import type { Intake, SourceSpec } from '../source.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import type { MessageStore } from '../store/message-store.ts';
import { recordingLog } from './contexts.ts';
import { wallClock } from './fake-clock.ts';

/** Text as a payload: `key:body`. */
export const text: Format<string> = {
  id: 'text',
  contentType: 'text/plain',
  decode: (raw) => {
    const value = Buffer.from(raw).toString();
    if (value.startsWith('!')) throw new HubError('decode-failed', 'permanent', 'decoding text: it begins with "!"');
    return value;
  },
  encode: (value) => Buffer.from(value),
};

/** The part before the colon. */
export const keyOf = (payload: string): string => payload.split(':', 1)[0] ?? '';

/** A source that a test feeds by hand, one per name. */
export interface ManualSource {
  readonly spec: SourceSpec<string>;
  /** Waits until the channel runs, then hands over; resolves with the receipts at the channel's ackAfter. */
  send(...bodies: readonly (string | Arrival)[]): Promise<readonly Receipt[]>;
  /** The same, without waiting for the receipts. */
  offer(...bodies: readonly (string | Arrival)[]): Promise<{ readonly receipts: Promise<readonly Receipt[]> }>;
  readonly intake: Promise<Intake>;
  readonly runs: number;
}

export function manualSource(name = 'manual'): ManualSource {
  let ready = Promise.withResolvers<Intake>();
  let point: 'stored' | 'transformed' | 'settled' = 'stored';
  let runs = 0;
  const manual = defineAdapter({
    type: 'manual',
    summary: 'Fed by a test.',
    produces: text,
    acknowledges: 'reply',
    config: z.strictObject({ name: z.string().describe('Names the source.') }),
    examples: [{ title: 'A test', config: { name: 'test' } }],
    create: (_config, context) => ({
      run: async (intake, life) => {
        runs += 1;
        point = context.ackAfter;
        ready.resolve(intake);
        await new Promise<void>((resolve) => life.drain.addEventListener('abort', () => resolve(), { once: true }));
        ready = Promise.withResolvers();
      },
    }),
  });
  const arrivals = (bodies: readonly (string | Arrival)[]) =>
    bodies.map((each) => (typeof each === 'string' ? { raw: Buffer.from(each) } : each));
  const offer = async (...bodies: readonly (string | Arrival)[]) => {
    const delivery = await (await ready.promise).accept(arrivals(bodies), new AbortController().signal);
    return { receipts: delivery.receipts(point) };
  };
  return {
    spec: manual({ name }),
    offer,
    send: async (...bodies) => (await offer(...bodies)).receipts,
    get intake() {
      return ready.promise;
    },
    get runs() {
      return runs;
    },
  };
}

/** A far end that a test scripts. */
export interface FarEnd {
  readonly spec: DestinationSpec<string>;
  /** What arrived, in order. */
  readonly received: string[];
  readonly effects: string[];
  readonly attempts: string[];
  /** Decides each write; `sent` unless set. */
  answer: (message: Outgoing<string>) => WriteOutcome | Promise<WriteOutcome>;
  /** Set: the whole batch goes here first, and may throw. */
  onBatch: ((batch: readonly Outgoing<string>[], context: WriteContext) => void | Promise<void>) | undefined;
  batches: number;
  largestBatch: number;
  /** Destinations that were created and not disposed yet. */
  open: number;
  /** Called when one is created. */
  opened: (() => void) | undefined;
}

export function farEnd(
  name = 'far',
  options: { readonly batching?: Batching; readonly maxBatch?: number; readonly concurrency?: number } = {},
): FarEnd {
  const end: FarEnd = {
    received: [],
    effects: [],
    attempts: [],
    answer: () => ({ status: 'sent' }),
    onBatch: undefined,
    batches: 0,
    largestBatch: 0,
    open: 0,
    opened: undefined,
    spec: undefined as unknown as DestinationSpec<string>,
  };
  const batching = options.batching ?? 'independent';
  const destination: Destination<string> = {
    write: async (batch, context) => {
      end.batches += 1;
      end.largestBatch = Math.max(end.largestBatch, batch.length);
      for (const message of batch) end.attempts.push(Buffer.from(message.bytes).toString());
      await end.onBatch?.(batch, context);
      const outcomes: WriteOutcome[] = [];
      for (const message of batch) {
        if (batching === 'prefix' && outcomes.some((each) => each.status !== 'sent')) {
          outcomes.push({ status: 'untried' });
          continue;
        }
        const outcome = await end.answer(message);
        outcomes.push(outcome);
        if (outcome.status === 'sent') {
          end.received.push(Buffer.from(message.bytes).toString());
          end.effects.push(message.effectId);
        }
      }
      return outcomes;
    },
    [Symbol.asyncDispose]: async () => {
      end.open -= 1;
    },
  };
  const connector = defineConnector({
    type: 'far-end',
    summary: 'Scripted by a test.',
    accepts: text,
    batching,
    effect: 'atLeastOnce',
    maxBatch: options.maxBatch ?? 100,
    concurrency: options.concurrency ?? 1,
    config: z.strictObject({ name: z.string().describe('Names the far end.') }),
    examples: [{ title: 'A test', config: { name: 'test' } }],
    create: () => {
      end.open += 1;
      end.opened?.();
      return destination;
    },
  });
  return Object.assign(end, { spec: connector({ name }) });
}

export const failing = {
  away: (): WriteOutcome => ({
    status: 'error',
    error: new HubError('refused', 'transient', 'connecting: refused', { scope: 'destination' }),
  }),
  passing: (): WriteOutcome => ({ status: 'error', error: new HubError('reply-negative', 'transient', 'sending: AR') }),
  forGood: (): WriteOutcome => ({ status: 'error', error: new HubError('reply-negative', 'permanent', 'sending: AE') }),
  uncertain: (): WriteOutcome => ({
    status: 'uncertain',
    error: new HubError('reply-timeout', 'transient', 'sending: no answer'),
  }),
};

export const analyst = { actor: 'analyst', reason: 'test' } as const;

export interface EngineHarness extends AsyncDisposable {
  readonly engine: Engine;
  readonly store: MessageStore;
  readonly logged: ReturnType<typeof recordingLog>['logged'];
}

/** An engine in memory. The store may be shared by several engines one after the other, as a hub that restarts does. */
export async function engineHarness(
  options: {
    readonly store?: MessageStore;
    readonly clock?: Clock;
    readonly endpoints?: Readonly<Record<string, Endpoint>>;
    readonly rates?: SharedRates;
  } = {},
): Promise<EngineHarness> {
  const clock = options.clock ?? wallClock;
  const store = options.store ?? openMemoryStore({ now: () => clock.now() });
  const { log, logged } = recordingLog();
  const engine = await createEngine({
    store,
    events: openMemoryLog(),
    endpoints: { get: (name) => options.endpoints?.[name] },
    clock,
    random: Math.random,
    log,
    rates: options.rates,
  });
  return {
    engine,
    store,
    logged,
    [Symbol.asyncDispose]: async () => {
      await engine.close(2_000);
    },
  };
}

/** Polls until it is true; fails after `withinMs`. */
export async function eventually(what: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
  const until = performance.now() + withinMs;
  while (!(await what())) {
    if (performance.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Opens harnesses that are closed after the test. */
export function harnessPerTest(): typeof engineHarness {
  const open: EngineHarness[] = [];
  afterEach(async () => {
    for (const harness of open.splice(0)) await harness[Symbol.asyncDispose]();
  });
  return async (...given) => {
    const harness = await engineHarness(...given);
    open.push(harness);
    return harness;
  };
}
