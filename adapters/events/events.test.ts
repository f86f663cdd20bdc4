import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { EventLog, NewEvent } from '../../core/events/event-log.ts';
import { openMemoryLog } from '../../core/events/memory-log.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { type FakeIntake, fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { events } from './events.ts';

const topic = 'lab.result.v1';

function event(number: number, key = 'patient-1'): NewEvent {
  return {
    key,
    value: Buffer.from(`event ${number}`),
    id: `effect-${number}`,
    headers: { 'hl7.controlId': `C${number}` },
  };
}

async function logWith(partitions: number): Promise<EventLog> {
  const log = openMemoryLog();
  await log.declare({ name: topic, partitions, retentionMs: 3_600_000 });
  return log;
}

async function committed(log: EventLog, group: string, published: number): Promise<number> {
  const [status] = await log.status();
  return published - (status?.lag[group] ?? published);
}

describeSource({
  name: 'events',
  acknowledges: events.acknowledges,
  ackPoints: ['stored', 'transformed', 'settled'],
  negativeAnswer: 'confirmed',
  bound: { arrivals: 4, calls: 1 },
  message: (number) => Buffer.from(`event ${number}`),
  async setUp(ackAfter) {
    const log = await logWith(1);
    let published = 0;
    return {
      create: () =>
        events({ topic, maxBatch: 4 }).create(fakeSourceContext({ channel: 'reader', ackAfter, events: log })),
      async offer(numbers) {
        await log.publish(
          topic,
          numbers.map((number) => event(number)),
        );
        published += numbers.length;
      },
      // Offsets move on in order, so a count says which.
      confirmed: async () => Array.from({ length: await committed(log, 'reader', published) }, (_, number) => number),
      refused: async () => [],
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    };
  },
});

describe('the events source', () => {
  async function logForTest(partitions: number): Promise<EventLog> {
    const log = await logWith(partitions);
    onTestFinished(() => log[Symbol.asyncDispose]());
    return log;
  }

  /** Reads until the test ends. */
  function reading(log: EventLog, intake: FakeIntake, config: Partial<Parameters<typeof events>[0]> = {}): void {
    const drain = new AbortController();
    const source = events({ topic, ...config }).create(fakeSourceContext({ channel: 'reader', events: log }));
    const running = source.run(intake, { drain: drain.signal, halt: new AbortController().signal });
    onTestFinished(async () => {
      drain.abort();
      await running;
    });
  }

  it('hands over key, headers and place of an event, and its id as the dedupe key', async () => {
    const log = await logForTest(1);
    await log.publish(topic, [event(7, 'patient-7')]);
    const intake = fakeIntake(() => positive);
    reading(log, intake);
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(1));
    expect(intake.arrivals[0]).toEqual({
      raw: event(7).value,
      key: 'patient-7',
      dedupeKey: 'effect-7',
      meta: {
        'hl7.controlId': 'C7',
        'event.id': 'effect-7',
        'event.topic': topic,
        'event.partition': '0',
        'event.offset': '0',
      },
    });
  });

  it('keeps the order of each key over several partitions', async () => {
    const log = await logForTest(4);
    for (let number = 0; number < 200; number++) await log.publish(topic, [event(number, `patient-${number % 7}`)]);
    const intake = fakeIntake(() => positive);
    reading(log, intake, { maxBatch: 10 });
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(200));
    for (let patient = 0; patient < 7; patient++) {
      const mine = intake.arrivals.filter((arrival) => arrival.key === `patient-${patient}`);
      const numbers = mine.map((arrival) => Number(Buffer.from(arrival.raw).toString().split(' ')[1]));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });

  it('reads as the group it is told, so that two groups each get every event', async () => {
    const log = await logForTest(1);
    await log.publish(topic, [event(0)]);
    const first = fakeIntake(() => positive);
    const second = fakeIntake(() => positive);
    reading(log, first);
    reading(log, second, { group: 'another' });
    await vi.waitFor(() => expect([first.arrivals.length, second.arrivals.length]).toEqual([1, 1]));
  });

  it('does not commit an error of which nothing was stored: the event comes again', async () => {
    const log = await logForTest(1);
    await log.publish(topic, [event(0)]);
    const { outcome } = {
      outcome: {
        status: 'error',
        error: { code: 'store-failed', kind: 'transient', scope: 'message', message: 'storing' },
      },
    } as const;
    const intake = fakeIntake((_, index) => (index === 0 ? { outcome } : positive));
    reading(log, intake);
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(2));
    await vi.waitFor(async () => expect(await committed(log, 'reader', 1)).toBe(1));
    await pause(50);
    expect(intake.arrivals).toHaveLength(2);
  });

  it('ends with a transient error while nobody has declared its topic', async () => {
    const log = openMemoryLog();
    onTestFinished(() => log[Symbol.asyncDispose]());
    const source = events({ topic }).create(fakeSourceContext({ events: log }));
    const { signal } = new AbortController();
    await expect(source.run(fakeIntake(), { drain: signal, halt: signal })).rejects.toMatchObject({
      code: 'not-found',
      kind: 'transient',
    });
  });
});
