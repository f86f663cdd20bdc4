import { describe, expect, test } from 'vitest';
import {
  analyst,
  eventually,
  failing,
  farEnd,
  harnessPerTest,
  keyOf,
  manualSource,
} from '../../testing/engine-harness.ts';
import { bodies, channelOf, replaysIn, until } from '../../testing/job-fixture.ts';

const started = harnessPerTest();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('rule 22: verbs on all messages of a filter', () => {
  test('a replay sends each once more, in order, under the current definition, and is on the audit trail once', async () => {
    const harness = await started();
    const { engine, store } = harness;
    const [source, far] = [manualSource(), farEnd()];
    await channelOf(harness, source, far);
    await source.send(...bodies(100));
    await eventually(async () => (await engine.status())[0]?.counts.sent === 100);
    const filter = { channel: 'one', status: 'sent' } as const;
    expect(await engine.jobs.preview({ verb: 'replay', filter })).toMatchObject({
      matched: 100,
      complete: true,
      channels: [{ channel: 'one', messages: 100, destinations: [{ destination: 'far', messages: 100 }] }],
    });
    const { id } = await engine.jobs.create({ verb: 'replay', filter, rate: 5_000 }, { ...analyst, ticket: 'INC-7' });
    expect(await until(harness, id, 'done')).toMatchObject({ matched: 100, done: 100, already: 0, failed: 0 });
    await eventually(() => far.received.length === 200);
    expect(far.received.slice(100)).toEqual(bodies(100));
    expect(new Set(far.effects).size).toBe(200);
    expect([...(await replaysIn(store)).values()]).toEqual(Array(100).fill(1));
    const trail = (await store.auditTrail({ limit: 500 })).filter(({ subject }) => subject.startsWith('job/'));
    expect(trail.map(({ action, ticket }) => [action, ticket])).toEqual([
      ['job: replay ended', 'INC-7'],
      ['job: replay', 'INC-7'],
    ]);
    expect(trail[1]!.subject).toBe(`job/${id} channel=one status=sent rate=5000`);
  });

  test('a double Enter makes one job: the same id, or the same wish while it runs', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    await channelOf(harness, source, far);
    await source.send(...bodies(20));
    await eventually(() => far.received.length === 20);
    const wish = { verb: 'replay', filter: { channel: 'one' }, rate: 500 } as const;
    const id = '0198c0de-0000-7000-8000-000000000001';
    const made = await Promise.all([
      engine.jobs.create({ ...wish, id }, analyst),
      engine.jobs.create({ ...wish, id }, analyst),
      engine.jobs.create(wish, analyst),
    ]);
    expect(new Set(made.map((each) => each.id))).toEqual(new Set([id]));
    await until(harness, id, 'done');
    expect((await engine.jobs.create({ ...wish, id }, analyst)).state).toBe('done');
    expect(engine.jobs.list()).toHaveLength(1);
    await eventually(() => far.received.length === 40);
  });

  test('keeps its rate, is paused, resumed and cancelled, and says how far it is', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    await channelOf(harness, source, far);
    await source.send(...bodies(200));
    await eventually(() => far.received.length === 200);
    const begun = performance.now();
    const { id } = await engine.jobs.create({ verb: 'replay', filter: { channel: 'one' }, rate: 100 }, analyst);
    await eventually(() => engine.jobs.get(id).done >= 70);
    const seconds = (performance.now() - begun) / 1000;
    expect(70 / seconds).toBeLessThan(120);
    expect(70 / seconds).toBeGreaterThan(5);
    const running = engine.jobs.get(id);
    expect(running).toMatchObject({ state: 'running', matched: 200 });
    expect(running.etaMs).toBeGreaterThan(500);
    const { done } = await engine.jobs.pause(id, analyst);
    await sleep(100);
    expect(far.received).toHaveLength(200 + done);
    expect(engine.jobs.get(id)).toMatchObject({ state: 'paused', done });
    await engine.jobs.resume(id, analyst);
    await eventually(() => engine.jobs.get(id).done > done);
    const cancelled = await engine.jobs.cancel(id, analyst);
    await sleep(100);
    expect(far.received).toHaveLength(200 + cancelled.done);
    expect(far.received.slice(200)).toEqual(bodies(200).slice(0, cancelled.done));
    await expect(engine.jobs.pause(id, analyst)).rejects.toMatchObject({ code: 'not-allowed' });
  });

  test('goes below live traffic: it waits for a destination that is away, stopped or busy, and says so', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    await channelOf(harness, source, far);
    await source.send(...bodies(60));
    await eventually(() => far.received.length === 60);
    await engine.stopDestination('one', 'far', analyst);
    const { id } = await engine.jobs.create({ verb: 'replay', filter: { channel: 'one' }, rate: 5_000 }, analyst);
    await eventually(() => engine.jobs.get(id).waitingFor === 'stopped');
    await sleep(50);
    expect(engine.jobs.get(id).done).toBe(0);
    await engine.startDestination('one', 'far', analyst);
    await eventually(() => engine.jobs.get(id).done > 0);
    far.answer = () => failing.away();
    await eventually(() => engine.jobs.get(id).waitingFor === 'away');
    const { done } = engine.jobs.get(id);
    expect(done).toBeLessThan(60);
    await sleep(50);
    expect(engine.jobs.get(id).done).toBe(done);
    far.answer = () => ({ status: 'sent' });
    await until(harness, id, 'done');
    await eventually(() => far.received.length === 120);
    expect(far.received.slice(60)).toEqual(bodies(60));
  });

  test('has few messages in memory, so that a live one waits for few', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd('far', { maxBatch: 1 })];
    await channelOf(harness, source, far);
    await source.send(...bodies(300));
    await eventually(() => far.received.length === 300);
    far.answer = async () => {
      await sleep(2);
      return { status: 'sent' };
    };
    const { id } = await engine.jobs.create({ verb: 'replay', filter: { channel: 'one' }, rate: 10_000 }, analyst);
    await eventually(() => engine.jobs.get(id).done > 20);
    const waits: number[] = [];
    for (let n = 0; n < 10; n++) {
      const before = far.received.length;
      await source.send(`live:${n}`);
      await eventually(() => far.received.includes(`live:${n}`));
      waits.push(far.received.indexOf(`live:${n}`) - before);
      await sleep(10);
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(16 + 2);
    expect(engine.jobs.get(id).state).toBe('running');
    await engine.jobs.cancel(id, analyst);
  });

  test('a retry by error acts on the destinations that have it, in order, and leaves what was overtaken to whoever confirms it', async () => {
    const harness = await started();
    const { engine, store } = harness;
    const [source, far, other] = [manualSource(), farEnd(), farEnd('other')];
    await channelOf(harness, source, far, other);
    const before = ['k0:-1', 'k1:-1', 'k2:-1', 'k3:-1', 'k4:-1'];
    await source.send(...before);
    await eventually(() => far.received.length === 5);
    far.answer = () => failing.forGood();
    other.answer = far.answer;
    await source.send(...bodies(20));
    await eventually(async () => (await engine.status())[0]?.counts.openErrors === 40);
    far.answer = () => ({ status: 'sent' });
    await source.send('k0:100');
    await eventually(() => far.received.length === 6);
    const wish = { verb: 'retry', filter: { channel: 'one', destination: 'far', error: 'reply-negative' } } as const;
    expect(await engine.jobs.preview(wish)).toMatchObject({ matched: 20, overtaken: 4, orderUnknown: 0 });
    const first = await engine.jobs.create({ ...wish, rate: 5_000 }, analyst);
    expect(await until(harness, first.id, 'done')).toMatchObject({
      ...{ done: 16, failed: 4, failures: [{ code: 'confirmation-needed', count: 4 }] },
    });
    const second = await engine.jobs.create({ ...wish, rate: 5_000, confirmed: true }, analyst);
    expect(await until(harness, second.id, 'done')).toMatchObject({ matched: 4, done: 4 });
    await eventually(() => far.received.length === 26);
    far.received.splice(0, 5);
    for (const key of ['k1', 'k2', 'k3', 'k4'])
      expect(far.received.filter((each) => keyOf(each) === key)).toEqual(
        bodies(20).filter((each) => keyOf(each) === key),
      );
    expect(other.received).toEqual(before);
    expect((await engine.status())[0]?.counts.openErrors).toBe(21);
    const trail = (await store.auditTrail({ limit: 500 })).filter(({ action }) => action === 'retry');
    expect(trail).toHaveLength(20);
    expect(trail[0]!.reason).toBe(`test (job ${second.id})`);
  });

  test('a skip closes what is open; ids that are not there fail by name, those that are done count as done already', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    await channelOf(harness, source, far);
    far.answer = () => failing.forGood();
    const receipts = await source.send(...bodies(10), '!garbage');
    await eventually(async () => (await engine.status())[0]?.counts.openErrors === 11);
    const ids = receipts.slice(0, 4).map((each) => each.id!);
    await engine.skip(ids[0]!, analyst);
    const nobody = '0198c0de-0000-7000-8000-000000000009';
    const some = await engine.jobs.create({ verb: 'skip', filter: { ids: [...ids, nobody] }, rate: 5_000 }, analyst);
    expect(await until(harness, some.id, 'done')).toMatchObject({
      ...{ matched: 5, done: 3, already: 1, failed: 1, failures: [{ code: 'not-found', messages: [{ id: nobody }] }] },
    });
    const rest = await engine.jobs.create({ verb: 'skip', filter: { channel: 'one' }, rate: 5_000 }, analyst);
    expect(await until(harness, rest.id, 'done')).toMatchObject({ matched: 7, done: 7 });
    expect((await engine.status())[0]?.counts.openErrors).toBe(0);
  });

  test('does not replay its own replays, nor what arrives after it was made', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    await channelOf(harness, source, far);
    await source.send(...bodies(30));
    await eventually(() => far.received.length === 30);
    const { id } = await engine.jobs.create({ verb: 'replay', filter: { channel: 'one' }, rate: 300 }, analyst);
    for (let n = 0; n < 20; n++) await source.send(`live:${n}`);
    expect(await until(harness, id, 'done')).toMatchObject({ matched: 30, done: 30 });
    await eventually(() => far.received.length === 80);
    await sleep(30);
    expect(far.received).toHaveLength(80);
  });

  test('refuses a filter that says nothing, and a hold that is not there', async () => {
    const { engine } = await started();
    const nothing = { verb: 'skip', filter: { status: 'queued' } } as const;
    await expect(engine.jobs.create(nothing, analyst)).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(engine.jobs.create({ verb: 'release', hold: 'x' }, analyst)).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(() => engine.jobs.get('x')).toThrow('no job has this id');
  });
});
