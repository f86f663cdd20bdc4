import { describe, expect, test } from 'vitest';
import { type CreateSubject, delay, EventLogFixture, event, until } from './event-log-fixture.ts';

/** Handlers: their batches, their failures, the members of a group, and how they stop. */
export function eventLogConsumingSuite(createSubject: CreateSubject): void {
  describe('consuming', () => {
    const its = new EventLogFixture(createSubject);

    test('a batch is never larger than the consumer asked for', async () => {
      await its.publish(Array.from({ length: 95 }, (_, n) => event('one', n)));
      const sizes: number[] = [];
      const { seen } = its.consume('small', {
        maxBatch: 10,
        handler: async ({ events }) => void sizes.push(events.length),
      });
      await until(() => seen.length === 95);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
    });

    test('after a rejection the same events come again, in order, after a pause, and other partitions go on', async () => {
      const [held, free] = await its.keysOfTwoPartitions();
      const attempts: number[] = [];
      const { seen } = its.consume('retry', {
        maxBatch: 2,
        handler: async ({ events }) => {
          if (events[0].key !== held || attempts.length === 3) return;
          attempts.push(performance.now());
          if (attempts.length === 1) await until(() => seen.filter((id) => id.startsWith(`${free}/`)).length === 6);
          if (attempts.length < 3) throw new Error('not now');
        },
      });
      const both = [0, 1, 2, 3, 4, 5].flatMap((n) => [event(held, n), event(free, n)]);
      await its.publish(both);
      await until(() => seen.includes(`${held}/5`));
      const ofHeld = seen.filter((id) => id.startsWith(`${held}/`));
      expect(ofHeld.slice(0, 3).filter((id) => id === `${held}/0`).length).toBeGreaterThan(1);
      expect([...new Set(ofHeld)]).toEqual([0, 1, 2, 3, 4, 5].map((n) => `${held}/${n}`));
      expect(seen.filter((id) => id.startsWith(`${free}/`))).toEqual([0, 1, 2, 3, 4, 5].map((n) => `${free}/${n}`));
      expect(attempts).toHaveLength(3);
      expect(attempts[1]! - attempts[0]!).toBeGreaterThan(10);
    });

    test('two groups each get every event', async () => {
      const [first, second] = [its.consume('billing'), its.consume('clinical')];
      await its.publish(Array.from({ length: 20 }, (_, n) => event(`k${n}`, n)));
      await until(() => first.seen.length === 20 && second.seen.length === 20);
      expect([...first.seen].sort()).toEqual([...second.seen].sort());
    });

    test('members of a group share the events, and no event goes to two of them as they join and leave', async () => {
      const work = () => delay(1);
      const publishing = (async () => {
        for (let n = 0; n < 400; n++) {
          await its.publish([event(`k${n % 40}`, n)]);
          if (n % 10 === 0) await delay(2);
        }
      })();
      const first = its.consume('team', { maxBatch: 5, handler: work });
      await until(() => first.seen.length > 50);
      const second = its.consume('team', { maxBatch: 5, handler: work });
      await until(() => second.seen.length > 50);
      await first.stop();
      const whenLeft = first.seen.length;
      await publishing;
      await until(() => new Set([...first.seen, ...second.seen]).size >= 400);
      await delay(50);
      expect(first.seen.length).toBe(whenLeft);
      const all = [...first.seen, ...second.seen];
      expect(new Set(all).size).toBe(400);
      if (!its.subject.repeats) expect(all).toHaveLength(400);
    });

    test('an abort lets the handler in hand end, commits its batch and starts no other', async () => {
      await its.publish([event('k', 0), event('k', 1), event('k', 2)]);
      const started = Promise.withResolvers<void>();
      let ended = 0;
      const { seen, stop } = its.consume('aborted', {
        maxBatch: 1,
        handler: async () => {
          started.resolve();
          await delay(100);
          ended++;
        },
      });
      await started.promise;
      const stoppedAt = performance.now();
      await stop();
      expect(performance.now() - stoppedAt).toBeLessThan(20_000);
      expect(ended).toBe(1);
      expect(seen).toEqual(['k/0']);
      await its.reopen();
      const rest = its.consume('aborted');
      await until(() => rest.seen.length === 2);
      expect(rest.seen).toEqual(['k/1', 'k/2']);
    });

    test('an abort ends a consumer that is waiting, pausing or was never started', async () => {
      const idle = its.consume('idle');
      const failing = its.consume('failing', { handler: () => Promise.reject(new Error('down')) });
      await its.publish([event('k', 0)]);
      await until(() => failing.seen.length > 0 && idle.seen.length > 0);
      const at = performance.now();
      await Promise.all([idle.stop(), failing.stop()]);
      await its.log.consume(
        { topic: its.topic, group: 'g', maxBatch: 1, from: 'earliest', signal: AbortSignal.abort() },
        async () => undefined,
      );
      expect(performance.now() - at).toBeLessThan(20_000);
    });
  });
}
