import { describe, expect, it } from 'vitest';
import { HubError } from '../../core/errors.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { channel } from './channel.ts';

// Its far end is the hub itself: hub/channel-links.test.ts runs two channels, so the shared suite has nothing to break.
describe('a destination that is another channel', () => {
  it('gives messages in order, and stops at the first that the other channel does not take', async () => {
    const given: string[] = [];
    const full = new HubError('store-full', 'transient', 'it is full', { scope: 'destination' });
    const context = fakeDestinationContext({
      give: async (name, { effectId }) => {
        if (given.length === 1) throw full;
        given.push(`${name} ${effectId}`);
      },
    });
    await using destination = channel({ name: 'lab' }).create(context);
    const batch = [0, 1, 2].map((number) =>
      outgoing({ number, payload: undefined as unknown, bytes: new Uint8Array() }),
    );
    expect(await destination.write(batch, patient)).toEqual([
      { status: 'sent' },
      { status: 'error', error: full },
      { status: 'untried' },
    ]);
    expect(given).toEqual([`lab ${batch[0]!.effectId}`]);
  });

  it('begins nothing once it was told to stop', async () => {
    await using destination = channel({ name: 'lab' }).create(
      fakeDestinationContext({ give: () => expect.fail('it gave') }),
    );
    const one = outgoing({ number: 0, payload: undefined as unknown, bytes: new Uint8Array() });
    expect(await destination.write([one], { ...patient, signal: AbortSignal.abort() })).toEqual([
      { status: 'untried' },
    ]);
  });
});
