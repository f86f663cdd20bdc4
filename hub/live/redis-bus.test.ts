import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Clock } from '../../core/component.ts';
import { recordingLog } from '../../core/testing/contexts.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { type OwnService, ownService, uniqueName } from '../../core/testing/services.ts';
import { systemClock } from '../system-clock.ts';
import { type LiveReport, liveReport } from './live-bus.ts';
import { RedisBus } from './redis-bus.ts';

const own = await ownService('redis', import.meta.filename);
/** Ten seconds of it are one. */
const fast: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * 10,
  timer: (afterMs, due) => systemClock.timer(afterMs / 10, due),
};
const report = (hub: string, at = 1): LiveReport => ({ hub, at, shared: false, channels: [] });

describe.skipIf(own.missing)('the bus over Redis', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await own.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  async function hub(prefix: string, url = server.address, clock: Clock = systemClock) {
    const { log, logged } = recordingLog();
    const what = { name: 'live', title: 'live figures', schema: liveReport };
    const bus = await RedisBus.open({ ...what, server: { url }, prefix, clock, log });
    onTestFinished(() => bus[Symbol.asyncDispose]());
    const seen: LiveReport[] = [];
    const look = () => bus.subscribe((each) => void seen.push(each));
    return { bus, logged, seen, look };
  }
  const connected = (...hubs: readonly { readonly bus: RedisBus<LiveReport> }[]) =>
    vi.waitFor(() => expect(hubs.map(({ bus }) => bus.status().state)).toEqual(hubs.map(() => 'connected')));

  it('shows the reports of each hub at each hub, once, and not those of another installation', async () => {
    const prefix = uniqueName(import.meta.filename);
    const [one, two, other] = [await hub(prefix), await hub(prefix), await hub(`${prefix}x`)];
    for (const each of [one, two, other]) each.look();
    await connected(one, two, other);
    one.bus.publish(report('one'));
    two.bus.publish(report('two'));
    for (const { seen } of [one, two])
      await vi.waitFor(() => expect(seen.map((each) => each.hub).sort()).toEqual(['one', 'two']));
    expect(other.seen).toEqual([]);
  });

  it('asks other hubs for reports only while somebody looks', async () => {
    const prefix = uniqueName(import.meta.filename);
    const [one, two] = [await hub(prefix, server.address, fast), await hub(prefix, server.address, fast)];
    await connected(one, two);
    expect([one.bus.wanted, two.bus.wanted]).toEqual([false, false]);
    const looking = one.look();
    await vi.waitFor(() => expect(two.bus.wanted).toBe(true));
    looking[Symbol.dispose]();
    expect(one.bus.wanted).toBe(false);
    await vi.waitFor(() => expect(two.bus.wanted).toBe(false));
  });

  it('goes on with its own reports while Redis is away, says so once, and finds back', async () => {
    const prefix = uniqueName(import.meta.filename);
    const [one, two] = [await hub(prefix), await hub(prefix)];
    one.look();
    two.look();
    await connected(one, two);
    await server.kill();
    await vi.waitFor(() => expect(one.bus.status()).toMatchObject({ state: 'away', error: expect.any(String) }));
    one.bus.publish(report('one', 2));
    expect(one.seen).toEqual([report('one', 2)]);
    expect(one.bus.status().dropped).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(one.logged.map(({ level }) => level)).toEqual(['warn']);
    await server.start();
    await connected(one, two);
    expect(one.logged.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(one.bus.status()).not.toHaveProperty('error');
    one.bus.publish(report('one', 3));
    await vi.waitFor(() => expect(two.seen).toEqual([report('one', 3)]));
  });

  it('is not held up by a Redis that says nothing', async () => {
    const one = await hub(uniqueName(import.meta.filename));
    one.look();
    await connected(one);
    await server.pause();
    for (let at = 0; at < 20; at++) one.bus.publish(report('one', at));
    expect(one.seen).toHaveLength(20);
    expect(one.bus.status().dropped).toBeGreaterThanOrEqual(12);
    await server.resume();
  });

  it('names the setting: a wrong password, nobody there', async () => {
    const url = new URL(server.address);
    url.password = 'wrong';
    const wrong = await hub('x', url.href);
    await vi.waitFor(() => expect(wrong.logged).toHaveLength(1));
    expect(wrong.logged[0]?.text).toMatch(/redis\.url/);
    expect(wrong.logged[0]?.text).not.toContain('wrong');
    const nowhere = await hub('x', `redis://127.0.0.1:${await freePort()}`);
    await vi.waitFor(() => expect(nowhere.logged[0]?.text).toMatch(/ECONNREFUSED/));
  });

  it('leaves alone what is no report', async () => {
    const prefix = uniqueName(import.meta.filename);
    const one = await hub(prefix);
    one.look();
    await connected(one);
    const { Redis } = await import('ioredis');
    const stranger = new Redis(server.address);
    for (const text of ['', '{', '[]', '{"from":1}', '{"from":"x","report":{"hub":7}}'])
      await stranger.publish(`${prefix}live`, text);
    await stranger.publish(`${prefix}live`, JSON.stringify({ from: 'x', report: report('x') }));
    stranger.disconnect();
    await vi.waitFor(() => expect(one.seen).toEqual([report('x')]));
  });
});
