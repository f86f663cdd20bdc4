import { describe, expect, test } from 'vitest';
import { defineChannel, when } from '../builder.ts';
import { HubError } from '../errors.ts';
import type { Receipt } from '../outcome.ts';
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
const statuses = (receipts: readonly Receipt[]) => receipts.map((each) => each.outcome.status);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('acknowledgement', () => {
  test('rule 9: `stored` answers although every destination is away', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    far.answer = failing.away;
    await engine.deploy(defineChannel('stored').from(source.spec).keyBy(keyOf).to('far', far.spec).definition, 'v1');
    expect(statuses(await source.send('k:1'))).toEqual(['stored']);
  });

  test('rule 9: with `reject`, what was not begun is withdrawn before the negative answer, and only a resend goes out', async () => {
    const { engine, store } = await started();
    const [source, a, b] = [manualSource(), farEnd('a'), farEnd('b')];
    let held = true;
    const hold = async () => {
      while (held) await pause(5);
      return { status: 'sent' } as const;
    };
    for (const far of [a, b]) far.answer = (message) => (message.payload === 'k:1' ? hold() : { status: 'sent' });
    const channel = defineChannel('reject', { ackAfter: 'settled', ackTimeoutMs: 500 })
      .from(source.spec)
      .keyBy(keyOf)
      .to('a', a.spec)
      .to('b', b.spec);
    await engine.deploy(channel.definition, 'v1');
    const first = source.send('k:1');
    await eventually(() => a.attempts.length === 1);
    const [behind] = await source.send('k:2');
    expect(behind?.outcome).toMatchObject({ status: 'error', error: { code: 'cancelled' } });
    const page = await store.find({ id: behind!.id!, limit: 1 });
    expect(page.messages[0]?.parts.map((part) => part.error?.code)).toEqual(['cancelled', 'cancelled']);
    held = false;
    await first;
    await pause(100);
    expect(a.received).toEqual(['k:1']);
    expect(b.received).toEqual(['k:1']);
    expect(statuses(await source.send('k:2'))).toEqual(['sent']);
    expect(a.received).toEqual(['k:1', 'k:2']);
    expect(b.received).toEqual(['k:1', 'k:2']);
    expect((await engine.status())[0]?.counts.openErrors).toBe(0);
  });

  test('rule 9: parts that wait in the queue for a retry are withdrawn too', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    let down = true;
    far.answer = () => (down ? failing.passing() : { status: 'sent' });
    const channel = defineChannel('reject', { ackAfter: 'settled', ackTimeoutMs: 500 })
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec, { retry: { initialMs: 400, maxMs: 500 } });
    await engine.deploy(channel.definition, 'v1');
    const receipts = await Promise.all([source.send('k:1'), source.send('k:2')]);
    expect(receipts.flat().map((each) => each.outcome.status)).toEqual(['error', 'error']);
    down = false;
    await pause(600);
    expect(far.received).toEqual([]);
    expect(statuses(await source.send('k:3'))).toEqual(['sent']);
    expect((await engine.status())[0]?.destinations[0]).toMatchObject({ queued: 0, heldKeys: 0 });
  });

  test('rule 9: with `accept` the late message is answered positively and sent when it can be', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    let down = true;
    far.answer = () => (down ? failing.passing() : { status: 'sent' });
    const channel = defineChannel('accept', { ackAfter: 'settled', ackTimeoutMs: 80, onUnsettled: 'accept' })
      .from(source.spec)
      .to('far', far.spec, { retry: { initialMs: 20, maxMs: 40 } });
    await engine.deploy(channel.definition, 'v1');
    expect(statuses(await source.send('k:1'))).toEqual(['queued']);
    down = false;
    await eventually(() => far.received.length === 1);
  });

  test('rule 9: `ackOn` waits for the named destination only', async () => {
    const { engine } = await started();
    const [source, quick, slow] = [manualSource(), farEnd('quick'), farEnd('slow')];
    const acknowledged = Promise.withResolvers<void>();
    slow.answer = async () => {
      await acknowledged.promise;
      return { status: 'sent' };
    };
    const channel = defineChannel('ack-on', { ackAfter: 'settled', ackOn: ['quick'] })
      .from(source.spec)
      .to('quick', quick.spec)
      .to('slow', slow.spec);
    await engine.deploy(channel.definition, 'v1');
    expect(statuses(await source.send('k:1'))).toEqual(['sent']);
    acknowledged.resolve();
    await eventually(() => slow.received.length === 1);
  });

  test('rule 10: a filtered message is answered positively, an unmatched one as the channel says', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    const channel = defineChannel('unmatched', { ackAfter: 'settled', unmatched: { reply: 'AR', as: 'error' } })
      .from(source.spec)
      .filter((payload) => !payload.startsWith('drop'))
      .to(
        'far',
        when((payload: string) => payload.startsWith('want'), far.spec),
      );
    await engine.deploy(channel.definition, 'v1');
    const receipts = await source.send('drop:1', 'other:2', 'want:3');
    expect(statuses(receipts)).toEqual(['filtered', 'error', 'sent']);
    expect(receipts[1]?.outcome).toMatchObject({ error: { code: 'unmatched' } });
  });

  test('rule 12: one held message of 50 delays only its own receipt', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd('far', { concurrency: 4, maxBatch: 1 })];
    let held = true;
    far.answer = async (message) => {
      while (held && message.payload === 'k7:7') await pause(5);
      return { status: 'sent' };
    };
    await engine.deploy(
      defineChannel('pipelined', { ackAfter: 'settled' }).from(source.spec).keyBy(keyOf).to('far', far.spec).definition,
      'v1',
    );
    const done: number[] = [];
    const delivery = await (await source.intake).accept(
      Array.from({ length: 50 }, (_, n) => ({ raw: Buffer.from(`k${n}:${n}`) })),
      new AbortController().signal,
    );
    delivery.on('settled', (index) => void done.push(index));
    await eventually(() => done.length === 49);
    expect(done).not.toContain(7);
    held = false;
    await eventually(() => done.length === 50);
  });

  test('rule 13: `replyFrom` answers with that destination’s reply, negative ones as they came, and never queues', async () => {
    const { engine } = await started();
    const [source, far, archive] = [manualSource(), farEnd('query'), farEnd('archive')];
    far.answer = async (message) => {
      if (message.payload === 'slow') await pause(1_000);
      if (message.payload === 'no')
        return { ...failing.passing(), reply: Buffer.from('AE') } as ReturnType<typeof failing.passing>;
      return { status: 'sent', reply: Buffer.from(`re:${message.payload}`) };
    };
    const channel = defineChannel('query', { replyFrom: 'query', ackTimeoutMs: 500 })
      .from(source.spec)
      .to('query', far.spec)
      .to('archive', archive.spec);
    await engine.deploy(channel.definition, 'v1');
    const answer = async (body: string) => {
      const delivery = await (await source.intake).accept([{ raw: Buffer.from(body) }], new AbortController().signal);
      const [receipt] = await delivery.receipts('settled');
      return { status: receipt!.outcome.status, reply: receipt!.reply && Buffer.from(receipt!.reply).toString() };
    };
    expect(await answer('q1')).toEqual({ status: 'sent', reply: 're:q1' });
    expect(await answer('no')).toEqual({ status: 'error', reply: 'AE' });
    expect(await answer('slow')).toEqual({ status: 'error', reply: undefined });
    await pause(600);
    expect((await engine.status())[0]?.destinations[0]?.queued).toBe(0);
    expect(archive.received.length).toBe(3);
  });

  test('rule 14: a duplicate of a pending message joins its receipt, of a sent one is answered, of a failed one sends what was not sent', async () => {
    const { engine } = await started();
    const [source, a, b] = [manualSource(), farEnd('a'), farEnd('b')];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let bad = true;
    a.answer = async (message) => {
      if (message.payload === 'k:1') await gate;
      return { status: 'sent' };
    };
    b.answer = (message) => (bad && message.payload === 'k:2' ? failing.forGood() : { status: 'sent' });
    const channel = defineChannel('duplicates', { ackAfter: 'settled', duplicates: 'detect' })
      .from(source.spec)
      .keyBy(keyOf)
      .to('a', a.spec)
      .to('b', b.spec);
    await engine.deploy(channel.definition, 'v1');
    const arrival = (body: string, dedupeKey: string) => ({ raw: Buffer.from(body), dedupeKey, contentHash: body });
    const first = source.send(arrival('k:1', 'c1'));
    await eventually(() => a.attempts.length === 1);
    const again = source.send(arrival('k:1', 'c1'));
    await pause(30);
    release();
    const [[one], [two]] = await Promise.all([first, again]);
    expect([one!.outcome.status, two!.outcome.status, two!.duplicateOf]).toEqual(['sent', 'sent', one!.id]);
    expect(statuses(await source.send(arrival('k:1', 'c1')))).toEqual(['sent']);
    expect(a.received).toEqual(['k:1']);
    // Same key, other content: a new message, as senders start MSH-10 over every day.
    expect(statuses(await source.send(arrival('k:9', 'c1')))).toEqual(['sent']);
    expect(a.received).toEqual(['k:1', 'k:9']);

    expect(statuses(await source.send(arrival('k:2', 'c2')))).toEqual(['error']);
    bad = false;
    expect(statuses(await source.send(arrival('k:2', 'c2')))).toEqual(['sent']);
    expect(a.received.filter((each) => each === 'k:2')).toEqual(['k:2']);
    expect(b.received.filter((each) => each === 'k:2')).toEqual(['k:2']);
    expect((await engine.status())[0]?.counts).toMatchObject({ openErrors: 0, duplicates: 3 });
  });

  test('rule 25: at the deadline of a drain open receipts resolve `draining`, and the message goes on at the next start', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    let stuck = true;
    far.onBatch = async (_batch, { signal }) => {
      if (stuck)
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
        );
    };
    const channel = defineChannel('drain', { ackAfter: 'settled', limits: { drainMs: 150 } })
      .from(source.spec)
      .to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const pending = source.send('k:1');
    await eventually(() => far.attempts.length === 1);
    await engine.stop('drain', analyst);
    expect(statuses(await pending)).toEqual(['draining']);
    expect((await engine.status())[0]?.state).toBe('stopped');
    stuck = false;
    await engine.start('drain', analyst);
    await eventually(() => far.received.length === 1);
  });

  test('rule 25: a stopped channel stays stopped over a restart, and a stopped destination too', async () => {
    const first = await started();
    const [source, far, other] = [manualSource(), farEnd(), farEnd('other')];
    const definition = defineChannel('wish').from(source.spec).to('far', far.spec).to('other', other.spec).definition;
    await first.engine.deploy(definition, 'v1');
    await first.engine.stopDestination('wish', 'other', analyst);
    await source.send('k:1');
    await eventually(() => far.received.length === 1);
    await first.engine.stop('wish', analyst);
    await first.engine.close(1_000);
    const second = await started({ store: first.store });
    await second.engine.deploy(definition, 'v1');
    expect((await second.engine.status())[0]?.state).toBe('stopped');
    await second.engine.start('wish', analyst);
    await source.send('k:2');
    await eventually(() => far.received.length === 2);
    await eventually(async () => (await second.engine.status())[0]?.destinations[1]?.queued === 2);
    expect((await second.engine.status())[0]?.destinations[1]).toMatchObject({ enabled: false });
    await second.engine.startDestination('wish', 'other', analyst);
    await eventually(() => other.received.length === 2);
    expect(other.received).toEqual(['k:1', 'k:2']);
  });

  test('rule 11: while the store cannot accept, receipts say so and intake goes on by itself when it can again', async () => {
    const harness = await started();
    const [source, far] = [manualSource(), farEnd()];
    await harness.engine.deploy(defineChannel('full').from(source.spec).to('far', far.spec).definition, 'v1');
    await source.intake;
    const append = harness.store.append.bind(harness.store);
    let full = true;
    harness.store.append = (channel, batch) =>
      full
        ? Promise.reject(new HubError('store-full', 'transient', 'storing: the disk is full'))
        : append(channel, batch);
    const [refused] = await source.send('k:1');
    expect(refused).toMatchObject({ outcome: { status: 'error', error: { code: 'store-full' } } });
    expect(refused?.id).toBeUndefined();
    full = false;
    expect(statuses(await source.send('k:1'))).toEqual(['stored']);
    await eventually(() => far.received.length === 1);
  });

  test('rule 26: in-flight messages are bounded by `maxInFlight`; under `settled` the sender waits', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    let held = true;
    far.answer = async () => {
      while (held) await pause(5);
      return { status: 'sent' };
    };
    const channel = defineChannel('bounded', { ackAfter: 'settled', limits: { maxInFlight: 10 } })
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    let accepted = 0;
    const all = Array.from({ length: 30 }, async (_, n) => {
      const { receipts } = await source.offer(`k${n}:${n}`);
      accepted += 1;
      return receipts;
    });
    await pause(100);
    expect(accepted).toBeLessThanOrEqual(10);
    expect((await engine.status())[0]?.inFlight).toBeLessThanOrEqual(11);
    held = false;
    expect((await Promise.all(all)).flat().every((each) => each.outcome.status === 'sent')).toBe(true);
  });

  test('rule 26: under `stored` a slow destination fills the store, not the heap, and everything comes in order', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd('far', { maxBatch: 5 })];
    far.onBatch = () => pause(1).then(() => undefined);
    const channel = defineChannel('overflow', { limits: { maxInFlight: 40 } })
      .from(source.spec)
      .through(async (payload) => {
        if (Math.random() < 0.05) await pause(2);
        return payload;
      })
      .to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const bodies = Array.from({ length: 2_000 }, (_, n) => `x:${n}`);
    for (const body of bodies) {
      await source.offer(body);
      if (body.endsWith('00')) expect((await engine.status())[0]?.inFlight).toBeLessThanOrEqual(80);
    }
    await eventually(() => far.received.length === 2_000, 30_000);
    expect(far.received).toEqual(bodies);
  });
});
