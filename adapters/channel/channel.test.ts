import { describe, expect, it } from 'vitest';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { fakeIntake } from '../../core/testing/fake-intake.ts';
import { channel } from './channel.ts';

// The runtime stores what other channels give: hub/channel-links.test.ts. Nothing of the shared suite can arrive here.
describe('a source that is other channels', () => {
  it.for(['drain', 'halt'] as const)('runs until %s, and takes nothing by itself', async (signal) => {
    const context = fakeSourceContext();
    const [drain, halt] = [new AbortController(), new AbortController()];
    const running = channel({})
      .create(context)
      .run(fakeIntake() as never, { drain: drain.signal, halt: halt.signal });
    ({ drain, halt })[signal].abort();
    await running;
    expect(context.reported.map(({ state }) => state)).toEqual(['idle', 'stopped']);
  });
});
