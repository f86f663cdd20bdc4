import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChannelHarness, channelHarness } from '../hub/testing/channel-harness.ts';
import oruInbound from './oru-inbound.channel.ts';

let channel: ChannelHarness;
beforeAll(async () => {
  channel = await channelHarness(oruInbound.definition);
});
afterAll(() => channel[Symbol.asyncDispose]());

describe('oru-inbound', () => {
  it('publishes a result, and each critical value to a topic of its own', async () => {
    const message = await channel.send('oru-r01-critical.hl7');
    expect(message.parts.map(({ destination, n, status }) => `${destination} ${n} ${status}`).sort()).toEqual([
      'bundles 0 sent',
      'critical 0 sent',
      'critical 1 sent',
      'critical 2 sent',
      'results 0 sent',
    ]);
    const [result] = await channel.events('lab.result.v1', 1);
    expect(JSON.parse(Buffer.from(result!.value).toString()).observations).toHaveLength(4);
    const critical = await channel.events('lab.result.critical.v1', 3);
    const codes = critical.map(({ value }) => JSON.parse(Buffer.from(value).toString()).observation.code.text);
    expect(codes.sort()).toEqual(['Glucose', 'Potassium', 'Sodium']);
    expect(new Set(critical.map(({ key }) => key))).toEqual(new Set(['4711001^HOSP']));
  });

  it('publishes nothing as critical of a normal result', async () => {
    const { parts } = await channel.send('oru-r01.hl7');
    expect(parts.map(({ destination, status }) => `${destination} ${status}`).sort()).toEqual([
      'bundles sent',
      'critical filtered',
      'results sent',
    ]);
  });

  it('filters what is no result', async () => {
    expect((await channel.send('adt-a01.hl7')).status).toBe('filtered');
  });
});
