import { expect, it } from 'vitest';
import type { EventBatch, EventLog, StoredEvent } from '../../core/events/event-log.ts';
import { bundlesOf } from './bundles.ts';

const bundle = (...resources: readonly object[]) =>
  JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ resource })) });

function logOf(events: readonly (readonly [controlId: string, value: string, id?: string])[]): EventLog {
  const stored = events.map(([controlId, value, id = controlId], offset): StoredEvent => {
    const about = { topic: 'fhir.r4.Bundle', partition: 0, offset, at: 0, key: '', id };
    return { ...about, value: Buffer.from(value), headers: { 'hl7.controlId': controlId } };
  });
  return {
    status: async () => [{ topic: 'fhir.r4.Bundle', partitions: 1, events: stored.length, lag: {} }],
    consume: async (_: unknown, handle: (batch: EventBatch) => Promise<void>) =>
      handle({ partition: 0, events: stored as unknown as EventBatch['events'] }),
  } as unknown as EventLog;
}

it('tells bundles that R4 does not allow from those that it does', async () => {
  const good = bundle({ resourceType: 'Patient', birthDate: '2026-03-02' });
  const bad = bundle({ resourceType: 'Patient', birthDate: '2026-02-30' });
  const { found, valid } = await bundlesOf(
    logOf([
      ['A', good],
      ['B', bad],
      ['C', '{"resourceType":"Patient"}'],
      ['D', 'no JSON'],
      ['E', good, 'merge'],
      ['E', good, 'merge'],
    ]),
  );
  expect([...found.keys()]).toEqual(['A', 'B', 'C', 'D', 'E']);
  expect(Object.fromEntries(valid)).toEqual({ A: 1, E: 1 });
});

it('finds none where there is no topic', async () => {
  expect((await bundlesOf(logOf([]))).found.size).toBe(0);
});
