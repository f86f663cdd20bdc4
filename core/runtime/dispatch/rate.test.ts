import { describe, expect, test, vi } from 'vitest';
import { defineChannel } from '../../builder.ts';
import type { Granted, SharedRates } from '../../rates.ts';
import { eventually, failing, farEnd, harnessPerTest, keyOf, manualSource } from '../../testing/engine-harness.ts';

const started = harnessPerTest();
const bodiesOf = (count: number, keys = 'abc') =>
  Array.from({ length: count }, (_, n) => `${keys[n % keys.length]}:${n}`);

describe('a destination with a rate', () => {
  test.for([
    ['independent', 'key'],
    ['prefix', 'key'],
    ['atomic', 'key'],
    ['independent', 'strict'],
  ] as const)('%s, order %s: sends no faster, keeps the order, and tells that it waits', async ([batching, order]) => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd('far', { batching, concurrency: 2 })];
    const times: number[] = [];
    far.answer = () => {
      times.push(performance.now());
      return { status: 'sent' };
    };
    const { definition } = defineChannel('limited')
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec, { order, rate: { perSecond: 50, burst: 5 } });
    await engine.deploy(definition, 'v1');
    await source.send(...bodiesOf(30));
    const standing = async () => (await engine.status())[0]!.destinations[0]!.rate;
    const stands = (limited: boolean) =>
      vi.waitFor(async () => expect(await standing()).toEqual({ perSecond: 50, limited }), { interval: 5 });
    await stands(true);
    await eventually(() => far.received.length === 30);
    // Whatever span is looked at: the burst, and what the time brings. A timer may be a millisecond early.
    for (const [first, from] of times.entries())
      for (const [last, to] of times.entries())
        if (last > first) expect(last - first + 1).toBeLessThanOrEqual(5 + ((to - from + 2) * 50) / 1000 + 1);
    expect(times.at(-1)! - times[0]!).toBeLessThan(2_000);
    for (const key of 'abc') {
      const numbers = far.received.filter((each) => keyOf(each) === key).map((each) => Number(each.split(':')[1]));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
    await stands(false);
  });

  test('a failing message is tried again, holds back its own key only, and what was not tried costs nothing', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd('far', { batching: 'prefix' })];
    let failures = 0;
    far.answer = (message) =>
      Buffer.from(message.bytes).toString() === 'a:0' && failures++ < 2 ? failing.passing() : { status: 'sent' };
    const { definition } = defineChannel('limited')
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec, { rate: { perSecond: 100, burst: 4 }, retry: { initialMs: 20, maxMs: 20 } });
    await engine.deploy(definition, 'v1');
    await source.send(...bodiesOf(12));
    await eventually(() => far.received.length === 12);
    expect(far.received.filter((each) => keyOf(each) === 'a')).toEqual(['a:0', 'a:3', 'a:6', 'a:9']);
  });

  test('holds up neither a stop nor another destination; what waits goes on at the next start', async () => {
    const first = await started();
    const [source, slow, quick] = [manualSource(), farEnd('slow'), farEnd('quick')];
    const { definition } = defineChannel('limited')
      .from(source.spec)
      .keyBy(keyOf)
      .to('slow', slow.spec, { rate: { perSecond: 0.1, burst: 2 } })
      .to('quick', quick.spec);
    await first.engine.deploy(definition, 'v1');
    await source.send(...bodiesOf(20));
    await eventually(() => quick.received.length === 20);
    const at = performance.now();
    await first.engine.close(20_000);
    expect(performance.now() - at).toBeLessThan(15_000);
    expect(slow.received).toEqual(['a:0', 'b:1']);
    const next = defineChannel('limited').from(manualSource().spec).keyBy(keyOf).to('slow', slow.spec);
    const second = await started({ store: first.store });
    await second.engine.deploy(next.to('quick', quick.spec).definition, 'v2');
    await eventually(() => slow.received.length === 20);
    expect(slow.received.filter((each) => keyOf(each) === 'b')).toEqual(
      bodiesOf(20).filter((each) => keyOf(each) === 'b'),
    );
  });

  test('destinations that share a name share the rate', async () => {
    const { engine } = await started();
    const far = farEnd();
    const sources = [manualSource('one'), manualSource('two')];
    for (const [at, source] of sources.entries())
      await engine.deploy(
        defineChannel(`channel-${at}`)
          .from(source.spec)
          .keyBy(keyOf)
          .to('api', far.spec, { rate: { perSecond: 40, burst: 4, shared: 'lab-api' } }).definition,
        'v1',
      );
    const from = performance.now();
    await Promise.all(sources.map((source) => source.send(...bodiesOf(12))));
    await eventually(() => far.received.length === 24);
    expect(performance.now() - from).toBeGreaterThan((1000 * (24 - 4)) / 40 - 50);
  });

  test('what all hubs count together is asked of them; while they cannot be asked it takes its share, and says so', async () => {
    const asked: string[] = [];
    let away = false;
    let left = 6;
    const rates: SharedRates = {
      async take(name, rate, wanted): Promise<Granted> {
        if (away) throw new Error('away');
        asked.push(`${name} ${rate.perSecond}/${rate.burst}`);
        const count = Math.min(wanted, left);
        left -= count;
        return { count, waitMs: count === wanted ? 0 : 20 };
      },
    };
    const { engine, logged } = await started({ rates });
    const [source, far] = [manualSource(), farEnd()];
    const { definition } = defineChannel('limited')
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec, { rate: { perSecond: 200 } });
    await engine.deploy(definition, 'v1');
    await source.send(...bodiesOf(9));
    await eventually(() => far.received.length === 6);
    expect(new Set(asked)).toEqual(new Set(['limited/far 200/200']));
    away = true;
    await eventually(() => far.received.length === 9);
    expect((await engine.status())[0]!.destinations[0]!.rate).toMatchObject({ alone: true });
    const warned = () => logged.filter(({ text }) => text.includes('by this hub alone'));
    expect(warned()).toHaveLength(1);
    [away, left] = [false, 100];
    await eventually(async () => {
      await source.send('a:99');
      return logged.some(({ text }) => text.includes('with the other hubs again'));
    });
    expect(warned()).toHaveLength(1);
  });
});
