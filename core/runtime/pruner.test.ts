import { expect, it } from 'vitest';
import { defineChannel } from '../builder.ts';
import { openMemoryLog } from '../events/memory-log.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { recordingLog, repeatableRandom } from '../testing/contexts.ts';
import { farEnd, manualSource } from '../testing/engine-harness.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { createEngine } from './create-engine.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

it('messages of a channel that is not deployed are pruned, too, where somebody says how long they are kept', async () => {
  const clock = fakeClock();
  await using store = openMemoryStore({ now: () => clock.now() });
  const pruned: string[] = [];
  const prune = store.prune.bind(store);
  store.prune = (channel, policy, signal) => {
    pruned.push(`${channel} ${(clock.now() - policy.messagesBefore) / day}`);
    return prune(channel, policy, signal);
  };
  const keptFor3Days = (name: string) =>
    defineChannel(name, { retention: { contentDays: 3, messageDays: 3 } })
      .from(manualSource().spec)
      .to('far', farEnd(name).spec).definition;
  const [there, away] = [keptFor3Days('there'), keptFor3Days('away')];
  await using engine = await createEngine({
    ...{ store, clock, log: recordingLog().log, random: repeatableRandom(1) },
    events: openMemoryLog(),
    endpoints: { get: () => undefined },
    alsoPruned: () => [there, away],
  });
  await engine.deploy(there, 'v1');
  clock.advance(11 * minute);
  await expect.poll(() => pruned).toEqual(['there 3', 'away 3']);
});
