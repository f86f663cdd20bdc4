/** Alerts where several hubs share a store: one of them watches for all. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { MemoryContents } from '../../core/store/memory-contents.ts';
import { openMemoryStore } from '../../core/store/memory-store.ts';
import { recordingLog, repeatableRandom } from '../../core/testing/contexts.ts';
import { analyst, eventually, failing } from '../../core/testing/engine-harness.ts';
import { fakeClock } from '../../core/testing/fake-clock.ts';
import { hubsPerTest } from '../../core/testing/hubs-fixture.ts';
import { defaultAlerts } from './alerts-config.ts';
import { AlertsOfOne } from './alerts-of-one.ts';

const { place: newPlace, hub: newHub } = hubsPerTest(async () => {
  const contents = new MemoryContents();
  return {
    open: async (hub) => openMemoryStore({ now: Date.now, contents, hub }),
    [Symbol.asyncDispose]: async () => undefined,
  };
});

const minute = 60_000;

async function hubs() {
  const place = await newPlace();
  const clock = fakeClock(Date.now());
  const open = async (name: string) => {
    const hub = await newHub(place, name, { wire: [], channels: 2 });
    const { log } = recordingLog();
    const alerts = new AlertsOfOne({
      ...{ engine: hub.engine, clock, random: repeatableRandom(1), log, lowWaterBytes: 0, hub: name, version: 'v1' },
      source: { alerts: defaultAlerts(), wiring: { endpoints: {}, uses: [], holdKey: [] } },
    });
    onTestFinished(() => alerts[Symbol.asyncDispose]());
    await alerts.start();
    return { ...hub, alerts };
  };
  const a = await open('a');
  await eventually(() => a.engine.ofOne.hubOf('alerts') === 'a');
  const b = await open('b');
  await eventually(async () => (await b.engine.status()).some(({ hub }) => hub === 'b'));
  await eventually(() => b.engine.ofOne.hubOf('alerts') === 'a');
  const own = (await b.engine.status()).find(({ hub }) => hub === 'b')!.channel;
  return { a, b, own, clock };
}

describe('the alerts of hubs on one store', () => {
  it('are watched by one hub, which the others name, and another one goes on with them when it stops', async () => {
    const { a, b } = await hubs();
    a.far.answer = failing.forGood;
    b.far.answer = failing.forGood;
    await a.source.send('k:0');
    await eventually(async () => (await a.alerts.report()).firing.length === 1);
    const [alert] = (await a.alerts.report()).firing;
    expect(alert).toMatchObject({ condition: 'deadLetters', subject: { channel: 'shared' } });
    const elsewhere = { code: 'not-allowed', message: 'asking for alerts: hub a watches for them, ask it' };
    await expect(b.alerts.report()).rejects.toMatchObject(elsewhere);
    await expect(b.alerts.startMaintenance('*', minute, analyst)).rejects.toMatchObject(elsewhere);
    expect(b.alerts.figures().firing).toEqual([]);

    await a.alerts[Symbol.asyncDispose]();
    await a.close();
    await eventually(() => b.engine.ofOne.hubOf('alerts') === 'b');
    await eventually(() => b.alerts.figures().firing.length === 1);
    expect((await b.alerts.report()).firing[0]).toMatchObject({ id: alert!.id, firedAt: alert!.firedAt });
    expect(b.alerts.history(10).map(({ what }) => what)).toEqual(['firing']);
  });

  it('are also about what only the hub that has a channel knows', async () => {
    const { a, b, own, clock } = await hubs();
    b.far.answer = failing.away;
    await b.engine.send(own, Buffer.from('k:0'), {}, analyst);
    await eventually(async () =>
      (await b.engine.status()).some(({ destinations }) => destinations[0]?.circuit === 'open'),
    );
    for (let passed = 0; passed < 10 * minute; passed += 15_000) {
      await clock.advanceAsync(15_000);
      // What the other hub tells takes its way through the store.
      await new Promise((resolve) => setTimeout(resolve, 10));
      await a.alerts.report();
    }
    const { firing } = await a.alerts.report();
    expect(firing.map(({ condition, subject }) => [condition, subject])).toEqual([
      ['connectionDown', { channel: own, destination: 'far' }],
    ]);
  });
});
