import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineChannel } from '../builder.ts';
import type { ChannelDefinition } from '../channel.ts';
import { defineAdapter, defineConnector } from '../define.ts';
import { harnessPerTest, text } from '../testing/engine-harness.ts';

const started = harnessPerTest();

it('components have the device profiles of their version, and begin anew when one of theirs has changed', async () => {
  const seen: string[] = [];
  const config = z.strictObject({ profile: z.string() });
  const basics = { summary: 'Of a test.', config, deviceProfiles: ({ profile }: { profile: string }) => [profile] };
  const source = defineAdapter({
    ...{ ...basics, type: 'poller', produces: text, acknowledges: 'never' },
    examples: [{ title: 'A test', config: { profile: 'rooms' } }],
    create: ({ profile }, context) => {
      seen.push(`source ${context.deviceProfile(profile).devices.length}`);
      return {
        run: (_, { drain }) =>
          new Promise((resolve) => drain.addEventListener('abort', () => resolve(), { once: true })),
      };
    },
  });
  const destination = defineConnector({
    ...{ ...basics, type: 'setter', accepts: 'any', batching: 'independent', effect: 'atLeastOnce', maxBatch: 1 },
    examples: [{ title: 'A test', config: { profile: 'rooms' } }],
    create: ({ profile }, context) => {
      seen.push(`destination ${context.deviceProfile(profile).devices.length}`);
      expect(() => context.deviceProfile('pumps')).toThrow('it has no device profile pumps');
      return { write: async () => undefined, [Symbol.asyncDispose]: async () => undefined };
    },
  });
  const { definition } = defineChannel('rooms')
    .from(source({ profile: 'rooms' }))
    .to('back', destination({ profile: 'rooms' }));
  const withDevices = (...ids: readonly string[]): ChannelDefinition => ({
    ...definition,
    deviceProfiles: new Map([['rooms', { name: 'rooms', devices: ids.map((id) => ({ id })) }]]),
  });
  const { engine } = await started();
  await engine.deploy(withDevices('a'), 'v1');
  await engine.deploy(withDevices('a'), 'v2');
  expect(seen.toSorted()).toEqual(['destination 1', 'source 1']);
  await engine.deploy(withDevices('a', 'b'), 'v3');
  expect(seen.toSorted()).toEqual(['destination 1', 'destination 2', 'source 1', 'source 2']);
});
