import { describe, expect, test } from 'vitest';
import { defineChannel, via } from '../builder.ts';
import {
  analyst,
  eventually,
  failing,
  farEnd,
  harnessPerTest,
  keyOf,
  manualSource,
} from '../testing/engine-harness.ts';

const started = harnessPerTest();

const failsAlways = (): string => {
  throw new Error('on purpose');
};

describe('what people do with messages', () => {
  test('rule 22: retry sends the same bytes with the same effect id, replay makes a new message; twice is once', async () => {
    const { engine, store } = await started();
    const [source, far] = [manualSource(), farEnd()];
    let bad = true;
    far.answer = () => (bad ? failing.forGood() : { status: 'sent' });
    const channel = defineChannel('verbs').from(source.spec).keyBy(keyOf).to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const [receipt] = await source.send('k:1');
    const id = receipt!.id!;
    await eventually(async () => (await engine.status())[0]?.counts.openErrors === 1);
    bad = false;
    await source.send('k:2');
    await eventually(() => far.received.length === 1);
    await expect(engine.retry(id, analyst)).rejects.toMatchObject({ code: 'confirmation-needed' });
    const [once, twice] = await Promise.all([
      engine.retry(id, analyst, { confirmed: true }),
      engine.retry(id, analyst, { confirmed: true }),
    ]);
    await eventually(() => far.received.length === 2);
    expect([once.parts.length, twice.parts.length].toSorted()).toEqual([0, 1]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(far.received).toEqual(['k:2', 'k:1']);
    expect(far.effects[1]).toBe(`${id}/far/0`);
    const replay = await engine.replay(id, analyst);
    await eventually(() => far.received.length === 3);
    expect(far.effects[2]).toBe(`${replay.messageId}/far/0`);
    const page = await store.find({ id: replay.messageId!, limit: 1 });
    expect(page.messages[0]?.replayOf).toBe(id);
    const trail = await store.auditTrail({ limit: 100 });
    expect(trail.filter((each) => each.subject === id).map((each) => each.action)).toContain('replay');
  });

  test('rule 17: what was closed is not sent by a retry, and is not open any more', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    far.answer = () => failing.forGood();
    const channel = defineChannel('closed').from(source.spec).keyBy(keyOf).to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const [receipt] = await source.send('k:1');
    await eventually(async () => (await engine.status())[0]?.counts.openErrors === 1);
    expect((await engine.skip(receipt!.id!, analyst)).parts).toHaveLength(1);
    expect((await engine.skip(receipt!.id!, analyst)).parts).toEqual([]);
    expect((await engine.retry(receipt!.id!, analyst)).parts).toEqual([]);
    expect((await engine.status())[0]?.counts.openErrors).toBe(0);
  });

  test('rule 17: the error of a message that was never sent anywhere can be closed', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    await engine.deploy(defineChannel('whole').from(source.spec).keyBy(keyOf).to('far', far.spec).definition, 'v1');
    const [receipt] = await source.send('!garbage');
    await eventually(async () => (await engine.status())[0]?.counts.openErrors === 1);
    expect((await engine.skip(receipt!.id!, analyst)).parts).toMatchObject([{ destination: '' }]);
    expect((await engine.skip(receipt!.id!, analyst)).parts).toEqual([]);
    expect((await engine.status())[0]?.counts.openErrors).toBe(0);
  });

  test('a retry of what failed before it had bytes says that it can only be replayed', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    const channel = defineChannel('no-bytes').from(source.spec).keyBy(keyOf).to('far', via(failsAlways, far.spec));
    await engine.deploy(channel.definition, 'v1');
    const [receipt] = await source.send('k:1');
    await eventually(async () => (await engine.status())[0]?.counts.openErrors === 1);
    await expect(engine.retry(receipt!.id!, analyst)).rejects.toMatchObject({ code: 'not-allowed' });
    expect((await engine.status())[0]?.counts.openErrors).toBe(1);
  });
});
