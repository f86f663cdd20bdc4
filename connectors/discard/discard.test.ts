import { describe, expect, it } from 'vitest';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { discard } from './discard.ts';

// It has no far end, so nothing of the shared suite can fail or be received there.
describe('the discard destination', () => {
  it('answers that all is sent, counts it, and touches neither payload nor bytes', async () => {
    const context = fakeDestinationContext();
    const destination = discard({}).create(context);
    const untouchable = (number: number) =>
      Object.defineProperties(outgoing({ number, payload: undefined as unknown, bytes: new Uint8Array() }), {
        payload: { get: () => expect.fail('it read the payload') },
        bytes: { get: () => expect.fail('it read the bytes') },
      });
    expect(await destination.write([untouchable(0), untouchable(1)], patient)).toBeUndefined();
    await destination.write([untouchable(2)], patient);
    expect(context.counts.discard_messages_total).toBe(3);
  });

  it('takes any format', () => {
    expect(discard({}).accepts).toBeUndefined();
  });
});
