// Over 300 lines: one contract, one list of sentences about it.
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventBatch, EventLog, NewEvent } from '../events/event-log.ts';

/** One storage, empty at first, and how to open a log on it. */
export interface EventLogSubject {
  /** Opens the log; called again after a close, it goes on with what is stored. Handlers are retried within a second. */
  open(): Promise<EventLog>;
  /** Moves the log's clock; a log whose clock cannot be moved leaves it out, and its retention is not tested here. */
  advance?(ms: number): void;
  /** Its storage is this process's heap, so that what it holds there is not measured. */
  readonly storesOnHeap?: true;
  /** Removes the storage, after the last close. */
  remove?(): Promise<void>;
}

const retentionMs = 3_600_000;

/** What every EventLog owes its callers, as the contract in `core/events/event-log.ts` says it. */
export function eventLogSuite(name: string, createSubject: () => Promise<EventLogSubject>): void {
  describe(`event log: ${name}`, () => {
    let subject: EventLogSubject;
    let log: EventLog;
    let topic: string;
    const stops: (() => Promise<void>)[] = [];

    beforeEach(async () => {
      subject = await createSubject();
      log = await subject.open();
      topic = `suite.${randomUUID()}.v1`;
      await log.declare({ name: topic, partitions: 4, retentionMs });
    });

    afterEach(async () => {
      for (const stop of stops.splice(0)) await stop();
      await log[Symbol.asyncDispose]();
      await subject.remove?.();
    });

    async function reopen(): Promise<void> {
      await log[Symbol.asyncDispose]();
      log = await subject.open();
    }

    /** Consumes until `stop`; `seen` are the ids of every event handed over, redelivered ones again. */
    function consume(group: string, options: ConsumeChoice = {}) {
      const seen: string[] = [];
      const abort = new AbortController();
      const { from = 'earliest', maxBatch = 10, handler } = options;
      const running = log.consume({ topic, group, maxBatch, from, signal: abort.signal }, async (batch) => {
        seen.push(...batch.events.map((event) => event.id));
        await handler?.(batch);
      });
      const stop = async () => {
        abort.abort();
        await running;
      };
      stops.push(stop);
      return { seen, stop };
    }

    test('an event comes back as it was published', async () => {
      const value = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const headers = { traceparent: '00-aa-bb-01', 'hl7.type': 'ADT^A01' };
      const batches: EventBatch[] = [];
      await log.publish(topic, [
        { key: 'Zoë 😀', value, id: 'effect/1', headers },
        { key: '', value: new Uint8Array(0), id: 'effect/2', headers: {} },
      ]);
      consume('reader', { handler: async (batch) => void batches.push(batch) });
      await until(() => batches.flatMap((batch) => batch.events).length === 2);
      const events = batches.flatMap((batch) => batch.events).sort((a, b) => a.id.localeCompare(b.id));
      expect(events[0]).toMatchObject({ topic, key: 'Zoë 😀', id: 'effect/1', headers });
      expect([...events[0]!.value]).toEqual([...value]);
      expect(events[1]).toMatchObject({ key: '', id: 'effect/2', headers: {} });
      expect(events[1]!.value.length).toBe(0);
      for (const batch of batches)
        expect(batch.events.every((event) => event.partition === batch.partition)).toBe(true);
    });

    test('events of one key are in one partition, in the order of the publish calls', async () => {
      const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
      const publishes: Promise<void>[] = [];
      for (let n = 0; n < 350; n++) publishes.push(log.publish(topic, [event(keys[n % keys.length]!, n)]));
      await Promise.all(publishes);
      const partitions = new Map<string, Set<number>>();
      const offsets = new Map<number, number>();
      const { seen } = consume('order', {
        handler: async ({ events }) => {
          for (const { key, partition, offset } of events) {
            partitions.set(key, (partitions.get(key) ?? new Set()).add(partition));
            expect(offset).toBeGreaterThan(offsets.get(partition) ?? -1);
            offsets.set(partition, offset);
          }
        },
      });
      await until(() => seen.length >= 350);
      for (const key of keys) {
        expect(partitions.get(key)!.size).toBe(1);
        const ofKey = seen.filter((id) => id.startsWith(`${key}/`)).map((id) => Number(id.split('/')[1]));
        expect(ofKey).toEqual(Array.from({ length: 50 }, (_, n) => n * keys.length + keys.indexOf(key)));
      }
    });

    test('a publish of which one event cannot be written leaves none of its events behind, and harms no other publish', async () => {
      const broken = {
        ...event('b', 1),
        headers: {
          get boom(): string {
            throw new TypeError('no header');
          },
        },
      };
      const failing = log.publish(topic, [event('a', 0), broken, event('c', 2)]);
      await Promise.all([expect(failing).rejects.toThrow(), log.publish(topic, [event('z', 9)])]);
      const { seen } = consume('whole');
      await until(() => seen.length > 0);
      await delay(50);
      expect(seen).toEqual(['z/9']);
    });

    test('a batch is never larger than the consumer asked for', async () => {
      await log.publish(
        topic,
        Array.from({ length: 95 }, (_, n) => event('one', n)),
      );
      const sizes: number[] = [];
      const { seen } = consume('small', {
        maxBatch: 10,
        handler: async ({ events }) => void sizes.push(events.length),
      });
      await until(() => seen.length === 95);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
    });

    test('after a rejection the same events come again, in order, after a pause, and other partitions go on', async () => {
      const [held, free] = await keysOfTwoPartitions();
      const attempts: number[] = [];
      const { seen } = consume('retry', {
        maxBatch: 2,
        handler: async ({ events }) => {
          if (events[0].key !== held || attempts.length === 3) return;
          attempts.push(performance.now());
          if (attempts.length === 1) await until(() => seen.filter((id) => id.startsWith(`${free}/`)).length === 6);
          if (attempts.length < 3) throw new Error('not now');
        },
      });
      const both = [0, 1, 2, 3, 4, 5].flatMap((n) => [event(held, n), event(free, n)]);
      await log.publish(topic, both);
      await until(() => seen.includes(`${held}/5`));
      const ofHeld = seen.filter((id) => id.startsWith(`${held}/`));
      expect(ofHeld.slice(0, 3).filter((id) => id === `${held}/0`).length).toBeGreaterThan(1);
      expect([...new Set(ofHeld)]).toEqual([0, 1, 2, 3, 4, 5].map((n) => `${held}/${n}`));
      expect(seen.filter((id) => id.startsWith(`${free}/`))).toEqual([0, 1, 2, 3, 4, 5].map((n) => `${free}/${n}`));
      expect(attempts).toHaveLength(3);
      expect(attempts[1]! - attempts[0]!).toBeGreaterThan(10);
    });

    test('two groups each get every event', async () => {
      const [first, second] = [consume('billing'), consume('clinical')];
      await log.publish(
        topic,
        Array.from({ length: 20 }, (_, n) => event(`k${n}`, n)),
      );
      await until(() => first.seen.length === 20 && second.seen.length === 20);
      expect([...first.seen].sort()).toEqual([...second.seen].sort());
    });

    test('members of a group share the events, and no event goes to two of them as they join and leave', async () => {
      const work = () => delay(1);
      const publishing = (async () => {
        for (let n = 0; n < 400; n++) {
          await log.publish(topic, [event(`k${n % 40}`, n)]);
          if (n % 10 === 0) await delay(2);
        }
      })();
      const first = consume('team', { maxBatch: 5, handler: work });
      await until(() => first.seen.length > 50);
      const second = consume('team', { maxBatch: 5, handler: work });
      await until(() => second.seen.length > 50);
      await first.stop();
      const whenLeft = first.seen.length;
      await publishing;
      await until(() => first.seen.length + second.seen.length >= 400);
      await delay(50);
      expect(first.seen.length).toBe(whenLeft);
      const all = [...first.seen, ...second.seen];
      expect(new Set(all).size).toBe(400);
      expect(all).toHaveLength(400);
    });

    test('a group goes on after a reopen where it had come to', async () => {
      await log.publish(topic, [event('k', 0), event('k', 1)]);
      const before = consume('resume');
      await until(() => before.seen.length === 2);
      await before.stop();
      await log.publish(topic, [event('k', 2)]);
      await reopen();
      await log.publish(topic, [event('k', 3)]);
      const after = consume('resume');
      await until(() => after.seen.length === 2);
      expect(after.seen).toEqual(['k/2', 'k/3']);
    });

    test('what a handler had rejected comes again after a reopen', async () => {
      await log.publish(topic, [event('k', 0)]);
      const before = consume('rejected', { handler: () => Promise.reject(new Error('down')) });
      await until(() => before.seen.length > 0);
      await before.stop();
      await reopen();
      const after = consume('rejected');
      await until(() => after.seen.length > 0);
      expect(after.seen).toEqual(['k/0']);
    });

    test('a new group starts with the earliest event, or only with what comes after it', async () => {
      await log.publish(topic, [event('k', 0)]);
      const latest = consume('late', { from: 'latest' });
      const earliest = consume('early');
      let n = 0;
      await until(async () => {
        await log.publish(topic, [event('k', ++n)]);
        return latest.seen.length > 0 && earliest.seen.length > 0;
      });
      expect(earliest.seen[0]).toBe('k/0');
      expect(latest.seen).not.toContain('k/0');
    });

    test('declaring again is harmless, with other partitions it is refused', async () => {
      await log.declare({ name: topic, partitions: 4, retentionMs: retentionMs * 2 });
      await expect(log.declare({ name: topic, partitions: 5, retentionMs })).rejects.toMatchObject({
        code: 'config-invalid',
      });
      await reopen();
      await expect(log.declare({ name: topic, partitions: 5, retentionMs })).rejects.toMatchObject({
        code: 'config-invalid',
      });
    });

    test('an undeclared topic is not found, for publishers and consumers alike', async () => {
      await expect(log.publish(`${topic}.no`, [event('k', 0)])).rejects.toMatchObject({ code: 'not-found' });
      const consuming = log.consume(
        { topic: `${topic}.no`, group: 'g', maxBatch: 1, from: 'earliest', signal: new AbortController().signal },
        async () => undefined,
      );
      await expect(consuming).rejects.toMatchObject({ code: 'not-found' });
    });

    test('the status counts events, and what each group has not committed', async () => {
      await log.publish(
        topic,
        Array.from({ length: 10 }, (_, n) => event(`k${n}`, n)),
      );
      const { seen, stop } = consume('counted');
      await until(() => seen.length === 10);
      await stop();
      await log.publish(topic, [event('k', 10), event('k', 11), event('l', 12)]);
      const status = (await log.status()).find((row) => row.topic === topic);
      expect(status).toEqual({ topic, partitions: 4, events: 13, lag: { counted: 3 } });
    });

    test('an abort lets the handler in hand end, commits its batch and starts no other', async () => {
      await log.publish(topic, [event('k', 0), event('k', 1), event('k', 2)]);
      const started = Promise.withResolvers<void>();
      let ended = 0;
      const { seen, stop } = consume('aborted', {
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
      expect(performance.now() - stoppedAt).toBeLessThan(2000);
      expect(ended).toBe(1);
      expect(seen).toEqual(['k/0']);
      await reopen();
      const rest = consume('aborted');
      await until(() => rest.seen.length === 2);
      expect(rest.seen).toEqual(['k/1', 'k/2']);
    });

    test('an abort ends a consumer that is waiting, pausing or was never started', async () => {
      const idle = consume('idle');
      const failing = consume('failing', { handler: () => Promise.reject(new Error('down')) });
      await log.publish(topic, [event('k', 0)]);
      await until(() => failing.seen.length > 0 && idle.seen.length > 0);
      const at = performance.now();
      await Promise.all([idle.stop(), failing.stop()]);
      await log.consume(
        { topic, group: 'g', maxBatch: 1, from: 'earliest', signal: AbortSignal.abort() },
        async () => undefined,
      );
      expect(performance.now() - at).toBeLessThan(2000);
    });

    test('a slow handler holds a bounded part of the backlog in memory', async () => {
      const megabyte = new Uint8Array(1024 * 1024);
      for (let n = 0; n < 128; n++) await log.publish(topic, [{ ...event('k', n), value: megabyte }]);
      await reopen(); // nothing is held on behalf of those who published
      const before = process.memoryUsage();
      const release = Promise.withResolvers<void>();
      const { seen } = consume('slow', { maxBatch: 1000, handler: () => release.promise });
      await until(() => seen.length > 0);
      await delay(200);
      const after = process.memoryUsage();
      expect(seen.length).toBeLessThanOrEqual(128);
      if (!subject.storesOnHeap) expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(48 * 1024 * 1024);
      release.resolve();
      await until(() => seen.length === 128);
    });

    test('events past their retention are deleted, and a consumer below them goes on from the oldest left', async (context) => {
      if (!subject.advance) return context.skip('the clock of this log cannot be moved');
      const { seen, stop } = consume('expired');
      await log.publish(topic, [event('k', 0)]);
      await until(() => seen.length === 1);
      await stop();
      await log.publish(
        topic,
        Array.from({ length: 1500 }, (_, n) => event('k', n + 1)),
      );
      subject.advance(retentionMs - 1);
      await log.publish(topic, [event('k', 2000), event('k', 2001)]);
      subject.advance(2);
      await until(async () => (await log.status()).find((row) => row.topic === topic)?.events === 2);
      expect((await log.status()).find((row) => row.topic === topic)?.lag).toEqual({ expired: 2 });
      const after = consume('expired');
      await until(() => after.seen.length === 2);
      expect(after.seen).toEqual(['k/2000', 'k/2001']);
    });

    test('an expired topic never gives an offset again', async (context) => {
      if (!subject.advance) return context.skip('the clock of this log cannot be moved');
      const offsets: number[] = [];
      const { seen } = consume('ever', { handler: async ({ events }) => void offsets.push(events[0].offset) });
      await log.publish(topic, [event('k', 0)]);
      await until(() => seen.length === 1);
      subject.advance(retentionMs + 1);
      await until(async () => (await log.status()).find((row) => row.topic === topic)?.events === 0);
      for (const stop of stops.splice(0)) await stop();
      await reopen();
      await log.publish(topic, [event('k', 1)]);
      const again = consume('ever', { handler: async ({ events }) => void offsets.push(events[0].offset) });
      await until(() => again.seen.length === 1);
      expect(again.seen).toEqual(['k/1']);
      expect(offsets[1]).toBeGreaterThan(offsets[0]!);
    });

    /** Two keys that the log puts into different partitions. */
    async function keysOfTwoPartitions(): Promise<readonly [string, string]> {
      const partitions = new Map<number, string>();
      const probe = consume('probe', {
        handler: async ({ partition, events }) => void partitions.set(partition, events[0].key),
      });
      for (let n = 0; partitions.size < 2; n++) {
        await log.publish(topic, [event(`probe${n}`, n)]);
        await until(() => probe.seen.length > n);
      }
      await probe.stop();
      const [first, second] = [...partitions.values()];
      topic = `suite.${randomUUID()}.v1`;
      await log.declare({ name: topic, partitions: 4, retentionMs });
      return [first!, second!];
    }
  });
}

interface ConsumeChoice {
  readonly from?: 'earliest' | 'latest';
  readonly maxBatch?: number;
  readonly handler?: (batch: EventBatch) => Promise<void>;
}

function event(key: string, n: number): NewEvent {
  return { key, value: new TextEncoder().encode(`value ${n}`), id: `${key}/${n}`, headers: {} };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('waiting for events: 10 s have passed');
    await delay(5);
  }
}
