/** Undeploying where several hubs share a store: what one is asked for, all of them do. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { MemoryContents } from '../core/store/memory-contents.ts';
import { openMemoryStore } from '../core/store/memory-store.ts';
import { recordingLog } from '../core/testing/contexts.ts';
import { analyst, eventually } from '../core/testing/engine-harness.ts';
import { wallClock } from '../core/testing/fake-clock.ts';
import { hubsPerTest, sharedChannel } from '../core/testing/hubs-fixture.ts';
import { Undeploy } from './undeploy.ts';
import { UndeployedChannels } from './undeployed.ts';

const { place: newPlace, hub: newHub } = hubsPerTest(async () => {
  const contents = new MemoryContents();
  return {
    open: async (hub) => openMemoryStore({ now: Date.now, contents, hub }),
    [Symbol.asyncDispose]: async () => undefined,
  };
});

async function two() {
  const place = await newPlace();
  const wire: string[] = [];
  const hubs = [];
  for (const name of ['a', 'b']) {
    const hub = await newHub(place, name, { wire });
    const undeployed = new UndeployedChannels();
    await undeployed.load(hub.store);
    const bringBack = (channel: string) =>
      hub.engine.deploy({ ...sharedChannel(hub.source, hub.far, {}), name: channel }, 'v2');
    const undeploy = new Undeploy({
      ...{ engine: hub.engine, undeployed, clock: wallClock, log: recordingLog().log, bringBack },
      inTurn: (run) => run(),
    });
    undeploy.watch();
    onTestFinished(() => undeploy[Symbol.dispose]());
    const channels = async () => (await hub.engine.status()).map(({ channel }) => channel);
    hubs.push({ ...hub, undeploy, undeployed, channels });
  }
  const [a, b] = hubs as [(typeof hubs)[number], (typeof hubs)[number]];
  await eventually(async () => (await b.engine.status())[0]?.hub === 'a');
  return { a, b, wire };
}

describe('undeploying on one of several hubs', () => {
  it('takes the channel away on all of them, after what waits has gone out, and brings it back on all of them', async () => {
    const { a, b, wire } = await two();
    await b.source.send('k:0');
    expect(await b.undeploy.undeploy('shared', analyst)).toMatchObject({ gone: true });
    expect(wire).toEqual(['k:0']);
    await eventually(async () => (await a.channels()).length === 0);
    expect(a.undeployed.list()).toMatchObject([{ channel: 'shared', before: 'running' }]);
    await a.undeployed.remove(['shared']);
    await eventually(async () => (await b.channels()).length === 1);
  });
});
