import { afterEach, describe, expect, it } from 'vitest';
import type { Destination, DestinationSpec, WriteContext, WriteOutcome } from '../destination.ts';
import { HubError } from '../errors.ts';
import type { Outgoing } from '../message.ts';
import { outgoing } from './outgoing.ts';

/** One far end with a destination in front of it. */
export interface DestinationSubject<T> extends AsyncDisposable {
  readonly destination: Destination<T>;
  /** Numbers of the messages at the far end, in the order they got there; repetitions included. */
  received(): Promise<readonly number[]>;
  /** Makes the far end fail at this message of the batch that is written next; the result makes it well again. */
  failAt(batch: readonly Outgoing<T>[], position: number): Promise<() => Promise<void>>;
  /** Makes the far end hold the next write for as long as it is not told to go on. */
  hold?(): Promise<() => Promise<void>>;
}

export interface DestinationHarness<T> {
  readonly name: string;
  readonly spec: DestinationSpec<T>;
  /** Nothing at its far end can hold a write. */
  readonly neverHeld?: true;
  /** Payload and bytes of one message. */
  message(number: number): { readonly payload: T; readonly bytes: Uint8Array };
  setUp(): Promise<DestinationSubject<T>>;
}

export const patient: WriteContext = {
  signal: new AbortController().signal,
  epoch: 1,
  notAfter: Number.POSITIVE_INFINITY,
};

/** The outcomes of one call, with what the contract says about a rejection and about an empty answer spelled out. */
export async function outcomesOf<T>(
  destination: Destination<T>,
  batch: readonly Outgoing<T>[],
  context: WriteContext = patient,
): Promise<readonly WriteOutcome[]> {
  try {
    return (await destination.write(batch, context)) ?? batch.map(() => ({ status: 'sent' }) as const);
  } catch (thrown) {
    const error =
      thrown instanceof HubError
        ? thrown
        : new HubError('write-failed', 'transient', 'writing a batch', { cause: thrown });
    return batch.map(() => ({ status: 'uncertain', error }) as const);
  }
}

/** Every connector runs this suite: what a destination owes the messages of one batch, whatever its protocol. */
export function describeDestination<T>(harness: DestinationHarness<T>): void {
  const { spec } = harness;
  describe(`${harness.name} as a destination`, () => {
    let open = new AsyncDisposableStack();
    afterEach(async () => {
      await open.disposeAsync();
      open = new AsyncDisposableStack();
    });

    const size = Math.min(5, spec.maxBatch);
    const keyOf = (number: number): string => (spec.batching === 'independent' ? `key-${number}` : `key-${number % 2}`);
    const batchOf = (first: number, count: number): readonly Outgoing<T>[] =>
      Array.from({ length: count }, (_, at) =>
        outgoing({ number: first + at, keys: [keyOf(first + at)], ...harness.message(first + at) }),
      );
    const numbers = (first: number, count: number): readonly number[] =>
      Array.from({ length: count }, (_, at) => first + at);
    const perKey = (received: readonly number[]): Readonly<Record<string, readonly number[]>> => {
      const firsts: Record<string, number[]> = {};
      for (const number of new Set(received)) (firsts[keyOf(number)] ??= []).push(number);
      return firsts;
    };

    it('writes a batch in order and answers for every message of it', async () => {
      const far = open.use(await harness.setUp());
      const outcomes = await outcomesOf(far.destination, batchOf(0, size));
      expect(outcomes.map((outcome) => outcome.status)).toEqual(numbers(0, size).map(() => 'sent'));
      expect(perKey(await far.received())).toEqual(perKey(numbers(0, size)));
    });

    it('takes batches of one and of the largest size', async () => {
      const far = open.use(await harness.setUp());
      const largest = Math.min(spec.maxBatch, 50);
      expect(await outcomesOf(far.destination, batchOf(0, 1))).toHaveLength(1);
      expect(await outcomesOf(far.destination, batchOf(1, largest))).toHaveLength(largest);
      expect(perKey(await far.received())).toEqual(perKey(numbers(0, largest + 1)));
    });

    it.for(numbers(0, size))('rule 4: order per key holds when message %i of a batch fails', async (position) => {
      const far = open.use(await harness.setUp());
      const batch = batchOf(0, size);
      const heal = await far.failAt(batch, position);
      const outcomes = await outcomesOf(far.destination, batch);
      expect(outcomes).toHaveLength(size);
      expectBatching(outcomes, position);
      await heal();
      let rest = batch.filter((_, at) => outcomes[at]!.status !== 'sent');
      for (let round = 0; rest.length > 0 && round < 10; round++) {
        const again = await outcomesOf(far.destination, rest);
        rest = rest.filter((_, at) => again[at]!.status !== 'sent');
      }
      expect(rest).toEqual([]);
      const received = await far.received();
      expect(perKey(received)).toEqual(perKey(numbers(0, size)));
      if (spec.effect === 'transactional') expect(received).toHaveLength(size);
    });

    function expectBatching(outcomes: readonly WriteOutcome[], position: number): void {
      const sent = outcomes.map((outcome) => outcome.status === 'sent');
      expect(sent).toEqual(sent.map((_, at) => expectedSent(at, position)));
    }

    function expectedSent(at: number, position: number): boolean {
      switch (spec.batching) {
        case 'atomic':
          return false;
        case 'prefix':
          return at < position;
        case 'independent':
          return at !== position;
        default:
          return spec.batching satisfies never;
      }
    }

    it('rule 29: begins nothing after notAfter', async () => {
      const far = open.use(await harness.setUp());
      const outcomes = await outcomesOf(far.destination, batchOf(0, size), { ...patient, notAfter: -1 });
      expect(outcomes.map((outcome) => outcome.status)).toEqual(numbers(0, size).map(() => 'untried'));
      expect(await far.received()).toEqual([]);
    });

    it('begins nothing when its signal has aborted already', async () => {
      const far = open.use(await harness.setUp());
      const outcomes = await outcomesOf(far.destination, batchOf(0, size), { ...patient, signal: AbortSignal.abort() });
      expect(outcomes.map((outcome) => outcome.status)).not.toContain('sent');
      expect(outcomes.map((outcome) => outcome.status)).not.toContain('error');
      expect(await far.received()).toEqual([]);
    });

    it('closes more than once without complaint', async () => {
      const far = open.use(await harness.setUp());
      await outcomesOf(far.destination, batchOf(0, 1));
      await far.destination[Symbol.asyncDispose]();
      await far.destination[Symbol.asyncDispose]();
    });

    if (harness.neverHeld) return;

    it('rule 19: a write that is aborted on its way ends soon, and as uncertain', async () => {
      const far = open.use(await harness.setUp());
      const release = await far.hold!();
      const abort = new AbortController();
      const batch = batchOf(0, 1);
      const writing = outcomesOf(far.destination, batch, { ...patient, signal: abort.signal });
      const late = new Promise<'late'>((resolve) => setTimeout(resolve, 5000, 'late').unref());
      setTimeout(() => abort.abort(), 50);
      const outcomes = await Promise.race([writing, late]);
      await release();
      expect(outcomes).toMatchObject([{ status: 'uncertain' }]);
      expect(await outcomesOf(far.destination, batch)).toMatchObject([{ status: 'sent' }]);
      expect(new Set(await far.received())).toEqual(new Set([0]));
    });
  });
}
