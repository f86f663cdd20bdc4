import { describe, expect, test } from 'vitest';
import {
  type CreateSubject,
  delay,
  EventLogFixture,
  event,
  type LogClock,
  retentionMs,
  until,
} from './event-log-fixture.ts';

/** What a log keeps over a reopen, for how long, and how little of it in memory. */
export function eventLogKeepingSuite(createSubject: CreateSubject, clock: LogClock): void {
  describe('keeping', () => {
    const its = new EventLogFixture(createSubject);

    test('a group goes on after a reopen where it had come to', async () => {
      await its.publish([event('k', 0), event('k', 1)]);
      const before = its.consume('resume');
      await until(() => before.seen.length === 2);
      await before.stop();
      await its.publish([event('k', 2)]);
      await its.reopen();
      await its.publish([event('k', 3)]);
      const after = its.consume('resume');
      await until(() => after.seen.length === 2);
      expect(after.seen).toEqual(['k/2', 'k/3']);
    });

    test('what a handler had rejected comes again after a reopen', async () => {
      await its.publish([event('k', 0)]);
      const before = its.consume('rejected', { handler: () => Promise.reject(new Error('down')) });
      await until(() => before.seen.length > 0);
      await before.stop();
      await its.reopen();
      const after = its.consume('rejected');
      await until(() => after.seen.length > 0);
      expect(after.seen).toEqual(['k/0']);
    });

    test('a new group starts with the earliest event, or only with what comes after it', async () => {
      await its.publish([event('k', 0)]);
      const latest = its.consume('late', { from: 'latest' });
      const earliest = its.consume('early');
      let n = 0;
      await until(async () => {
        await its.publish([event('k', ++n)]);
        return latest.seen.length > 0 && earliest.seen.length > 0;
      });
      expect(earliest.seen[0]).toBe('k/0');
      expect(latest.seen).not.toContain('k/0');
    });

    test('a slow handler holds a bounded part of the backlog in memory', async () => {
      const megabyte = new Uint8Array(1024 * 1024);
      for (let n = 0; n < 128; n++) await its.publish([{ ...event('k', n), value: megabyte }]);
      await its.reopen(); // nothing is held on behalf of those who published
      const before = process.memoryUsage();
      const release = Promise.withResolvers<void>();
      const { seen } = its.consume('slow', { maxBatch: 1000, handler: () => release.promise });
      await until(() => seen.length > 0);
      await delay(200);
      const after = process.memoryUsage();
      expect(seen.length).toBeLessThanOrEqual(128);
      if (!its.subject.storesOnHeap) expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(48 * 1024 * 1024);
      release.resolve();
      await until(() => seen.length === 128);
    });

    if (clock === 'real') return;

    test('events past their retention are deleted, and a consumer below them goes on from the oldest left', async () => {
      const { seen, stop } = its.consume('expired');
      await its.publish([event('k', 0)]);
      await until(() => seen.length === 1);
      await stop();
      await its.publish(Array.from({ length: 1500 }, (_, n) => event('k', n + 1)));
      its.subject.advance!(retentionMs - 1);
      await its.publish([event('k', 2000), event('k', 2001)]);
      its.subject.advance!(2);
      await until(async () => (await its.status())?.events === 2);
      expect((await its.status())?.lag).toEqual({ expired: 2 });
      const after = its.consume('expired');
      await until(() => after.seen.length === 2);
      expect(after.seen).toEqual(['k/2000', 'k/2001']);
    });

    test('an expired topic never gives an offset again', async () => {
      const offsets: number[] = [];
      const { seen } = its.consume('ever', { handler: async ({ events }) => void offsets.push(events[0].offset) });
      await its.publish([event('k', 0)]);
      await until(() => seen.length === 1);
      its.subject.advance!(retentionMs + 1);
      await until(async () => (await its.status())?.events === 0);
      await its.stopConsumers();
      await its.reopen();
      await its.publish([event('k', 1)]);
      const again = its.consume('ever', { handler: async ({ events }) => void offsets.push(events[0].offset) });
      await until(() => again.seen.length === 1);
      expect(again.seen).toEqual(['k/1']);
      expect(offsets[1]).toBeGreaterThan(offsets[0]!);
    });
  });
}
