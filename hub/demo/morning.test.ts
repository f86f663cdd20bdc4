import { describe, expect, it } from 'vitest';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { morning, morningEnd, morningStart } from './morning.ts';

describe("the demo's morning", () => {
  const samples = morning();
  const sent = samples.filter(({ feed }) => feed !== 'portal');
  const messages = sent.map(({ raw }) => parse(raw));
  const events = messages.map((message) => message.get('MSH-9.2'));

  it('is the same to the byte each time, and another with another seed', () => {
    const again = morning();
    expect(again.map(({ raw }) => Buffer.from(raw).toString())).toEqual(
      samples.map(({ raw }) => Buffer.from(raw).toString()),
    );
    const other = morning({ seed: 1 });
    expect(Buffer.concat(other.map(({ raw }) => raw))).not.toEqual(Buffer.concat(samples.map(({ raw }) => raw)));
  });

  it('is a few thousand messages in the order of their time, between six and noon', () => {
    expect(samples.length).toBeGreaterThan(3_000);
    expect(samples.map(({ at }) => at)).toEqual(samples.map(({ at }) => at).toSorted((a, b) => a - b));
    expect(samples.every(({ at }) => at >= morningStart && at < morningEnd)).toBe(true);
  });

  it('has admissions, transfers, discharges, updates, merges, appointments, orders, results, vaccinations, charges and posts', () => {
    for (const event of ['A01', 'A02', 'A03', 'A04', 'A08', 'A40', 'S12', 'S15', 'O01', 'R01', 'V04', 'P03'])
      expect(events).toContain(event);
    expect(samples.filter(({ feed }) => feed === 'portal').length).toBe(20);
  });

  it('has control ids that occur once', () => {
    expect(new Set(messages.map((message) => message.get('MSH-10'))).size).toBe(sent.length);
    expect(new Set(samples.map(({ controlId }) => controlId)).size).toBe(samples.length);
  });

  it('is about people who do not exist, in messages marked as training', () => {
    for (const message of messages) {
      expect(message.get('PID-5.1')).toMatch(/Testperson/);
      expect(message.get('PID-3.1')).toMatch(/^DEMO/);
      expect(message.get('MSH-11')).toBe('T');
    }
  });

  it('counts what each message becomes as the message says it', () => {
    for (const [index, { events, critical, feed }] of sent.entries()) {
      if (feed !== 'results') continue;
      const message = messages[index] as Hl7Message;
      expect(events).toBe(message.segments('OBR').length);
      expect(critical).toBe(message.segments('OBX').filter((obx) => ['HH', 'LL'].includes(obx.get('8') ?? '')).length);
    }
    expect(samples.reduce((sum, { critical }) => sum + critical, 0)).toBeGreaterThan(20);
  });

  it('retires by a merge only records that were registered before', () => {
    const known = new Set<string>();
    for (const message of messages) {
      if (message.get('MSH-9.2') === 'A40') expect(known).toContain(message.get('MRG-1.1'));
      known.add(message.get('PID-3.1') ?? '');
    }
  });

  it('reports results only of orders that were sent before', () => {
    const ordered = new Set<string>();
    for (const message of messages) {
      if (message.type === 'ORM^O01') ordered.add(message.get('OBR-2.1') ?? '');
      if (message.type === 'ORU^R01') for (const order of message.all('OBR-2.1')) expect(ordered).toContain(order);
    }
  });
});
