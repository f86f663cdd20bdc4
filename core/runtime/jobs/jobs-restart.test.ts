import { describe, expect, test } from 'vitest';
import { MemoryContents } from '../../store/memory-contents.ts';
import { openMemoryStore } from '../../store/memory-store.ts';
import { analyst, engineHarness, eventually, farEnd, manualSource } from '../../testing/engine-harness.ts';
import { bodies, channelOf, replaysIn, until } from '../../testing/job-fixture.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('rule 22: jobs and restarts', () => {
  test('goes on after a restart, and does nothing twice where the hub was killed before it wrote down how far it was', async () => {
    const contents = new MemoryContents();
    const open = () => engineHarness({ store: openMemoryStore({ now: Date.now, contents }) });
    const [source, far] = [manualSource(), farEnd()];
    let harness = await open();
    await channelOf(harness, source, far);
    await source.send(...bodies(120));
    await eventually(() => far.received.length === 120);
    const { id } = await harness.engine.jobs.create({ verb: 'replay', filter: { channel: 'one' }, rate: 200 }, analyst);
    const progress = `job/${id}/progress`;
    for (let restart = 0; restart < 3; restart++) {
      const before = contents.state.get(progress)!;
      await eventually(() => harness.engine.jobs.get(id).done >= 25 * (restart + 1));
      await harness[Symbol.asyncDispose]();
      // As if it had been killed: what it wrote at the end is not there.
      contents.state.set(progress, before);
      harness = await open();
      await channelOf(harness, source, far);
    }
    expect(await until(harness, id, 'done')).toMatchObject({ matched: 120, done: 120, failed: 0 });
    await eventually(() => far.received.length === 240);
    await sleep(50);
    expect(far.received.slice(120)).toEqual(bodies(120));
    expect([...(await replaysIn(harness.store)).values()]).toEqual(Array(120).fill(1));
    await harness[Symbol.asyncDispose]();
  });

  test('a job that was paused stays so over a restart', async () => {
    const contents = new MemoryContents();
    const open = () => engineHarness({ store: openMemoryStore({ now: Date.now, contents }) });
    const [source, far] = [manualSource(), farEnd()];
    let harness = await open();
    await channelOf(harness, source, far);
    await source.send(...bodies(50));
    await eventually(() => far.received.length === 50);
    const { id } = await harness.engine.jobs.create({ verb: 'replay', filter: { channel: 'one' }, rate: 50 }, analyst);
    await eventually(() => harness.engine.jobs.get(id).done >= 5);
    const { done } = await harness.engine.jobs.pause(id, analyst);
    await harness[Symbol.asyncDispose]();
    harness = await open();
    await channelOf(harness, source, far);
    await sleep(60);
    expect(harness.engine.jobs.get(id)).toMatchObject({ state: 'paused', done, by: analyst });
    await harness[Symbol.asyncDispose]();
  });
});
