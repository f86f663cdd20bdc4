import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChannelHarness, channelHarness } from '../hub/testing/channel-harness.ts';
import adtInbound from './adt-inbound.channel.ts';

let channel: ChannelHarness;
beforeAll(async () => {
  channel = await channelHarness(adtInbound.definition);
});
afterAll(() => channel[Symbol.asyncDispose]());

describe('adt-inbound', () => {
  it('publishes a patient event under the patient’s key, and archives the message as it came', async () => {
    const message = await channel.send('adt-a01.hl7');
    expect(message.status).toBe('sent');
    const [event] = await channel.events('clinical.patient.v1', 1);
    expect(event?.key).toBe('4711001^HOSP');
    expect(event?.id).toBe(`${message.id}/clinical/0`);
    expect(JSON.parse(Buffer.from(event!.value).toString())).toMatchObject({
      kind: 'admitted',
      patient: { family: 'Berger' },
    });
    const [file] = await readdir(channel.directory);
    const { raw } = await channel.content(message.id);
    expect(await readFile(join(channel.directory, file!))).toEqual(Buffer.from(raw!));
  });

  it('rule 31: publishes a merge under both keys with one effect id', async () => {
    await channel.send('adt-a40.hl7');
    const events = await channel.events('clinical.patient.v1', 2);
    expect(events.map(({ key }) => key).sort()).toEqual(['4711001^HOSP', '4711999^HOSP']);
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
  });

  it('filters what is no ADT message', async () => {
    expect((await channel.send('oru-r01.hl7')).status).toBe('filtered');
  });
});
