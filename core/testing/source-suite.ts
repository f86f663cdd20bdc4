import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HubError } from '../errors.ts';
import type { AckPoint } from '../outcome.ts';
import type { Acknowledges, Source } from '../source.ts';
import { draining, type FakeIntake, fakeIntake, negative, positive } from './fake-intake.ts';

/** One far end with a source in front of it. Messages are told apart by their number, from 0. */
export interface SourceSubject extends AsyncDisposable {
  /** A new source on the same far end: the suite starts another one after `run` has thrown a transient error. */
  create(): Source;
  /** Makes the far end send these messages, in this order; resolves when they are on their way, not when they are answered. */
  offer(numbers: readonly number[]): Promise<void>;
  /** For far ends that send again only when they see no answer: sends again what was not answered. */
  resend?(): Promise<void>;
  /** What the far end holds to be accepted, in any order. */
  confirmed(): Promise<readonly number[]>;
  /** What it holds to be refused. */
  refused(): Promise<readonly number[]>;
}

export interface SourceHarness {
  readonly name: string;
  readonly acknowledges: Acknowledges;
  /** The points it can acknowledge at. */
  readonly ackPoints: readonly AckPoint[];
  /** What a negative receipt of a stored message does at the far end: an event is committed all the same. */
  readonly negativeAnswer: 'refused' | 'confirmed';
  /** The bytes of one message, as they are to arrive. */
  message(number: number): Uint8Array;
  /** Messages it may have handed over, and connections it may have open, while nothing has room. */
  readonly bound: { readonly arrivals: number; readonly calls: number };
  setUp(ackAfter: AckPoint): Promise<SourceSubject>;
}

interface Running extends AsyncDisposable {
  readonly ended: Promise<'returned' | HubError>;
  drain(): void;
  halt(): void;
}

function start(source: Source, intake: FakeIntake): Running {
  const drain = new AbortController();
  const halt = new AbortController();
  const ended = source.run(intake, { drain: drain.signal, halt: halt.signal }).then(
    () => 'returned' as const,
    (thrown: unknown) => {
      if (thrown instanceof HubError) return thrown;
      throw thrown;
    },
  );
  return {
    ended,
    drain: () => drain.abort(),
    halt: () => {
      drain.abort();
      halt.abort();
    },
    async [Symbol.asyncDispose]() {
      drain.abort();
      halt.abort();
      await ended;
    },
  };
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number);
const sorted = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b);
const within = (ms: number): Promise<'late'> => pause(ms, 'late' as const, { ref: false });

