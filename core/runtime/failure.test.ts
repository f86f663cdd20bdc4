// Over 350 lines: the rules of failure, side by side on one harness.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defineChannel, via, when } from '../builder.ts';
import { HubError } from '../errors.ts';
import { MemoryContents } from '../store/memory-contents.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import {
  analyst,
  eventually,
  failing,
  farEnd,
  harnessPerTest,
  keyOf,
  manualSource,
  text,
} from '../testing/engine-harness.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { nightly } from '../testing/nightly.ts';

const started = harnessPerTest();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('failure', () => {
  test('rule 5: what was not sent is frozen: after a deploy of v2 the retry sends v1’s bytes', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    let down = true;
    far.answer = () => (down ? failing.passing() : { status: 'sent' });
    const version = (mark: string) =>
      defineChannel('frozen')
        .from(source.spec)
        .keyBy(keyOf)
        .through((payload) => `${payload} ${mark}`)
        .to('far', far.spec, { retry: { initialMs: 30, maxMs: 60 } }).definition;
    await engine.deploy(version('v1'), 'v1');
    await source.send('k:1');
    await eventually(() => far.attempts.length > 0);
    await engine.deploy(version('v2'), 'v2');
    await source.send('j:2');
    down = false;
    await eventually(() => far.received.length === 2);
    expect(far.received.toSorted()).toEqual(['j:2 v2', 'k:1 v1']);
    expect(source.runs).toBe(1);
  });

  test('rule 6: the clock of a step is `receivedAt`: the same bytes whenever it runs', async () => {
    const clock = fakeClock();
    const first = await started({ clock });
    const [source, far] = [manualSource(), farEnd()];
    const definition = defineChannel('clock')
      .from(source.spec)
      .through((payload, message) => `${payload}@${message.receivedAt}`)
      .to('far', far.spec).definition;
    await first.engine.deploy(definition, 'v1');
    const [receipt] = await source.send('k:1');
    await eventually(() => far.received.length === 1);
    const at = clock.now();
    clock.advance(3_600_000);
    const message = (await first.store.find({ id: receipt!.id!, limit: 1 })).messages[0]!;
    expect(message.receivedAt).toBe(at);
    expect(far.received[0]).toBe(`k:1@${at}`);
  });

  test('rule 7: a branch that changes its payload does not touch what the other destination gets', async () => {
    const { engine } = await started();
    const [source, changed, reader] = [manualSource(), farEnd('changed'), farEnd('reader')];
    const channel = defineChannel('branches')
      .from(source.spec)
      .through(async (payload) => payload)
      .to(
        'changed',
        via((payload: string) => payload.replace('a', 'b'), changed.spec),
      )
      .to('reader', reader.spec);
    await engine.deploy(channel.definition, 'v1');
    await source.send('k:a');
    await eventually(() => changed.received.length + reader.received.length === 2);
    expect([changed.received, reader.received]).toEqual([['k:b'], ['k:a']]);
  });

  // Permanent as it is: somebody gives the password back, and nothing is lost until then.
  const revoked = () =>
    ({
      status: 'error',
      error: new HubError('not-allowed', 'permanent', 'connecting: password', { scope: 'destination' }),
    }) as const;
  for (const [what, answer, total] of [
    ['refusing connections', failing.away, 40_000],
    ['with a revoked password', revoked, nightly ? 40_000 : 4_000],
  ] as const) {
    test(`rule 15: a destination ${what} for six hours, ${total} queued: no dead letter, then all of them in order`, async () => {
      const clock = fakeClock();
      const directory = await mkdtemp(join(tmpdir(), 'weir-outage-'));
      const store = await openSqliteStore({ directory, now: () => clock.now() });
      const { engine } = await started({ clock, store });
      const [source, far] = [manualSource(), farEnd('far', { maxBatch: 200 })];
      let away = true;
      far.answer = () => (away ? answer() : { status: 'sent' });
      const channel = defineChannel('outage')
        .from(source.spec)
        .keyBy(keyOf)
        .to('far', far.spec, { retry: { maxAttempts: 3, maxAgeMs: 3_600_000 } });
      await engine.deploy(channel.definition, 'v1');
      for (let n = 0; n < total; n += 200) {
        await source.offer(...Array.from({ length: 200 }, (_, k) => `k${(n + k) % 500}:${n + k}`));
        await pause(0);
      }
      await eventually(async () => (await engine.status())[0]?.counts.queued === total, 120_000);
      for (let minute = 0; minute < 360; minute++) await clock.advanceAsync(60_000);
      const attempts = far.attempts.length;
      // One probe at a time, with backoff up to 30 s: not one attempt a message.
      expect(attempts).toBeLessThan((6 * 3_600) / 10);
      expect((await engine.status())[0]).toMatchObject({
        counts: { queued: total, errored: 0 },
        destinations: [{ circuit: 'open' }],
      });
      away = false;
      await eventually(async () => {
        await clock.advanceAsync(1_000);
        return far.received.length === total;
      }, 120_000);
      await eventually(async () => (await engine.status())[0]?.counts.queued === 0);
      expect((await engine.status())[0]?.destinations[0]).toMatchObject({ queued: 0, errored: 0, circuit: 'closed' });
      const last = new Map<string, number>();
      for (const each of far.received) {
        const [key = '', n = ''] = each.split(':');
        expect(Number(n)).toBeGreaterThan(last.get(key) ?? -1);
        last.set(key, Number(n));
      }
      await engine.close(1_000);
      await store[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    }, 300_000);
  }

  for (const scope of ['destination', 'message'] as const)
    test(`a far end that asks to be left alone for a minute (${scope}) gets nothing earlier`, async () => {
      const clock = fakeClock();
      const { engine } = await started({ clock });
      const [source, far] = [manualSource(), farEnd('far', { maxBatch: 1, concurrency: 2 })];
      const late = Promise.withResolvers<void>();
      const error = new HubError('reply-negative', 'transient', 'sending: 429', { scope });
      let asks = true;
      far.answer = async ({ payload }) => {
        if (payload.startsWith('b:')) await late.promise;
        else if (asks) return { status: 'error', error, retryAfterMs: 60_000 };
        return { status: 'sent' };
      };
      const channel = defineChannel('alone').from(source.spec).keyBy(keyOf);
      await engine.deploy(channel.to('far', far.spec, { retry: { initialMs: 5, maxMs: 10 } }).definition, 'v1');
      await source.send('a:1', 'b:2');
      await eventually(() => far.attempts.length === 2);
      await clock.advanceAsync(1_000);
      // What was under way when the answer came ends well: that does not end the pause.
      late.resolve();
      await eventually(() => far.received.length === 1);
      asks = false;
      for (let ms = 0; ms < 58_000; ms += 1_000) await clock.advanceAsync(1_000);
      expect(far.attempts.filter((each) => each === 'a:1')).toHaveLength(1);
      await eventually(async () => {
        await clock.advanceAsync(500);
        return far.received.length === 2;
      });
    });

  test('rule 16: attempts are bounded where the destination says so; then it is a dead letter', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    far.answer = (message) => (message.payload === 'k:1' ? failing.passing() : { status: 'sent' });
    const channel = defineChannel('attempts')
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec, { retry: { initialMs: 5, maxMs: 10, maxAttempts: 3 } });
    await engine.deploy(channel.definition, 'v1');
    await source.send('k:1', 'k:2');
    await eventually(() => far.received.length === 1);
    expect(far.attempts.filter((each) => each === 'k:1').length).toBe(3);
    expect((await engine.status())[0]?.counts).toMatchObject({ errored: 1, openErrors: 1 });
  });

  test('rule 19: an uncertain write sends the same bytes again, and many in a row open the circuit', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    let uncertain = true;
    far.answer = () => (uncertain ? failing.uncertain() : { status: 'sent' });
    const channel = defineChannel('uncertain')
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec, { retry: { initialMs: 10, maxMs: 20, maxAttempts: 1_000 } });
    await engine.deploy(channel.definition, 'v1');
    await source.send('a:1', 'b:2', 'c:3', 'd:4', 'e:5');
    await eventually(async () => (await engine.status())[0]?.destinations[0]?.circuit === 'open');
    uncertain = false;
    await eventually(() => far.received.length === 5);
    expect(far.received.toSorted()).toEqual(['a:1', 'b:2', 'c:3', 'd:4', 'e:5']);
    await eventually(async () => (await engine.status())[0]?.destinations[0]?.circuit === 'closed');
  });

  test('rule 20: more held keys than `maxHeldKeys` stop the destination with an error that says so', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    far.answer = failing.passing;
    const channel = defineChannel('held', { limits: { maxHeldKeys: 20 } })
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec, { retry: { initialMs: 60_000, maxMs: 60_000 } });
    await engine.deploy(channel.definition, 'v1');
    await source.send(...Array.from({ length: 30 }, (_, n) => `k${n}:${n}`));
    await eventually(async () => (await engine.status())[0]?.destinations[0]?.enabled === false);
    expect((await engine.status())[0]?.destinations[0]?.error?.message).toContain('maxHeldKeys');
    await eventually(async () => (await engine.status())[0]?.destinations[0]?.queued === 30);
  });

  test.for([
    ['', (payload: string) => payload],
    [' behind an asynchronous one', async (payload: string) => payload],
  ] as const)('rule 21: a step that loops for ever%s is ended, is an error of its own message, and the channel goes on', async ([
    ,
    before,
  ]) => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    const channel = defineChannel('loop', { ackAfter: 'settled', limits: { stepTimeoutMs: 200 } })
      .from(source.spec)
      .keyBy(keyOf)
      .through(before)
      .through((payload) => {
        while (payload === 'k:loop') {
          /* for ever */
        }
        return payload;
      })
      .to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const receipts = await source.send('k:1', 'k:loop', 'k:2');
    expect(receipts.map((each) => each.outcome.status)).toEqual(['sent', 'error', 'sent']);
    expect(receipts[1]?.outcome).toMatchObject({ error: { code: 'step-timeout' } });
  });

  test('rule 21: a message whose process stood still is processed once more; one that always does is an error', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    const stood: string[] = [];
    // Without a processor, as a process that was stopped.
    const standStill = (payload: string, where: string) => {
      if (stood.includes(`${where} ${payload}`) || payload.endsWith('2')) return;
      if (!payload.endsWith('always')) stood.push(`${where} ${payload}`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000);
    };
    const at = (where: string) => (payload: string) => {
      if (payload.startsWith(`${where}:`)) standStill(payload, where);
      return payload;
    };
    const channel = defineChannel('stopped', { ackAfter: 'settled', limits: { stepTimeoutMs: 300 } })
      .from(source.spec)
      .keyBy((payload) => keyOf(at('key')(payload)))
      .through(at('step'))
      .to('far', via(at('branch'), far.spec));
    await engine.deploy(channel.definition, 'v1');
    const receipts = await source.send('key:1', 'step:1', 'branch:1', 'step:always', 'step:2', 'k:1');
    expect(receipts.map(({ outcome }) => outcome.status)).toEqual(['sent', 'sent', 'sent', 'error', 'sent', 'sent']);
    expect(receipts[3]?.outcome).toMatchObject({ error: { code: 'step-timeout' } });
    expect(stood).toEqual(['key key:1', 'step step:1', 'branch branch:1']);
    expect(far.received.toSorted()).toEqual(['branch:1', 'k:1', 'key:1', 'step:1', 'step:2']);
    expect(far.received.indexOf('step:1')).toBeLessThan(far.received.indexOf('step:2'));
  });

  test('rule 21: a result that came while the process stood still is not late', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    const channel = defineChannel('waited', { ackAfter: 'settled', limits: { stepTimeoutMs: 100 } })
      .from(source.spec)
      .through(async (payload) => {
        setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300));
        await pause(200);
        return payload;
      })
      .to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const receipts = await source.send('k:1');
    expect(receipts.map(({ outcome }) => outcome.status)).toEqual(['sent']);
  });

  test('rule 21: a promise that never settles is ended too', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    const channel = defineChannel('never', { ackAfter: 'settled', limits: { stepTimeoutMs: 100 } })
      .from(source.spec)
      .through((payload) => (payload === 'k:never' ? new Promise<string>(() => undefined) : payload))
      .to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const receipts = await source.send('k:never', 'k:2');
    expect(receipts.map((each) => each.outcome.status)).toEqual(['error', 'sent']);
  });

  test('rule 21: a message that was there at three crashes is an error `poison`; the ones around it go on', async () => {
    const contents = new MemoryContents();
    const opened = () => openMemoryStore({ now: () => 1, contents });
    const stored = (n: number) => ({
      id: `01890000-0000-7000-8000-00000000000${n}`,
      raw: Buffer.from(`k:${n}`),
      meta: {},
      receivedAt: 1,
    });
    const first = opened();
    await first.append('poison', [stored(1), stored(2), stored(3), stored(4)]);
    await first.setState('hub/running', 'yes');
    const [source, far] = [manualSource(), farEnd()];
    const run = async (processed: string, crash: boolean) => {
      const store = opened();
      const { engine } = await started({ store });
      let ran = false;
      const channel = defineChannel('poison', { limits: { drainMs: 10 } })
        .from(source.spec)
        .keyBy(keyOf)
        .through(async (payload) => {
          // The process ends here, with all that it had in memory.
          if (crash && payload === processed) {
            ran = true;
            await new Promise(() => undefined);
          }
          return payload;
        })
        .to('far', far.spec);
      await engine.deploy(channel.definition, 'v1');
      await eventually(() => ran || !crash);
      return store;
    };
    for (let crash = 0; crash < 2; crash++) await run('k:2', true);
    const last = await run('k:2', false);
    await eventually(() => far.received.includes('k:4'));
    expect(far.received.filter((each) => each === 'k:2')).toEqual([]);
    const after = await last.find({ channel: 'poison', limit: 10, ascending: true });
    expect(after.messages.map((each) => each.error?.code)).toEqual([undefined, 'poison', undefined, undefined]);
  });

  test('recovery goes on with what was stored but never routed, before what comes now', async () => {
    const first = await started();
    const { store } = first;
    const stored = (n: number) => ({
      id: `01890000-0000-7000-8000-0000000000${n}`,
      raw: Buffer.from(`k:${n}`),
      meta: {},
      receivedAt: 1,
    });
    await store.append(
      'late',
      Array.from({ length: 60 }, (_, n) => stored(n + 10)),
    );
    const second = await started({ store });
    const [source, far] = [manualSource(), farEnd()];
    await second.engine.deploy(defineChannel('late').from(source.spec).to('far', far.spec).definition, 'v1');
    await source.send('k:99');
    await eventually(() => far.received.length === 61);
    expect(far.received).toEqual([...Array.from({ length: 60 }, (_, n) => `k:${n + 10}`), 'k:99']);
  });

  test('rule 24: a destination that has queued messages cannot be removed; one without can', async () => {
    const { engine } = await started();
    const [source, a, b] = [manualSource(), farEnd('a'), farEnd('b')];
    b.answer = failing.away;
    const both = defineChannel('removal').from(source.spec).to('a', a.spec).to('b', b.spec).definition;
    const one = defineChannel('removal').from(source.spec).to('a', a.spec).definition;
    await engine.deploy(both, 'v1');
    await source.send('k:1');
    await eventually(async () => (await engine.status())[0]?.destinations[1]?.queued === 1);
    await expect(engine.deploy(one, 'v2')).rejects.toThrow('destination b is gone but has 1 queued');
    await source.send('k:2');
    await eventually(() => a.received.length === 2);
    b.answer = () => ({ status: 'sent' });
    await eventually(() => b.received.length === 2);
    await eventually(async () => (await engine.status())[0]?.destinations[1]?.queued === 0);
    await engine.deploy(one, 'v2');
    expect((await engine.status())[0]?.destinations.map((each) => each.destination)).toEqual(['a']);
  });

  test('rule 24: a changed far end takes over the queue of its name', async () => {
    const { engine } = await started();
    const [source, old, next] = [manualSource(), farEnd('old'), farEnd('new')];
    old.answer = failing.away;
    const to = (far: typeof old) => defineChannel('move').from(source.spec).to('lab', far.spec).definition;
    await engine.deploy(to(old), 'v1');
    await source.send('k:1', 'k:2');
    await eventually(async () => (await engine.status())[0]?.destinations[0]?.queued === 2);
    await engine.deploy(to(next), 'v2');
    await eventually(() => next.received.length === 2);
    expect(next.received).toEqual(['k:1', 'k:2']);
  });

  test('a failing transform of one destination is that destination’s dead letter; the others get theirs', async () => {
    const { engine } = await started();
    const [source, a, b] = [manualSource(), farEnd('a'), farEnd('b')];
    const broken = (payload: string): string => {
      throw new Error(`secret ${payload}`);
    };
    const channel = defineChannel('partly', { ackAfter: 'settled' })
      .from(source.spec)
      .to('a', via(broken, a.spec))
      .to(
        'b',
        when((payload: string) => payload.length > 0, b.spec),
      );
    await engine.deploy(channel.definition, 'v1');
    const [receipt] = await source.send('k:patient');
    expect(b.received).toEqual(['k:patient']);
    expect(receipt?.outcome).toMatchObject({ status: 'error', error: { code: 'step-failed' } });
    // No text of the payload, which the thrown error quotes.
    expect(JSON.stringify(receipt)).not.toContain('patient');
    expect(text.id).toBe('text');
  });

  test('two channels cannot claim one resource, and a failed start says why and can be tried again', async () => {
    const { engine } = await started({ endpoints: {} });
    const [source, far] = [manualSource(), farEnd()];
    await engine.deploy(defineChannel('one').from(source.spec).to('far', far.spec).definition, 'v1');
    await expect(engine.stop('none', analyst)).rejects.toMatchObject({ code: 'not-found' });
  });
});
