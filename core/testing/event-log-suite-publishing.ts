import { describe, expect, test } from 'vitest';
import type { EventBatch } from '../events/event-log.ts';
import { type CreateSubject, delay, EventLogFixture, event, retentionMs, until } from './event-log-fixture.ts';

/** Topics, and what comes back of what was published. */
export function eventLogPublishingSuite(createSubject: CreateSubject): void {
  describe('publishing', () => {
    const its = new EventLogFixture(createSubject);

    test('an event comes back as it was published', async () => {
      const value = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const headers = { traceparent: '00-aa-bb-01', 'hl7.type': 'ADT^A01' };
      const batches: EventBatch[] = [];
      await its.publish([
        { key: 'Zoë 😀', value, id: 'effect/1', headers },
        { key: '', value: new Uint8Array(0), id: 'effect/2', headers: {} },
      ]);
      its.consume('reader', { handler: async (batch) => void batches.push(batch) });
      await until(() => batches.flatMap((batch) => batch.events).length === 2);
      const events = batches.flatMap((batch) => batch.events).sort((a, b) => a.id.localeCompare(b.id));
      expect(events[0]).toMatchObject({ topic: its.topic, key: 'Zoë 😀', id: 'effect/1', headers });
      expect([...events[0]!.value]).toEqual([...value]);
      expect(events[1]).toMatchObject({ key: '', id: 'effect/2', headers: {} });
      expect(events[1]!.value.length).toBe(0);
      for (const batch of batches)
        expect(batch.events.every((event) => event.partition === batch.partition)).toBe(true);
    });

    test('events of one key are in one partition, in the order of the publish calls', async () => {
      const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
      const publishes: Promise<void>[] = [];
      for (let n = 0; n < 350; n++) publishes.push(its.publish([event(keys[n % keys.length]!, n)]));
      await Promise.all(publishes);
      const partitions = new Map<string, Set<number>>();
      const offsets = new Map<number, number>();
      const { seen } = its.consume('order', {
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
      const failing = its.publish([event('a', 0), broken, event('c', 2)]);
      await Promise.all([expect(failing).rejects.toThrow(), its.publish([event('z', 9)])]);
      const { seen } = its.consume('whole');
      await until(() => seen.length > 0);
      await delay(50);
      expect(seen).toEqual(['z/9']);
    });

    test('declaring again is harmless, with other partitions it is refused', async () => {
      await its.log.declare({ name: its.topic, partitions: 4, retentionMs: retentionMs * 2 });
      await expect(its.log.declare({ name: its.topic, partitions: 5, retentionMs })).rejects.toMatchObject({
        code: 'config-invalid',
      });
      await its.reopen();
      await expect(its.log.declare({ name: its.topic, partitions: 5, retentionMs })).rejects.toMatchObject({
        code: 'config-invalid',
      });
    });

    test('an undeclared topic is not found, for publishers and consumers alike', async () => {
      await expect(its.log.publish(`${its.topic}.no`, [event('k', 0)])).rejects.toMatchObject({ code: 'not-found' });
      const consuming = its.log.consume(
        { topic: `${its.topic}.no`, group: 'g', maxBatch: 1, from: 'earliest', signal: new AbortController().signal },
        async () => undefined,
      );
      await expect(consuming).rejects.toMatchObject({ code: 'not-found' });
    });

    test('the status counts events, and what each group has not committed', async () => {
      await its.publish(Array.from({ length: 10 }, (_, n) => event(`k${n}`, n)));
      const { seen, stop } = its.consume('counted');
      await until(() => seen.length === 10);
      await stop();
      await its.publish([event('k', 10), event('k', 11), event('l', 12)]);
      const status = await its.status();
      expect(status).toEqual({ topic: its.topic, partitions: 4, events: 13, lag: { counted: 3 } });
    });
  });
}