/** Every adapter runs this suite: what a source owes the channel and its far end, whatever its protocol. */
export function describeSource(harness: SourceHarness): void {
  describe(`${harness.name} as a source`, () => {
    let open = new AsyncDisposableStack();
    afterEach(async () => {
      await open.disposeAsync();
      open = new AsyncDisposableStack();
    });

    const confirms = harness.acknowledges !== 'never';
    const bytesOf = (numbers: readonly number[]): readonly string[] =>
      numbers.map((number) => Buffer.from(harness.message(number)).toString('latin1'));
    const taken = (intake: FakeIntake): readonly string[] =>
      intake.arrivals.map((arrival) => Buffer.from(arrival.raw).toString('latin1'));
    const arrived = (intake: FakeIntake, count: number): Promise<void> =>
      vi.waitFor(() => expect(intake.arrivals.length).toBeGreaterThanOrEqual(count), { interval: 5 });

    async function subject(ackAfter: AckPoint = harness.ackPoints[0]!): Promise<SourceSubject> {
      return open.use(await harness.setUp(ackAfter));
    }
    function running(of: SourceSubject, intake: FakeIntake): Running {
      return open.use(start(of.create(), intake));
    }
    async function settles(read: () => Promise<readonly number[]>, numbers: readonly number[]): Promise<void> {
      await vi.waitFor(async () => expect(sorted(await read())).toEqual(numbers), { interval: 5 });
    }

    it('hands every message over exactly once and in order', async () => {
      const far = await subject();
      const intake = fakeIntake(() => positive);
      running(far, intake);
      await far.offer(range(25));
      await arrived(intake, 25);
      await pause(80);
      expect(taken(intake)).toEqual(bytesOf(range(25)));
    });

    it('rule 26: stops reading while the intake has no room, and goes on where it stopped', async () => {
      const far = await subject();
      const intake = fakeIntake(() => positive);
      intake.setRoom(false);
      running(far, intake);
      const count = harness.bound.arrivals + 20;
      await far.offer(range(count));
      await vi.waitFor(() => expect(intake.waiting).toBeGreaterThan(0));
      await pause(100);
      expect(intake.waiting).toBeLessThanOrEqual(harness.bound.calls);
      expect(intake.arrivals.length).toBeLessThanOrEqual(harness.bound.arrivals);
      intake.setRoom(true);
      await arrived(intake, count);
      await pause(50);
      expect(taken(intake)).toEqual(bytesOf(range(count)));
    });

    it('rule 11: tells its far end nothing positive while the store is full, and recovers unaided', async () => {
      const far = await subject();
      const intake = fakeIntake(() => positive);
      const full = new HubError('store-full', 'transient', 'storing a batch: the quota is used up');
      intake.refuseNext(full);
      intake.refuseNext(full);
      let current = running(far, intake);
      await far.offer([0, 1]);
      const restarts = async (): Promise<void> => {
        const ended = await Promise.race([current.ended, pause(20, 'running' as const)]);
        if (ended === 'running') return;
        expect(ended).toMatchObject({ kind: 'transient' });
        current = running(far, intake);
      };
      await vi.waitFor(
        async () => {
          await restarts();
          if (intake.arrivals.length < 2) await far.resend?.();
          expect(intake.refused).toBe(2);
          expect(new Set(taken(intake))).toEqual(new Set(bytesOf([0, 1])));
        },
        { interval: 20 },
      );
      if (confirms) await settles(far.confirmed, [0, 1]);
      expect(await far.refused()).toEqual([]);
    });

    it('rule 25: drain waits for the open receipts, then returns', async () => {
      const far = await subject();
      const intake = fakeIntake();
      const run = running(far, intake);
      await far.offer([0]);
      await arrived(intake, 1);
      run.drain();
      if (confirms) {
        expect(await Promise.race([run.ended, within(80)])).toBe('late');
        intake.answer(0, positive);
      }
      expect(await Promise.race([run.ended, within(5000)])).toBe('returned');
      if (confirms) expect(await far.confirmed()).toEqual([0]);
    });

    it('rule 25: drain without open receipts returns at once, and nothing is read after it', async () => {
      const far = await subject();
      const intake = fakeIntake(() => positive);
      const run = running(far, intake);
      await pause(30);
      run.drain();
      expect(await Promise.race([run.ended, within(5000)])).toBe('returned');
      await far.offer([0]).catch(() => undefined);
      await pause(80);
      expect(intake.arrivals).toEqual([]);
    });

    it('rule 25: halt returns at once and leaves what is open unanswered', async () => {
      const far = await subject();
      const intake = fakeIntake();
      const run = running(far, intake);
      await far.offer([0]);
      await arrived(intake, 1);
      run.halt();
      expect(await Promise.race([run.ended, within(5000)])).toBe('returned');
      expect(await far.confirmed()).toEqual([]);
      expect(await far.refused()).toEqual([]);
    });

    it('rule 25: halt returns at once while the intake has no room', async () => {
      const far = await subject();
      const intake = fakeIntake();
      intake.setRoom(false);
      const run = running(far, intake);
      await far.offer([0, 1]);
      await vi.waitFor(() => expect(intake.waiting).toBeGreaterThan(0));
      run.halt();
      expect(await Promise.race([run.ended, within(5000)])).toBe('returned');
      expect(await far.confirmed()).toEqual([]);
    });

    // Where the source can answer its far end.
    if (!confirms) return;

    it.for(harness.ackPoints)('rules 5 and 9: confirms nothing before its receipt at %s', async (point) => {
      const far = await subject(point);
      const intake = fakeIntake();
      running(far, intake);
      await far.offer([0]);
      await arrived(intake, 1);
      await vi.waitFor(() => expect(intake.asked.get(point)!.size).toBe(1));
      if (point !== 'stored') intake.answer(0, { id: 'a-message', outcome: { status: 'stored' } }, 'stored');
      await pause(60);
      expect(await far.confirmed()).toEqual([]);
      intake.answer(0, positive, point);
      await settles(far.confirmed, [0]);
      expect(await far.refused()).toEqual([]);
    });

    it('confirms every message whatever the order of the receipts', async () => {
      const far = await subject();
      const intake = fakeIntake();
      running(far, intake);
      await far.offer([0, 1, 2]);
      await arrived(intake, 1);
      for (let most = 0; most !== intake.arrivals.length; await pause(50)) most = intake.arrivals.length;
      const answered = intake.arrivals.length;
      for (let index = answered - 1; index >= 0; index--) intake.answer(index, positive);
      for (let index = answered; index < 3; index++) {
        await arrived(intake, index + 1);
        intake.answer(index, positive);
      }
      await settles(far.confirmed, [0, 1, 2]);
    });

    it('answers negatively what got a negative receipt, and goes on', async () => {
      const far = await subject();
      const intake = fakeIntake((_, index) => (index === 1 ? negative : positive));
      running(far, intake);
      await far.offer([0, 1, 2]);
      await settles(far.confirmed, harness.negativeAnswer === 'refused' ? [0, 2] : [0, 1, 2]);
      await settles(far.refused, harness.negativeAnswer === 'refused' ? [1] : []);
      await pause(60);
      expect(taken(intake)).toEqual(bytesOf([0, 1, 2]));
    });

    it('rule 25: a receipt that says draining is answered with nothing at all', async () => {
      const far = await subject();
      const intake = fakeIntake();
      const run = running(far, intake);
      await far.offer([0]);
      await arrived(intake, 1);
      run.drain();
      intake.answer(0, draining);
      expect(await Promise.race([run.ended, within(5000)])).toBe('returned');
      expect(await far.confirmed()).toEqual([]);
      expect(await far.refused()).toEqual([]);
    });

    it('what was left unanswered arrives again at the next start', async () => {
      const far = await subject();
      const first = fakeIntake();
      const run = running(far, first);
      await far.offer([0]);
      await arrived(first, 1);
      run.halt();
      await run.ended;
      const second = fakeIntake(() => positive);
      running(far, second);
      await far.resend?.();
      await settles(far.confirmed, [0]);
      expect(taken(second)).toEqual(bytesOf([0]));
    });
  });
}
