import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { HubError } from '../../core/errors.ts';
import type { EventLog, StoredEvent } from '../../core/events/event-log.ts';
import { openMemoryLog } from '../../core/events/memory-log.ts';
import { bytes } from '../../core/format.ts';
import type { Outgoing } from '../../core/message.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination, outcomesOf, patient } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { publish } from './publish.ts';

const topic = 'clinical.patient.v1';
const away = () =>
  new HubError('event-log-failed', 'transient', 'appending events: the disk is away', { scope: 'destination' });

/** Every event in the topic, in the order of each partition. */
async function eventsIn(log: EventLog): Promise<readonly StoredEvent[]> {
  const [status] = await log.status();
  const seen: StoredEvent[] = [];
  const stop = new AbortController();
  const reading = log.consume(
    { topic, group: `check-${Math.random()}`, maxBatch: 100, from: 'earliest', signal: stop.signal },
    async ({ events }) => {
      seen.push(...events);
    },
  );
  await vi.waitFor(() => expect(seen.length).toBe(status?.events ?? 0));
  stop.abort();
  await reading;
  return seen;
}

function message(number: number, fields: Partial<Parameters<typeof outgoing>[0]> = {}): Outgoing<unknown> {
  return outgoing({ number, payload: undefined, bytes: Buffer.from(String(number)), ...fields });
}

describeDestination<unknown>({
  name: 'publish',
  spec: publish({ topic }),
  message: (number) => ({ payload: undefined, bytes: Buffer.from(String(number)) }),
  async setUp() {
    const log = openMemoryLog();
    const trouble: { fails: boolean; held: Promise<void> | undefined } = { fails: false, held: undefined };
    const fragile: EventLog = {
      ...log,
      async publish(name, events) {
        await trouble.held;
        if (trouble.fails) throw away();
        return log.publish(name, events);
      },
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    };
    return {
      destination: publish({ topic, partitions: 1 }).create(fakeDestinationContext({ events: fragile })),
      received: async () => (await eventsIn(log)).map((event) => Number(Buffer.from(event.value).toString())),
      async failAt() {
        trouble.fails = true;
        return async () => {
          trouble.fails = false;
        };
      },
      async hold() {
        const gate = Promise.withResolvers<void>();
        trouble.held = gate.promise;
        return async () => gate.resolve();
      },
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    };
  },
});

describe('the publish destination', () => {
  function logForTest(): EventLog {
    const log = openMemoryLog();
    onTestFinished(() => log[Symbol.asyncDispose]());
    return log;
  }

  it('publishes under the message’s key and effect id, with what readers need in the headers and nothing else', async () => {
    const log = logForTest();
    const destination = publish({ topic, contentType: 'application/json' }).create(
      fakeDestinationContext({ events: log }),
    );
    const meta = {
      traceparent: '00-abc-def-01',
      'hl7.controlId': 'C1',
      'hl7.patientName': 'DOE^JOHN',
      'file.name': 'DOE.hl7',
    };
    const one = message(1, { keys: ['4711'], meta });
    await outcomesOf(destination, [one]);
    expect(await eventsIn(log)).toMatchObject([
      {
        key: '4711',
        id: one.effectId,
        headers: {
          messageId: one.id,
          channel: 'lab-in',
          contentType: 'application/json',
          traceparent: '00-abc-def-01',
          'hl7.controlId': 'C1',
        },
      },
    ]);
    expect(JSON.stringify(await eventsIn(log))).not.toContain('DOE');
  });

  it('rule 31: a merge is published under both keys with one effect id', async () => {
    const log = logForTest();
    const destination = publish({ topic }).create(fakeDestinationContext({ events: log }));
    const merge = message(1, { keys: ['survivor', 'merged'] });
    await outcomesOf(destination, [merge]);
    const events = await eventsIn(log);
    expect(events.map((event) => event.key).toSorted()).toEqual(['merged', 'survivor']);
    expect(new Set(events.map((event) => event.id))).toEqual(new Set([merge.effectId]));
  });

  it('declares its topic at the start, before anything is written', async () => {
    const log = logForTest();
    publish({ topic, partitions: 3 }).create(fakeDestinationContext({ events: log }));
    await vi.waitFor(async () => expect(await log.status()).toMatchObject([{ topic, partitions: 3 }]));
  });

  it('takes the partitions that the topic has where it is told none', async () => {
    const log = logForTest();
    await log.declare({ name: topic, partitions: 5, retentionMs: 1000 });
    const destination = publish({ topic }).create(fakeDestinationContext({ events: log }));
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([{ status: 'sent' }]);
  });

  it('rule 15: a topic that is not as declared, or a log that is away, is an error of the destination', async () => {
    const log = logForTest();
    await log.declare({ name: topic, partitions: 5, retentionMs: 1000 });
    const wrong = publish({ topic, partitions: 4 }).create(fakeDestinationContext({ events: log }));
    expect(await outcomesOf(wrong, [message(1)])).toMatchObject([
      { status: 'error', error: { code: 'config-invalid', scope: 'destination' } },
    ]);
    const none = publish({ topic }).create(fakeDestinationContext());
    expect(await outcomesOf(none, [message(1)])).toMatchObject([{ status: 'error', error: { scope: 'destination' } }]);
  });

  it('rule 29: begins nothing where declaring the topic took until after notAfter', async () => {
    const log = openMemoryLog();
    const slow: EventLog = {
      ...log,
      declare: async (wanted) => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        await log.declare(wanted);
      },
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    };
    const destination = publish({ topic, partitions: 1 }).create(fakeDestinationContext({ events: slow }));
    const late = { ...patient, notAfter: performance.now() + 20 };
    expect(await destination.write([message(0)], late)).toEqual([{ status: 'untried' }]);
    expect(await eventsIn(log)).toEqual([]);
  });

  it('declares again when the log was away at the start', async () => {
    const log = logForTest();
    let calls = 0;
    const late: EventLog = {
      ...log,
      declare: (options) => (++calls === 1 ? Promise.reject(away()) : log.declare(options)),
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    };
    const destination = publish({ topic }).create(fakeDestinationContext({ events: late }));
    await vi.waitFor(() => expect(calls).toBe(1));
    await new Promise(setImmediate);
    expect(await outcomesOf(destination, [message(1)])).toMatchObject([{ status: 'sent' }]);
  });

  it('takes a topic of contracts, whose format it then accepts', () => {
    const format = { ...bytes, id: 'clinical.patient.v1', contentType: 'application/json' };
    const spec = publish({ name: topic, format, partitions: 2, retentionMs: 1000 });
    expect(spec.accepts?.id).toBe('clinical.patient.v1');
    expect(spec.config).toEqual({ topic, partitions: 2, retentionMs: 1000, contentType: 'application/json' });
    expect(publish({ topic }).accepts).toBeUndefined();
  });
});
